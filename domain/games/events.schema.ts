/** Facts about game sessions and rounds. */
import { z } from 'zod';
import { moneySchema } from '../money.schema.ts';

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
  'games.play-rules.set': z.strictObject({
    integration: z.string(),
    game: z.string(),
    stakeCaps: z.array(z.strictObject({ money: moneySchema, jurisdiction: z.string().nullable() })),
    jackpot: z.strictObject({ pool: z.string(), contributionBps: z.int() }).nullable(),
  }),
  'games.stake-cap.set': z.strictObject({ asset: z.string(), money: moneySchema.nullable() }),
} as const;
