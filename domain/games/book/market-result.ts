/** What becomes of a result that a feed sends: taken, of no effect, or put before a person. The feed's sequence gives order. */
import { sameOutcomes, type MarketOutcomes } from './leg-outcome.ts';

export type KnownResult = {
  readonly version: number;
  /** Of the last message that said so. */
  readonly sequence: bigint;
  readonly outcomes: MarketOutcomes;
};

export type IncomingResult = { readonly sequence: bigint; readonly outcomes: MarketOutcomes };

export const parkReasons = [
  'unknown-market',
  'unknown-selection',
  'incomplete-result',
  'contradicts-later-result',
] as const;
export type ParkReason = (typeof parkReasons)[number];

export type Judgement =
  | { readonly kind: 'accept'; readonly version: number }
  /** `confirms`: a later message says the same, so its sequence counts from now on. */
  | { readonly kind: 'no-effect'; readonly confirms: boolean }
  | { readonly kind: 'park'; readonly reason: ParkReason };

/**
 * Judges a result of a market with these selections; null where the market is not known.
 * A result names every selection of its market and no other. The first is version 1; a later one (by sequence) that
 * differs is a correction under the next version, also after an abandonment; one that is not later and differs is
 * parked, because nobody can tell a mistake from a message that was long on its way.
 */
export function judgeResult(
  market: { readonly selectionIds: readonly string[]; readonly known: KnownResult | null } | null,
  incoming: IncomingResult,
): Judgement {
  if (market === null) return { kind: 'park', reason: 'unknown-market' };
  const ours = new Set(market.selectionIds);
  const theirs = Object.keys(incoming.outcomes);
  if (theirs.some((id) => !ours.has(id))) return { kind: 'park', reason: 'unknown-selection' };
  if (theirs.length < ours.size) return { kind: 'park', reason: 'incomplete-result' };
  const { known } = market;
  if (known === null) return { kind: 'accept', version: 1 };
  const isLater = incoming.sequence > known.sequence;
  if (sameOutcomes(known.outcomes, incoming.outcomes)) return { kind: 'no-effect', confirms: isLater };
  return isLater
    ? { kind: 'accept', version: known.version + 1 }
    : { kind: 'park', reason: 'contradicts-later-result' };
}
