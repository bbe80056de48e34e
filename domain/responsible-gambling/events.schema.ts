/** Facts about limits and exclusions. */
import { z } from 'zod';
import { moneySchema as money } from '../money.schema.ts';

export const responsibleGamblingEvents = {
  'responsible-gambling.limit.set': z.strictObject({
    limitId: z.uuid(),
    kind: z.enum(['deposit', 'loss', 'stake']),
    window: z.enum(['day', 'week', 'month']),
    money,
  }),
  'responsible-gambling.limit-change.requested': z.strictObject({ limitChangeId: z.uuid(), effectiveAt: z.string() }),
  'responsible-gambling.limit-change.applied': z.strictObject({ limitChangeId: z.uuid() }),
  'responsible-gambling.limit-change.cancelled': z.strictObject({ limitChangeId: z.uuid() }),
  'responsible-gambling.exclusion.started': z.strictObject({
    playerId: z.uuid(),
    number: z.int(),
    kind: z.enum(['time-out', 'self-exclusion']),
    until: z.string(),
  }),
  'responsible-gambling.exclusion.ended': z.strictObject({ playerId: z.uuid(), number: z.int() }),
} as const;
