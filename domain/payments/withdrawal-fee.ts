/** What a player pays for a withdrawal, in exact units, and how it is spread over the legs. */
import type { Units } from '../money.ts';

export type FeeTerm = {
  readonly bps: number;
  readonly fixed: Units;
  /** Withdrawals of a calendar month that cost nothing. */
  readonly freePerMonth: number;
};

export type Fee = { readonly fee: Units; readonly isWaived: boolean };

const whole = 10_000n;

/**
 * Rounded down to the payable unit, so never more than the term says. `isWaived`: it used up a free one.
 * @param used free withdrawals of the month that are gone
 */
export function withdrawalFee(term: FeeTerm | null, amount: Units, used: number, unit: Units): Fee {
  if (term === null) return { fee: 0n, isWaived: false };
  const exact = term.fixed + (amount * BigInt(term.bps)) / whole;
  const fee = exact - (exact % unit);
  return used < term.freePerMonth && fee > 0n ? { fee: 0n, isWaived: true } : { fee, isWaived: false };
}

/** The fee's share of each payout, in payable units and in proportion; the shares are the fee to the unit. */
export function spreadFee(fee: Units, payouts: readonly Units[], unit: Units): readonly Units[] {
  const total = payouts.reduce((sum, payout) => sum + payout, 0n);
  let reached = 0n;
  let spent = 0n;
  return payouts.map((payout) => {
    reached += payout;
    const due = total === 0n ? 0n : (((fee / unit) * reached) / total) * unit;
    const share = reached === total ? fee - spent : due - spent;
    spent += share;
    return share;
  });
}
