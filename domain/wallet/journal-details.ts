/** What a game journal keeps beside its money: jackpot parts, free-round facts, wagering progress, the provider's own words. */

/** Amounts are units at ledger scale as text, so that JSON keeps them exact. A plain bet has no details at all. */
export type JournalDetails = {
  /** What the wire said about jackpots; information where the pool is the provider's. */
  readonly jackpot?: {
    readonly pool: string | null;
    readonly contribution: string | null;
    readonly win: string | null;
  };
  /** A promotional transaction: no money of the player was staked. */
  readonly free?: {
    /** What the round would have cost; null for a win. */
    readonly stake: string | null;
    readonly rewardId: string | null;
    readonly campaignId: string | null;
    readonly supplierPromo: boolean;
    readonly promoReference?: string;
  };
  /** The award that this journal moved and by how much: progress of a bet, or new wagering of a free win. */
  readonly wagering?: { readonly awardId: string; readonly units: string };
  /**
   * The award whose bonus money a stake took, or a win paid: what becomes of the award becomes of that share of a win, and of
   * what a rollback takes back.
   */
  readonly bonusAward?: string;
  /** Descriptions that support staff and reconciliation look for; nothing of it decides anything. */
  readonly wire?: Readonly<Record<string, string | boolean>>;
};
