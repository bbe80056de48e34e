/** Free rounds and supplier promotions: their stakes touch no money, their winnings are real money or a bonus by the reward's terms. */
import type { Units } from '../money.ts';
import { bonusCost } from './chart.ts';
import { creditCash, type OriginalPosting, type Posting } from './postings.ts';
import { isAwardLive, type LiveAward, type WalletState } from './state.ts';

/** Terms of the reward behind a free win. */
export type FreeWinTerms = {
  /** Id of the award that is opened when none is live. */
  readonly awardId: string;
  readonly wageringTimes: number;
  readonly betMax: Units | null;
  readonly expiresAtMs: number;
};

/** Without terms the winnings are real money. */
export type FreeWin = { readonly terms: FreeWinTerms | null };

export type OpenedAward = LiveAward & { readonly amount: Units };

export type FreeWinOutcome = {
  readonly postings: Posting[];
  /** The award as it is afterwards. */
  readonly award: LiveAward | null;
  readonly opened: OpenedAward | null;
  /** What the winnings add to the stakes to be made; null where they are real money. */
  readonly wagering: { readonly awardId: string; readonly units: Units } | null;
};

/** True for a bet that took nothing from the player. A win on real money stays real, whatever the wire calls it. */
export const isFreeStake = (postings: readonly OriginalPosting[]): boolean =>
  !postings.some((line) => line.ofPlayer);

/**
 * Winnings of free rounds, at the house's bonus cost and not in its revenue. Under terms they open an award of their
 * own; while another is wagered they join it with the wagering of their own terms, since one is wagered at a time.
 * In the moments in which an award ends there is none to join or to open, and the winnings are real money.
 */
export function decideFreeWin(
  state: WalletState,
  amount: Units,
  { terms }: FreeWin,
  nowMs: number,
): FreeWinOutcome {
  const { award, balances } = state;
  const house: Posting = { side: 'house', account: bonusCost, amount: -amount };
  const isJoinable = isAwardLive(state, nowMs) && award !== null && award.wageringLeft > 0n;
  if (amount === 0n || !terms || (award !== null && !isJoinable) || terms.expiresAtMs <= nowMs) {
    const postings = [...creditCash(balances, amount), house].filter((line) => line.amount !== 0n);
    return { postings, award, opened: null, wagering: null };
  }
  const postings: Posting[] = [{ side: 'player', account: 'bonus', amount }, house];
  const units = amount * BigInt(terms.wageringTimes);
  if (award) {
    const joined = { ...award, wageringLeft: award.wageringLeft + units };
    return { postings, award: joined, opened: null, wagering: { awardId: award.id, units } };
  }
  const { awardId: id, betMax, expiresAtMs } = terms;
  const opened = { id, wageringLeft: units, betMax, expiresAtMs };
  return { postings, award: opened, opened: { ...opened, amount }, wagering: { awardId: id, units } };
}
