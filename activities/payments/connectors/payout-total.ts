/**
 * Whether a settlement file is whole, where its format counts no lines: what moved in it and what it pays out even out, and
 * the payout stands in it. A file that was cut between two records looks whole otherwise.
 */
import { fail, FailureError } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';

export type PayoutTotals = {
  /** `of`: what is paid out together, as a batch in a currency. Signed as the balance moves, net of fees. */
  add(of: string, net: Units, isPayout: boolean): void;
  /** Throws `invalid-request` where something is missing. */
  mustBeWhole(): void;
};

export function payoutTotals(): PayoutTotals {
  const totals = new Map<string, { rest: Units; isPaid: boolean }>();
  return {
    add(of, net, isPayout) {
      const before = totals.get(of) ?? { rest: 0n, isPaid: false };
      totals.set(of, { rest: before.rest + net, isPaid: before.isPaid || isPayout });
    },
    mustBeWhole() {
      for (const [of, { rest, isPaid }] of totals) {
        // Nothing is paid out of a balance that is not above zero, so nothing tells then what is missing.
        if (isPaid ? rest === 0n : rest <= 0n) continue;
        const detail = isPaid
          ? `its lines of ${of} do not add up to what it pays out`
          : `it does not tell the payout of ${of}`;
        throw new FailureError(fail('invalid-request', `The file is truncated: ${detail}.`).failure);
      }
    },
  };
}
