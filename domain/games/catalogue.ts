/** Rules of catalogue imports: what a new game counts toward wagering, and when a provider's list cannot be true. */

/** Categories, in the words of Hub88 and a8r, whose games are slots by nature. */
const slotWords = /slot|scratch|casual|megaways/i;

/**
 * Share toward wagering of a game that no operator has looked at: slots count in full, everything else not at all,
 * because a table game that counts can be played almost without risk.
 */
export const defaultContributionBps = (category: string, live: boolean): number =>
  !live && slotWords.test(category) ? 10_000 : 0;

/** Catalogues smaller than this may change as they like. */
const guardedSizeMin = 10;

/**
 * True when a list would withdraw more than half of what is offered now. An empty or cut-off answer looks exactly like
 * that, and believing it would close the casino.
 */
export const withdrawsMost = (listedBefore: number, withdrawn: number): boolean =>
  listedBefore >= guardedSizeMin && withdrawn * 2 > listedBefore;

/** A game is offered from its release until it is recalled. Instants in milliseconds. */
export const isOffered = (
  game: {
    readonly enabled: boolean;
    readonly releasedAtMs: number | null;
    readonly recalledAtMs: number | null;
  },
  nowMs: number,
): boolean =>
  game.enabled &&
  (game.releasedAtMs === null || game.releasedAtMs <= nowMs) &&
  (game.recalledAtMs === null || game.recalledAtMs > nowMs);
