/** Facts about limits and exclusions. */
import { z } from 'zod';
import { moneySchema as money } from '../money.schema.ts';

const limit = {
  limitId: z.uuid(),
  kind: z.enum(['deposit', 'loss', 'stake']),
  window: z.enum(['day', 'week', 'month']),
};

const exclusion = { playerId: z.uuid(), number: z.int(), kind: z.enum(['time-out', 'self-exclusion']) };

export const responsibleGamblingEvents = {
  'responsible-gambling.limit.set': z.strictObject({ ...limit, money, profileVersion: z.int() }),
  'responsible-gambling.limit.removed': z.strictObject(limit),
  'responsible-gambling.limit-change.requested': z.strictObject({
    limitChangeId: z.uuid(),
    effectiveAt: z.string(),
    jurisdiction: z.string(),
    profileVersion: z.int(),
  }),
  'responsible-gambling.limit-change.matured': z.strictObject({ limitChangeId: z.uuid() }),
  'responsible-gambling.limit-change.applied': z.strictObject({ limitChangeId: z.uuid() }),
  'responsible-gambling.limit-change.cancelled': z.strictObject({ limitChangeId: z.uuid() }),
  'responsible-gambling.limit-change.lapsed': z.strictObject({ limitChangeId: z.uuid() }),
  'responsible-gambling.exclusion.started': z.strictObject({
    ...exclusion,
    /** ISO instant, or 'infinity'. */
    until: z.string(),
    jurisdiction: z.string(),
    profileVersion: z.int(),
  }),
  'responsible-gambling.exclusion.extended': z.strictObject({
    ...exclusion,
    until: z.string(),
    profileVersion: z.int(),
  }),
  'responsible-gambling.exclusion.served': z.strictObject(exclusion),
  'responsible-gambling.exclusion.reinstatement-requested': z.strictObject({
    ...exclusion,
    effectiveAt: z.string(),
  }),
  'responsible-gambling.exclusion.ended': z.strictObject(exclusion),
} as const;
