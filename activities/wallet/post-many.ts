/** Payments of many sports bets by the one fenced statement, inside the caller's transaction: settlement in bulk. */
import type { Trx } from '#db/connect.ts';
import { assert } from '#domain/failures.ts';
import type { BookPayCommand } from '#domain/wallet/book-commands.ts';
import { decide } from '#domain/wallet/decide.ts';
import { addDecision, isBatchSound, openPlayerBatch, type PlayerBatch } from './player-batch.ts';
import { executeOn } from './post.ts';
import { readClockMs } from './wallet-memory.ts';
import { loadWallets, walletKey } from './wallet-rows.ts';
import { writeBatches } from './write-statement.ts';

/**
 * Posts what it can; the answer is the external ids that were posted. The wallets are read without a lock and fenced by
 * the statement, so that a player's bets wait for the write alone; whose wallet moved in between is simply missing from
 * the answer, and its command is to be given again in another transaction. A key that was posted before is missing,
 * too: the caller's own rows, locked in `trx`, must tell whether a bet is still to be paid.
 */
export async function postMany(trx: Trx, commands: readonly BookPayCommand[]): Promise<ReadonlySet<string>> {
  if (commands.length === 0) return new Set();
  const execute = executeOn(trx);
  const ids = new Map(commands.map((command) => [walletKey(command.playerId, command.asset), command]));
  const wallets = await loadWallets(execute, [...ids.values()], false);
  const nowMs = await readClockMs(execute);
  const batches = new Map<string, PlayerBatch>();
  for (const command of commands) {
    const key = walletKey(command.playerId, command.asset);
    const wallet = wallets.get(key);
    assert(wallet, 'a bet has a wallet');
    const batch = batches.get(key) ?? openPlayerBatch(wallet);
    const decision = decide(batch.after.state, command, { nowMs, existing: null, referenced: null });
    assert(decision.kind === 'post', 'the payment of a bet is never refused');
    addDecision(batch, command, decision, nowMs);
    batches.set(key, batch);
  }
  for (const batch of batches.values())
    assert(isBatchSound(batch), 'entries explain the change of every pool');
  const { written } = await writeBatches(execute, [...batches.values()], nowMs);
  return new Set(
    commands
      .filter(({ playerId, asset }) => written.has(walletKey(playerId, asset)))
      .map(({ key }) => key.externalId),
  );
}
