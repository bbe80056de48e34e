/** Terms of an award, checked before it is granted. */
import { fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';

export type AwardTerms = {
  readonly amount: Units;
  /** How often the amount must be staked before it converts, 0 to 100 times. */
  readonly wageringTimes: number;
  readonly betMax: Units | null;
  /** Days until what is left is forfeited, 1 to 90. */
  readonly days: number;
};

export const wageringTimesMax = 100;
export const daysMax = 90;

/** The amount to stake before the award converts. Fails with `invalid-request` on terms that no award may have. */
export function wageringOf(terms: AwardTerms): Result<Units> {
  if (
    !Number.isInteger(terms.wageringTimes) ||
    terms.wageringTimes < 1 ||
    terms.wageringTimes > wageringTimesMax
  ) {
    return fail('invalid-request', `Wagering is 1 to ${wageringTimesMax} times the amount.`);
  }
  if (!Number.isInteger(terms.days) || terms.days < 1 || terms.days > daysMax) {
    return fail('invalid-request', `An award lives 1 to ${daysMax} days.`);
  }
  return succeed(terms.amount * BigInt(terms.wageringTimes));
}
