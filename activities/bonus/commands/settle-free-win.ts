/**
 * Settles winnings of free rounds that are bonus money: the win, the award that it opens and the facts in one
 * transaction. The batch writer is not used: an award is opened once per reward, and its row belongs to the win.
 */
import { createHash } from 'node:crypto';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { postCommand, type Posted } from '#activities/wallet/post.ts';
import type { WalletRefusal, WalletReply } from '#activities/wallet/writer.ts';
import { isDatabaseUnavailable, type Database, type Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import type { WinCommand } from '#domain/wallet/commands.ts';
import type { FreeWinTerms, OpenedAward } from '#domain/wallet/free-play.ts';

/** Failures are those of a win: `transaction-not-found`, `transaction-rolled-back`, `duplicate-transaction`. */
export async function settleFreeWin(
  db: Database,
  win: WinCommand,
  terms: Omit<FreeWinTerms, 'awardId'>,
): Promise<Result<WalletReply, WalletRefusal>> {
  try {
    return await db.transaction().execute(async (trx): Promise<Result<WalletReply, WalletRefusal>> => {
      const posted = await postFreeWin(trx, win, terms);
      if (!posted.ok) return { ok: false, failure: { ...posted.failure, balance: null } };
      const { journalId, repeated, playable, bonusMoved } = posted.value;
      return succeed({ journalId, repeated, balance: playable, bonusMoved });
    });
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    const { failure } = fail('dependency-unavailable', 'The ledger does not answer; a repeat will tell.');
    return { ok: false, failure: { ...failure, balance: null } };
  }
}

/** The same in the caller's transaction. */
export async function postFreeWin(
  trx: Trx,
  win: WinCommand,
  terms: Omit<FreeWinTerms, 'awardId'>,
): Promise<Result<Posted>> {
  const command = { ...win, free: { terms: { ...terms, awardId: awardIdOf(win) } } };
  const posted = await postCommand(trx, command);
  if (posted.ok && posted.value.openedAward) await keepAward(trx, command, posted.value.openedAward);
  return posted;
}

/** A UUID (version 8) of the winning transaction: however often it is told, it opens one award. */
function awardIdOf({ key }: WinCommand): string {
  const hash = createHash('sha256').update(`free-win\n${key.integration}\n${key.externalId}`).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

async function keepAward(trx: Trx, win: WinCommand, award: OpenedAward): Promise<void> {
  const { playerId, asset, key } = win;
  const { brand } = await trx
    .selectFrom('wallet.playerWallet')
    .select('brand')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .executeTakeFirstOrThrow();
  const expiresAt = new Date(award.expiresAtMs);
  const reward = win.details?.free?.rewardId ?? win.round;
  await trx
    .insertInto('bonus.award')
    .values({
      id: award.id,
      playerId,
      brand,
      asset,
      amount: award.amount.toString(),
      wagering: award.wageringLeft.toString(),
      betMax: award.betMax?.toString() ?? null,
      state: 'active',
      reason: `winnings of free rounds ${reward}`,
      grantedBy: null,
      fingerprint: Buffer.from(win.fingerprint, 'hex'),
      expiresAt,
    })
    .execute();
  await appendEvent(
    trx,
    {
      type: 'bonus.award.granted',
      version: 1,
      brand,
      playerId,
      payload: {
        awardId: award.id,
        money: toMoneyText(award.amount, asset),
        wagering: toMoneyText(award.wageringLeft, asset),
        expiresAt: expiresAt.toISOString(),
      },
    },
    {
      actor: { kind: 'system', id: `integration:${key.integration}` },
      subject: `bonus:${award.id}`,
      reason: `winnings of free rounds ${reward}`,
    },
  );
}
