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

/** What is known of one game: whether the provider offers it, and a text that differs when its description does. */
export type CatalogueEntry = { readonly listed: boolean; readonly description: string };

export type CatalogueDiff = {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly withdrawn: readonly string[];
  readonly returned: readonly string[];
};

/**
 * What a provider's list changes, by game code. A game that is missing from a list that was read whole is withdrawn;
 * one that is missing from an incomplete list may have been among what could not be read.
 */
export function diffCatalogue(
  known: ReadonlyMap<string, CatalogueEntry>,
  list: ReadonlyMap<string, CatalogueEntry>,
  isComplete: boolean,
): CatalogueDiff {
  const diff = {
    added: [] as string[],
    changed: [] as string[],
    withdrawn: [] as string[],
    returned: [] as string[],
  };
  for (const [code, entry] of list) {
    const before = known.get(code);
    if (!before) diff.added.push(code);
    else if (before.listed && !entry.listed) diff.withdrawn.push(code);
    else if (!before.listed && entry.listed) diff.returned.push(code);
    else if (before.description !== entry.description) diff.changed.push(code);
  }
  if (isComplete) {
    for (const [code, before] of known) if (before.listed && !list.has(code)) diff.withdrawn.push(code);
  }
  return diff;
}
