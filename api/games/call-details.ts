/** What a wallet call says beside its money, in the words that are kept with the journal. Nothing of it decides anything. */
import type { Units } from '#domain/money.ts';
import type { JournalDetails } from '#domain/wallet/journal-details.ts';
import { exactJsonText } from './exact-json.ts';

export type CallWords = {
  readonly free: {
    /** Null for a win. */
    readonly stake: Units | null;
    readonly rewardId: string | null;
    readonly campaignId: string | null;
    readonly supplierPromo: boolean;
    readonly promoReference: string | null;
  } | null;
  readonly jackpot: {
    readonly pool: string | null;
    readonly contribution: Units | null;
    readonly win: Units | null;
  } | null;
  /** Wire names to what came under them; what is missing, null or false is not kept. */
  readonly wire: Readonly<Record<string, unknown>>;
};

/** Null when the call says nothing worth keeping, which is what most bets say. */
export function detailsOf({ free, jackpot, wire }: CallWords): JournalDetails | null {
  const kept = wordsOf(wire);
  if (!free && !jackpot && !kept) return null;
  return {
    ...(jackpot
      ? {
          jackpot: {
            pool: jackpot.pool,
            contribution: textOf(jackpot.contribution),
            win: textOf(jackpot.win),
          },
        }
      : null),
    ...(free
      ? {
          free: {
            stake: textOf(free.stake),
            rewardId: free.rewardId,
            campaignId: free.campaignId,
            supplierPromo: free.supplierPromo,
            ...(free.promoReference === null ? null : { promoReference: free.promoReference }),
          },
        }
      : null),
    ...(kept ? { wire: kept } : null),
  };
}

const textOf = (units: Units | null): string | null => (units === null ? null : units.toString());

/** Opaque values are kept as their JSON text: PostgreSQL's own JSON has neither NUL nor numbers without end. */
function wordsOf(wire: CallWords['wire']): Record<string, string | true> | null {
  let words: Record<string, string | true> | null = null;
  for (const name in wire) {
    const value = wire[name];
    if (value === undefined || value === null || value === false || value === '') continue;
    words ??= {};
    words[name] = value === true || isKeepable(value) ? value : exactJsonText(value);
  }
  return words;
}

const isKeepable = (value: unknown): value is string =>
  typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
