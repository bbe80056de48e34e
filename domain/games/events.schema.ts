/** Facts about game sessions and rounds. */
import { z } from 'zod';

export const gamesEvents = {
  'games.session.opened': z.strictObject({
    gameSessionId: z.uuid(),
    integration: z.string(),
    game: z.string(),
  }),
  'games.round.guarded': z.strictObject({ integration: z.string(), round: z.string(), playerId: z.uuid() }),
  'games.round.resolved': z.strictObject({
    integration: z.string(),
    round: z.string(),
    playerId: z.uuid(),
    outcome: z.enum(['settled', 'void', 'manual']),
  }),
} as const;
