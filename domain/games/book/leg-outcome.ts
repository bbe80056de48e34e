/** What a selection's result makes of the stake that is on it: one exact factor per outcome. */
import { assertNever } from '../../failures.ts';
import { oddsOne, type Odds, type Ratio } from './odds.ts';

export const plainResults = ['won', 'lost', 'void', 'half-won', 'half-lost'] as const;

/** `dead-heat`: `sharedBy` selections came in on `places` paid places, so that much of the stake won. */
export type LegOutcome =
  | { readonly result: (typeof plainResults)[number] }
  | { readonly result: 'dead-heat'; readonly sharedBy: number; readonly places: number };

/** Results of a market by selection. */
export type MarketOutcomes = Readonly<Record<string, LegOutcome>>;

/**
 * What one unit on the leg becomes. Void counts 1, so an accumulator goes on without the leg; half-won is half at the
 * odds and half back; half-lost is half back; in a dead heat the stake is split, and the split parts win or lose.
 */
export function factorOf(outcome: LegOutcome, odds: Odds): Ratio {
  switch (outcome.result) {
    case 'won':
      return { num: odds, den: oddsOne };
    case 'lost':
      return { num: 0n, den: 1n };
    case 'void':
      return { num: 1n, den: 1n };
    case 'half-won':
      return { num: odds + oddsOne, den: 2n * oddsOne };
    case 'half-lost':
      return { num: 1n, den: 2n };
    case 'dead-heat':
      return { num: odds * BigInt(outcome.places), den: oddsOne * BigInt(outcome.sharedBy) };
    default:
      return assertNever(outcome);
  }
}

/** An abandoned market gives every stake back. */
export const abandoned = (selectionIds: readonly string[]): MarketOutcomes =>
  Object.fromEntries(selectionIds.map((id) => [id, { result: 'void' }]));

/** Equal meaning, whatever the order of keys. */
export function sameOutcomes(left: MarketOutcomes, right: MarketOutcomes): boolean {
  const ids = Object.keys(left);
  return (
    ids.length === Object.keys(right).length &&
    ids.every((id) => outcomeText(left[id]) === outcomeText(right[id]))
  );
}

function outcomeText(outcome: LegOutcome | undefined): string {
  if (outcome === undefined) return '';
  return outcome.result === 'dead-heat' ? `dead-heat ${outcome.places}/${outcome.sharedBy}` : outcome.result;
}
