/** What a 3-D Secure rule decides, and the order in which its rows must stand: requests before exemptions. */
import { z } from 'zod';
import { decisionSchema, type Decision } from '../rules/decision.schema.ts';
import { exemptions, isRequest, threeDsWants, type ThreeDsWish } from './three-ds.ts';

export const threeDsWishSchema: z.ZodType<ThreeDsWish> = z
  .strictObject({
    want: z.enum(threeDsWants),
    exemption: z.enum(exemptions).nullable().default(null),
    whenUnavailable: z.enum(['proceed', 'refuse']),
  })
  .refine(
    ({ want, exemption }) => (want === 'exemption') === (exemption !== null),
    'must name an exemption exactly where it wants one',
  );

export const threeDsDecisionSchema = decisionSchema(threeDsWishSchema);

/**
 * Rows that ask for a challenge stand first, so that nobody exempts by the order of rows what another row insists on.
 * Gives the place of the first row that stands too late, null when all is well.
 */
export function requestTooLate(decision: Decision<ThreeDsWish>): number | null {
  const outcomes = (decision.form === 'rules' ? decision.rules : decision.rows).map(({ outcome }) => outcome);
  const firstOther = outcomes.findIndex(({ want }) => !isRequest(want));
  if (firstOther < 0) return null;
  const late = outcomes.findIndex(({ want }, index) => index > firstOther && isRequest(want));
  return late < 0 ? null : late;
}
