/** Announced transfers that never came: their share of the deposit limit goes back; money that comes later is still ours to place. */
import { sql } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { releaseDepositLimit } from '#activities/responsible-gambling/commands/deposit-limit.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { transferExpiryDays } from '#domain/payments/budgets.ts';
import { moneyOf, type DepositRow } from '../payment-rows.ts';

/** Why such a deposit failed; a late transfer is recognised by it. */
export const transferNotReceived = 'transfer-not-received';

const rowsMax = 200;

/** Ends what was announced too long ago, a transaction each; how many there were. */
export async function expireTransfers(db: Database): Promise<number> {
  const due = await db
    .selectFrom('payments.deposit')
    .select('id')
    .where('method', '=', 'bank-transfer')
    .where('state', '=', 'requested')
    .where('requestedAt', '<', sql<Date>`now() - make_interval(days => ${transferExpiryDays})`)
    .orderBy('requestedAt')
    .limit(rowsMax)
    .execute();
  let expired = 0;
  for (const { id } of due) {
    const ended = await db.transaction().execute((trx) =>
      expireTransfer(trx, id, {
        actor: { kind: 'system', id: 'transfer-expiry' },
        reason: `no transfer within ${transferExpiryDays} days`,
      }),
    );
    if (ended.ok) expired += 1;
  }
  return expired;
}

/**
 * Ends one announcement; ended before, it is answered as it is. Failures: `not-found` (or no transfer),
 * `deposit-not-awaiting-action` when its money has come.
 */
export async function expireTransfer(
  trx: Trx,
  depositId: string,
  by: { readonly actor: Actor; readonly reason: string },
): Promise<Result<DepositRow>> {
  const row = await trx
    .selectFrom('payments.deposit')
    .selectAll()
    .where('id', '=', depositId)
    .where('method', '=', 'bank-transfer')
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return fail('not-found', 'There is no such announced transfer.');
  if (row.state === 'failed') return succeed(row);
  if (row.state !== 'requested')
    return fail('deposit-not-awaiting-action', `The transfer is ${row.state}; nothing is waited for.`);
  await releaseDepositLimit(trx, row.id);
  const failed = await trx
    .updateTable('payments.deposit')
    .set({ state: 'failed', failureReason: transferNotReceived })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'payments.deposit.failed',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { depositId: row.id, money: moneyOf(row), reason: transferNotReceived },
    },
    { actor: by.actor, subject: `deposit:${row.id}`, reason: by.reason },
  );
  return succeed(failed);
}
