/** Starts the next file of payouts when some are waiting, and the reading of the bank's reports where a bank is in use. */
import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { startQuietly } from '#api/payments/tell-payment.ts';
import type { Database } from '#db/connect.ts';
import { bankReportsStart } from '#workflows/bank-reports.contract.ts';
import type { bankReports } from '#workflows/bank-reports.ts';
import { payoutBatchStart } from '#workflows/payout-batch.contract.ts';
import type { payoutBatch } from '#workflows/payout-batch.ts';

/** Payouts of about a minute share a file. */
const collectedFor = "interval '1 minute'";

/** Harmless to repeat: a file's id is made of its first payout, so two sweeps begin the same one. */
export async function sweepBank(client: Client, db: Database): Promise<number> {
  const isUsed = await db
    .selectNoFrom(
      sql<boolean>`exists (select 1 from payments.bank_transfer) or exists (select 1 from payments.pay_in_reference)`.as(
        'isUsed',
      ),
    )
    .executeTakeFirstOrThrow();
  if (!isUsed.isUsed) return 0;
  await startQuietly(() => client.workflow.start<typeof bankReports>('bankReports', bankReportsStart()));
  const first =
    (await oldestCollected(db, 'payments.bankTransfer')) ??
    (await oldestCollected(db, 'payments.suspenseReturn'));
  const open = await db
    .selectFrom('payments.payoutBatch')
    .select('id')
    .where('state', 'in', ['sealed', 'unknown'])
    .limit(100)
    .execute();
  const ids = [
    ...open.map(({ id }) => id),
    ...(first === undefined ? [] : [await nextBatchId(db, first.reference)]),
  ];
  for (const batchId of ids)
    await startQuietly(() =>
      client.workflow.start<typeof payoutBatch>('payoutBatch', payoutBatchStart({ batchId })),
    );
  return ids.length;
}

/** A payout whose file was given up unsent is the first of another one: each has its own identifier. */
async function nextBatchId(db: Database, reference: string): Promise<string> {
  for (let file = 1; ; file += 1) {
    const id = batchIdOf(file === 1 ? reference : `${reference}#${file}`);
    const ended = await db
      .selectFrom('payments.payoutBatch')
      .select('id')
      .where('id', '=', id)
      .where('state', 'in', ['sent', 'refused'])
      .executeTakeFirst();
    if (ended === undefined) return id;
  }
}

/** A UUID (version 8: made by us) from a payout's reference. */
export function batchIdOf(reference: string): string {
  const hex = createHash('sha256').update(`payout-batch:${reference}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The payout or return that has waited longest, once others had their time to join it in a file. */
const oldestCollected = (db: Database, table: 'payments.bankTransfer' | 'payments.suspenseReturn') =>
  db
    .selectFrom(table)
    .select('reference')
    .where('state', '=', 'queued')
    .where('queuedAt', '<', sql<Date>`now() - ${sql.raw(collectedFor)}`)
    .orderBy('queuedAt')
    .orderBy('reference')
    .limit(1)
    .executeTakeFirst();
