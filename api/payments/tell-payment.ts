/** Tells the workflow of a payment that its PSP spoke; where there is none any more, what is needed is started. */
import type { Client } from '@temporalio/client';
import { depositInputOf, withdrawalInputOf } from '#activities/payments/payment-rows.ts';
import { disputeInputOf } from '#activities/payments/commands/dispute-notices.ts';
import { fraudAlertInputOf } from '#activities/payments/commands/fraud-alerts.ts';
import { modificationInputOf } from '#activities/payments/commands/request-modification.ts';
import { refundInputOf } from '#activities/payments/commands/request-refund.ts';
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import type { Database } from '#db/connect.ts';
import { attemptStates, hasTakenMoney, isResolved } from '#domain/payments/attempt-state.ts';
import type { PaymentSubject } from '#domain/payments/reference.ts';
import { depositStart, depositWorkflowId, pspNotified } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import { depositLateNotified, depositLateStart } from '#workflows/deposit-late.contract.ts';
import type { depositLate } from '#workflows/deposit-late.ts';
import { disputeNotified, disputeStart } from '#workflows/dispute.contract.ts';
import type { dispute } from '#workflows/dispute.ts';
import { fraudAlertNotified, fraudAlertStart } from '#workflows/fraud-alert.contract.ts';
import type { fraudAlert } from '#workflows/fraud-alert.ts';
import { modificationNotified, modificationStart } from '#workflows/modification.contract.ts';
import type { modification } from '#workflows/modification.ts';
import { payoutReturnNotified, payoutReturnStart } from '#workflows/payout-return.contract.ts';
import type { payoutReturn } from '#workflows/payout-return.ts';
import { refundNotified, refundStart } from '#workflows/refund.contract.ts';
import type { refund } from '#workflows/refund.ts';
import {
  payoutNotified,
  withdrawalResumed,
  withdrawalStart,
  withdrawalWorkflowId,
} from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import { isWorkflowOver } from '../workflow-failures.ts';

export type Notified = Pick<PaymentSubject, 'kind' | 'id'> & {
  /** Null when the notice is only known by its payment. */
  readonly attempt: number | null;
  readonly saysApproved: boolean;
  /** The PSP speaks of a refund, or of a wallet's payout, that did not reach the player. */
  readonly saysFailed?: boolean;
};

/** 'gone': the payment has ended and needs no poke. Throws when Temporal or the database is away. */
export type Told = 'told' | 'gone';

export function tellPayment(client: Client, db: Database, notice: Notified): Promise<Told> {
  switch (notice.kind) {
    case 'deposit':
      return tellDeposit(client, db, notice);
    case 'withdrawal':
      return tellWithdrawal(client, db, notice);
    case 'refund':
      return tellRefund(client, db, notice);
    case 'modification':
      return tellModification(client, db, notice);
  }
}

async function tellDeposit(client: Client, db: Database, notice: Notified): Promise<Told> {
  if (await isOldNews(db, notice)) return 'gone';
  try {
    await client.workflow
      .getHandle(depositWorkflowId(notice.id))
      .signal(pspNotified, { attempt: notice.attempt, saysApproved: notice.saysApproved });
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
    await client.workflow.signalWithStart<typeof depositLate, []>('depositLate', {
      ...depositLateStart(input),
      signal: depositLateNotified,
      signalArgs: [],
    });
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
  return !notice.saysApproved || hasTakenMoney(state);
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
  if (notice.saysFailed === true) await tellReturns(client, db, notice);
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
  if (row.state === 'parked' && (await hasOpenPayout(db, row.id))) {
    // Its run has spent its last budget: another one asks the PSP what became of the payout.
    await startQuietly(() =>
      client.workflow.start<typeof withdrawal>('withdrawal', withdrawalResumed(withdrawalInputOf(row))),
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

/** Payouts to wallets that were paid: each asks its PSP whether it came back. */
async function tellReturns(client: Client, db: Database, notice: Notified): Promise<void> {
  const paid = await db
    .selectFrom('payments.payoutAttempt as p')
    .innerJoin('payments.withdrawalLeg as l', (join) =>
      join.onRef('l.withdrawalId', '=', 'p.withdrawalId').onRef('l.leg', '=', 'p.leg'),
    )
    .innerJoin('payments.withdrawal as w', 'w.id', 'p.withdrawalId')
    .select(['p.withdrawalId', 'p.number', 'w.playerId', 'w.brand', 'w.jurisdiction'])
    .where('p.withdrawalId', '=', notice.id)
    .where('p.state', '=', 'paid')
    .where('l.depositId', 'is not', null)
    .where('l.state', 'in', ['planned', 'paid'])
    .$if(notice.attempt !== null, (query) => query.where('p.number', '=', notice.attempt ?? 0))
    .execute();
  for (const row of paid)
    await tellLatest((reopened) =>
      client.workflow.signalWithStart<typeof payoutReturn>('payoutReturn', {
        ...payoutReturnStart({ ...row, reopened }),
        signal: payoutReturnNotified,
        signalArgs: [],
      }),
    );
}

/** A payout of a leg that is still to be paid, whose outcome nobody knows. */
async function hasOpenPayout(db: Database, withdrawalId: string): Promise<boolean> {
  const open = await db
    .selectFrom('payments.payoutAttempt as p')
    .innerJoin('payments.withdrawalLeg as l', (join) =>
      join.onRef('l.withdrawalId', '=', 'p.withdrawalId').onRef('l.leg', '=', 'p.leg'),
    )
    .select('p.number')
    .where('p.withdrawalId', '=', withdrawalId)
    .where('l.state', '=', 'planned')
    .where('p.state', 'in', ['started', 'pending', 'unknown'])
    .limit(1)
    .executeTakeFirst();
  return open !== undefined;
}

/** An ended capture or void has nothing more to hear: what became of the money is in the settlement file. */
async function tellModification(client: Client, db: Database, notice: Notified): Promise<Told> {
  const row = await db
    .selectFrom('payments.modification')
    .selectAll()
    .where('id', '=', notice.id)
    .executeTakeFirst();
  if (row === undefined || row.closedAt !== null) return 'gone';
  await startQuietly(() =>
    client.workflow.signalWithStart<typeof modification>('modification', {
      ...modificationStart(modificationInputOf(row)),
      signal: modificationNotified,
      signalArgs: [],
    }),
  );
  return 'told';
}

/** How often something that had ended may be looked at again; a PSP has no more to say than this. */
const reopenedMax = 20;

/** An ended refund is looked at again by a run of its own: the bank may have sent back what was paid. */
async function tellRefund(client: Client, db: Database, notice: Notified): Promise<Told> {
  const { id: refundId } = notice;
  const row = await db
    .selectFrom('payments.refund')
    .selectAll()
    .where('id', '=', refundId)
    .executeTakeFirst();
  if (row === undefined || row.state === 'returned') return 'gone';
  // Most notices repeat the answer of our own call.
  if (row.state === 'paid' && notice.saysFailed !== true) return 'gone';
  if (row.state === 'refused' && !notice.saysApproved) return 'gone';
  return tellLatest((reopened) =>
    client.workflow.signalWithStart<typeof refund>('refund', {
      ...refundStart(refundInputOf(row, reopened)),
      signal: refundNotified,
      signalArgs: [],
    }),
  );
}

/** As `tellPayment`, for a dispute: a second chargeback comes after a win has ended it. */
export async function tellDispute(client: Client, db: Database, disputeId: string): Promise<Told> {
  const row = await db
    .selectFrom('payments.dispute')
    .selectAll()
    .where('id', '=', disputeId)
    .executeTakeFirst();
  if (row === undefined) return 'gone';
  return tellLatest((reopened) =>
    client.workflow.signalWithStart<typeof dispute>('dispute', {
      ...disputeStart(disputeInputOf(row, reopened)),
      signal: disputeNotified,
      signalArgs: [],
    }),
  );
}

/** As `tellPayment`, for a report of fraud; one that has ended needs no poke. */
export async function tellFraudAlert(client: Client, db: Database, alertId: string): Promise<Told> {
  const row = await db
    .selectFrom('payments.fraudAlert')
    .selectAll()
    .where('id', '=', alertId)
    .executeTakeFirst();
  if (row === undefined) return 'gone';
  await startQuietly(() =>
    client.workflow.signalWithStart<typeof fraudAlert>('fraudAlert', {
      ...fraudAlertStart(fraudAlertInputOf(row)),
      signal: fraudAlertNotified,
      signalArgs: [],
    }),
  );
  return 'told';
}

/** Signals the run that is under way, or starts the one after the last that has ended. */
async function tellLatest(signalOrStart: (reopened: number) => Promise<unknown>): Promise<Told> {
  for (let reopened = 0; reopened <= reopenedMax; reopened += 1) {
    try {
      await signalOrStart(reopened);
      return 'told';
    } catch (error) {
      if (!isWorkflowOver(error)) throw error;
    }
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
