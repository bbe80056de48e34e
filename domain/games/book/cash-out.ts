/** What a running bet is worth to be bought back: its fair value at the prices of now, less the book's margin. */
import type { Units } from '../../money.ts';
import { factorOf, type LegOutcome } from './leg-outcome.ts';
import { oddsOne, productOf, type Odds } from './odds.ts';
import { roundDown, type BetTerms } from './settlement.ts';

/** Kept by the book of every value, in basis points. */
export const cashOutMarginBps = 500n;

/** How long an offer stands, by the database's clock. */
export const cashOutOfferS = 10;

/** A leg with its result, or with the price at which it could be had now; null where it cannot be had. */
export type RunningLeg =
  | { readonly outcome: LegOutcome }
  | { readonly outcome: null; readonly oddsNow: Odds | null };

/**
 * Stake × factors of known legs × (odds taken ÷ odds now) of open ones × (1 − margin), rounded down to the payable
 * unit and never above what the bet can still pay. Null where there is nothing to offer: a leg is lost, a market is
 * suspended or closed, nothing is open any more, or the value rounds to nothing.
 */
export function cashOutValue(terms: BetTerms, legs: readonly RunningLeg[]): Units | null {
  const factors = legs.map((leg, index) => {
    const taken = terms.odds[index] ?? oddsOne;
    if (leg.outcome !== null)
      return { now: factorOf(leg.outcome, taken), best: factorOf(leg.outcome, taken) };
    if (leg.oddsNow === null) return null;
    return { now: { num: taken, den: leg.oddsNow }, best: { num: taken, den: oddsOne } };
  });
  const known = factors.filter((factor) => factor !== null);
  if (known.length < legs.length || legs.every(({ outcome }) => outcome !== null)) return null;
  const now = productOf(known.map((factor) => factor.now));
  const best = productOf(known.map((factor) => factor.best));
  const value = roundDown(
    terms.stake * now.num * (10_000n - cashOutMarginBps),
    now.den * 10_000n,
    terms.payableUnit,
  );
  const most = roundDown(terms.stake * best.num, best.den, terms.payableUnit);
  const capped = [most, terms.payoutMax].reduce((least, cap) => (cap < least ? cap : least), value);
  return capped > 0n ? capped : null;
}
