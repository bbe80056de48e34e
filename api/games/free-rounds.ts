/** The door that winnings of free rounds take: the writer for real money, the bonus for the rest. */
import type { RewardTerms } from '#activities/games/reward-terms.ts';
import type { WalletRefusal, WalletReply } from '#activities/wallet/writer.ts';
import { settleFreeWin } from '#activities/bonus/commands/settle-free-win.ts';
import type { Result } from '#domain/failures.ts';
import type { WinCommand } from '#domain/wallet/commands.ts';
import type { ApiDeps } from '../context.ts';

/** Settles winnings of free rounds under the reward's terms. */
export async function submitFreeWin(
  { db, wallet }: Pick<ApiDeps, 'db' | 'wallet'>,
  win: WinCommand,
  terms: RewardTerms | null,
): Promise<Result<WalletReply, WalletRefusal>> {
  if (!terms) return wallet.submit({ ...win, free: { terms: null } });
  return settleFreeWin(db, win, terms);
}
