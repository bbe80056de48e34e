/** What a routing rule decides: shares of the volume, and for each of them the order in which PSPs are tried. */
import { z } from 'zod';
import { decisionSchema } from '../rules/decision.schema.ts';
import { bucketsCount } from '../rules/volume-split.ts';

const psps = z
  .array(z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be the name of a PSP'))
  .min(1)
  .max(10)
  .refine((names) => new Set(names).size === names.length, 'must name each PSP once');

const share = z.strictObject({ shareBps: z.int().min(1).max(bucketsCount), psps });

export const routingOutcomeSchema = z.strictObject({
  split: z
    .array(share)
    .min(1)
    .max(10)
    .refine(
      (shares) => shares.reduce((sum, { shareBps }) => sum + shareBps, 0) === bucketsCount,
      `must have shares that add up to ${bucketsCount} basis points`,
    ),
});

export const routingDecisionSchema = decisionSchema(routingOutcomeSchema);

export type RoutingOutcome = z.infer<typeof routingOutcomeSchema>;
