/** Tells the workflow of a payment that its PSP spoke; where there is none any more, what is needed is started. */
import type { Client } from '@temporalio/client';
import { depositInputOf, withdrawalInputOf } from '#activities/payments/payment-rows.ts';
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import type { Database } from '#db/connect.ts';
import { attemptStates, isResolved } from '#domain/payments/attempt-state.ts';
import type { PaymentSubject } from '#domain/payments/reference.ts';
import { depositStart, depositWorkflowId, pspNotified } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import { depositLateStart } from '#workflows/deposit-late.contract.ts';
import type { depositLate } from '#workflows/deposit-late.ts';
import { payoutNotified, withdrawalStart, withdrawalWorkflowId } from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import { isWorkflowOver } from '../workflow-failures.ts';

export type Notified = Pick<PaymentSubject, 'kind' | 'id'> & {
  /** Null when the notice is only known by its payment. */
  readonly attempt: number | null;
  readonly saysApproved: boolean;
};

/** 'gone': the payment has ended and needs no poke. Throws when Temporal or the database is away. */
export type Told = 'told' | 'gone';

export const tellPayment = (client: Client, db: Database, notice: Notified): Promise<Told> =>
  notice.kind === 'deposit' ? tellDeposit(client, db, notice) : tellWithdrawal(client, db, notice);

async function tellDeposit(client: Client, db: Database, notice: Notified): Promise<Told> {
  if (await isOldNews(db, notice)) return 'gone';
  try {
    await client.workflow
      .getHandle(depositWorkflowId(notice.id))
      .signal(pspNotified, { attempt: notice.attempt });
    return 'told';
  } catch (error) {
    if (!isWorkflowOver(error)) throw error;
  }
  const row = await db
    .selectFrom('payments.deposit')
    .selectAll()
    .where('id', '=', notice.id)
    .executeTakeFirst();
  if (row === undefined) return 'gone';
  if (row.state === 'requested' || row.state === 'processing' || row.state === 'awaiting-action') {
    await startQuietly(() =>
      client.workflow.start<typeof deposit>('deposit', depositStart(depositInputOf(row))),
    );
    return 'told';
  }
  if (!notice.saysApproved) return 'gone';
  const { id: depositId, playerId, brand, jurisdiction } = row;
  for (const attempt of await closedAttempts(db, notice)) {
    const input = { depositId, attempt, playerId, brand, jurisdiction };
    await startQuietly(() =>
      client.workflow.start<typeof depositLate>('depositLate', depositLateStart(input)),
    );
  }
  return 'gone';
}

/** True for what we have recorded already: most notices repeat the answer of our own call. */
async function isOldNews(db: Database, notice: Notified): Promise<boolean> {
  if (notice.attempt === null) return false;
  const row = await db
    .selectFrom('payments.attempt')
    .select('state')
    .where('depositId', '=', notice.id)
    .where('number', '=', notice.attempt)
    .executeTakeFirst();
  const state = attemptStates.find((known) => known === row?.state);
  if (state === undefined || !isResolved(state)) return false;
  return !notice.saysApproved || state === 'approved' || state === 'late_approved';
}

/** Attempts that did not get money as far as we know. */
async function closedAttempts(db: Database, notice: Notified): Promise<number[]> {
  const rows = await db
    .selectFrom('payments.attempt')
    .select('number')
    .where('depositId', '=', notice.id)
    .where('state', 'not in', ['approved', 'late_approved'])
    .$if(notice.attempt !== null, (query) => query.where('number', '=', notice.attempt ?? 0))
    .execute();
  return rows.map((row) => row.number);
}

async function tellWithdrawal(client: Client, db: Database, notice: Notified): Promise<Told> {
  try {
    await client.workflow.getHandle(withdrawalWorkflowId(notice.id)).signal(payoutNotified);
    return 'told';
  } catch (error) {
    if (!isWorkflowOver(error)) throw error;
  }
  const row = await db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('id', '=', notice.id)
    .executeTakeFirst();
  if (row === undefined) return 'gone';
  if (row.closedAt === null && row.state !== 'parked') {
    await startQuietly(() =>
      client.workflow.start<typeof withdrawal>('withdrawal', withdrawalStart(withdrawalInputOf(row))),
    );
    return 'told';
  }
  if (notice.saysApproved && row.state !== 'paid') {
    await openWorkItem(db, {
      kind: 'late-approval',
      subject: `withdrawal:${row.id}`,
      brand: row.brand,
      reason: `the PSP speaks of a payout of a withdrawal that is ${row.state}`,
    });
  }
  return 'gone';
}

/** Somebody else having started it is as good. */
export async function startQuietly(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!isWorkflowOver(error)) throw error;
  }
}
