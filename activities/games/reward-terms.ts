/** What issued free rounds say about their winnings; the same for a call of the provider and for a round that we ask about. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { FreeWinTerms } from '#domain/wallet/free-play.ts';
import type { JournalDetails } from '#domain/wallet/journal-details.ts';

/** What the reward says about its winnings, were they won now. */
export type RewardTerms = Omit<FreeWinTerms, 'awardId'>;

/**
 * The terms of a reward that we issued to this player in this asset; null where the winnings are real money: the
 * reward says so, or it is none of ours, such as a supplier's own promotion.
 */
export async function rewardTerms(
  db: Database | Trx,
  reward: {
    readonly integration: string;
    readonly rewardId: string;
    readonly playerId: string;
    readonly asset: string;
  },
): Promise<RewardTerms | null> {
  const row = await db
    .selectFrom('games.freeRoundIssue')
    .select(['wageringTimes', 'betMax'])
    // Of the database, since a wrong clock here would end an award before it begins, or hardly ever.
    .select(sql<Date>`clock_timestamp() + make_interval(hours => 24 * award_days)`.as('expiresAt'))
    .where('integration', '=', reward.integration)
    .where('issueId', '=', reward.rewardId)
    .where('playerId', '=', reward.playerId)
    .where('asset', '=', reward.asset)
    .executeTakeFirst();
  if (!row || row.wageringTimes === null) return null;
  return {
    wageringTimes: row.wageringTimes,
    betMax: row.betMax === null ? null : BigInt(row.betMax),
    expiresAtMs: row.expiresAt.getTime(),
  };
}

export type FreeFacts = NonNullable<JournalDetails['free']>;

/** What the bet said about the reward that paid for it; null for one that the player paid for. */
export async function freeStakeOf(
  db: Database | Trx,
  { integration, playerId }: { readonly integration: string; readonly playerId: string },
  betExternalId: string | null,
): Promise<FreeFacts | null> {
  if (betExternalId === null) return null;
  const bet = await db
    .selectFrom('wallet.journal')
    .select('details')
    .where('integration', '=', integration)
    .where('externalId', '=', betExternalId)
    .where('playerId', '=', playerId)
    .where('code', '=', 'bet.place')
    .executeTakeFirst();
  return (bet?.details as JournalDetails | null | undefined)?.free ?? null;
}
