/** What a bet pays once its legs are known, and the exact difference to what it has been paid already. */
import type { Units } from '../../money.ts';
import type { BookPayCode } from '../../wallet/book-commands.ts';
import { factorOf, type LegOutcome } from './leg-outcome.ts';
import { oddsOne, productOf, type Odds } from './odds.ts';

export type BetTerms = {
  /** Units at ledger scale, a multiple of `payableUnit`. */
  readonly stake: Units;
  /** Most that the bet pays, the stake included. */
  readonly payoutMax: Units;
  /** Ledger units of the smallest amount that the asset is paid in. */
  readonly payableUnit: Units;
  /** Odds of the legs as accepted, in the order of the legs. */
  readonly odds: readonly Odds[];
};

export type BetOutcome = 'won' | 'lost' | 'void';

export type BetResult = { readonly payout: Units; readonly outcome: BetOutcome };

/**
 * Stake times the product of all factors, computed exactly and rounded down once, at the end, to the payable unit:
 * the order of legs cannot matter, and the residue is the house's. A void bet pays its stake to the unit.
 */
export function payoutOf(terms: BetTerms, outcomes: readonly LegOutcome[]): Units {
  const { num, den } = productOf(
    outcomes.map((outcome, leg) => factorOf(outcome, terms.odds[leg] ?? oddsOne)),
  );
  const payout = roundDown(terms.stake * num, den, terms.payableUnit);
  return payout < terms.payoutMax ? payout : terms.payoutMax;
}

/** `num / den` rounded down to a multiple of `unit`. */
export const roundDown = (num: bigint, den: bigint, unit: Units): Units => (num / (den * unit)) * unit;

/** What the bet pays if every leg wins: what a player is shown and what caps are held against. */
export const potentialPayout = (stake: Units, odds: readonly Odds[], payableUnit: Units): Units => {
  const { num, den } = productOf(odds.map((one) => ({ num: one, den: oddsOne })));
  return roundDown(stake * num, den, payableUnit);
};

/** The bet's result; null while it hangs on legs that are not known. A lost leg decides a bet at once. */
export function resultOf(terms: BetTerms, outcomes: readonly (LegOutcome | null)[]): BetResult | null {
  if (outcomes.some((outcome) => outcome?.result === 'lost')) return { payout: 0n, outcome: 'lost' };
  const known = outcomes.filter((outcome) => outcome !== null);
  if (known.length < outcomes.length) return null;
  if (known.every(({ result }) => result === 'void')) return { payout: terms.stake, outcome: 'void' };
  const payout = payoutOf(terms, known);
  return { payout, outcome: payout === 0n ? 'lost' : 'won' };
}

/** Where a bet stands before a result is applied. */
export type Paid = {
  /** How often a result has been applied; 0 for an open bet that never had one. */
  readonly settlementVersion: number;
  /** Sum of all that its settlements have paid and taken back. */
  readonly payout: Units;
  readonly isVoid: boolean;
};

export type Settlement = BetResult & {
  readonly version: number;
  readonly delta: Units;
  /** Null where neither money nor what limits count moves, which leaves no journal. */
  readonly code: BookPayCode | null;
};

/** The step from what was paid to what the result says: a settlement, or a correction by the exact difference. */
export function settle(paid: Paid, result: BetResult): Settlement {
  const delta = result.payout - paid.payout;
  return {
    ...result,
    version: paid.settlementVersion + 1,
    delta,
    code: delta === 0n && paid.isVoid === (result.outcome === 'void') ? null : codeOf(paid, result),
  };
}

const codeOf = (paid: Paid, { outcome }: BetResult): BookPayCode => {
  if (paid.settlementVersion > 0) return 'book.correct';
  return outcome === 'void' ? 'book.void' : 'book.settle';
};
