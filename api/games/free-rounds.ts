/** Terms of issued free rounds, and the door that their winnings take: the writer for real money, the bonus for the rest. */
import type { WalletRefusal, WalletReply } from '#activities/wallet/writer.ts';
import { settleFreeWin } from '#activities/bonus/commands/settle-free-win.ts';
import type { Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { WinCommand } from '#domain/wallet/commands.ts';
import type { ApiDeps } from '../context.ts';

/** What the reward says about its winnings. */
export type RewardTerms = {
  readonly wageringTimes: number;
  readonly betMax: Units | null;
  readonly days: number;
};

const dayMs = 86_400_000;

/**
 * The terms of a reward that we issued to this player in this asset; null where the winnings are real money: the
 * reward says so, or it is none of ours, such as a supplier's own promotion.
 */
export async function rewardTerms(
  { db }: Pick<ApiDeps, 'db'>,
  reward: {
    readonly integration: string;
    readonly rewardId: string;
    readonly playerId: string;
    readonly asset: string;
  },
): Promise<RewardTerms | null> {
  const row = await db
    .selectFrom('games.freeRoundIssue')
    .select(['wageringTimes', 'betMax', 'awardDays'])
    .where('integration', '=', reward.integration)
    .where('issueId', '=', reward.rewardId)
    .where('playerId', '=', reward.playerId)
    .where('asset', '=', reward.asset)
    .executeTakeFirst();
  if (!row || row.wageringTimes === null) return null;
  return {
    wageringTimes: row.wageringTimes,
    betMax: row.betMax === null ? null : BigInt(row.betMax),
    days: row.awardDays,
  };
}

/** Settles winnings of free rounds under the reward's terms. */
export async function submitFreeWin(
  { db, wallet }: Pick<ApiDeps, 'db' | 'wallet'>,
  win: WinCommand,
  terms: RewardTerms | null,
): Promise<Result<WalletReply, WalletRefusal>> {
  if (!terms) return wallet.submit({ ...win, free: { terms: null } });
  const { wageringTimes, betMax, days } = terms;
  return settleFreeWin(db, win, { wageringTimes, betMax, expiresAtMs: Date.now() + days * dayMs });
}
