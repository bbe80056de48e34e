/** Finds payments that lost their workflow or their notices, and brings both together again; the relay calls it. */
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { pokeOpenWebhooks } from '#activities/compliance/commands/webhook-inbox.ts';
import { disputeInputOf } from '#activities/payments/commands/dispute-notices.ts';
import { fraudAlertInputOf } from '#activities/payments/commands/fraud-alerts.ts';
import { modificationInputOf } from '#activities/payments/commands/request-modification.ts';
import { refundInputOf } from '#activities/payments/commands/request-refund.ts';
import { allowedAmong } from '#activities/payments/held-money.ts';
import { depositInputOf, webhookSource, withdrawalInputOf } from '#activities/payments/payment-rows.ts';
import { startQuietly, tellDispute, tellFraudAlert, tellPayment } from '#api/payments/tell-payment.ts';
import type { Database } from '#db/connect.ts';
import { depositIdOf, depositStart } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import { disputeIdOf, disputeStart } from '#workflows/dispute.contract.ts';
import type { dispute } from '#workflows/dispute.ts';
import { fraudAlertIdOf, fraudAlertStart } from '#workflows/fraud-alert.contract.ts';
import type { fraudAlert } from '#workflows/fraud-alert.ts';
import { modificationIdOf, modificationStart } from '#workflows/modification.contract.ts';
import type { modification } from '#workflows/modification.ts';
import { refundIdOf, refundStart } from '#workflows/refund.contract.ts';
import type { refund } from '#workflows/refund.ts';
import { withdrawalIdOf, withdrawalResumed, withdrawalStart } from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';

const rowsMax = 200;

export type Redriven = { readonly deposits: number; readonly withdrawals: number; readonly webhooks: number };

/**
 * Starts what is open, older than 30 s and younger than a day (an older one has its workflow or its work item), then
 * delivers the pokes that are still open. Repeating it is harmless. Throws when Temporal or the database is away.
 */
export async function redrivePayments(
  client: Client,
  db: Database,
  psps: readonly string[] = ['alpha', 'beta', 'gamma'],
): Promise<Redriven> {
  const deposits = await db
    .selectFrom('payments.deposit')
    .selectAll()
    // A bank transfer has no workflow: it waits for the bank's line.
    .where('method', 'in', ['card', 'e-wallet'])
    .where('state', 'in', ['requested', 'processing', 'awaiting-action'])
    .where('requestedAt', '<', sql<Date>`now() - interval '30 seconds'`)
    .where('requestedAt', '>', sql<Date>`now() - interval '1 day'`)
    .orderBy('requestedAt')
    .limit(rowsMax)
    .execute();
  for (const row of deposits) {
    await startQuietly(() =>
      client.workflow.start<typeof deposit>('deposit', depositStart(depositInputOf(row))),
    );
  }
  const withdrawals = await db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('state', 'in', ['requested', 'checking', 'approved', 'submitted'])
    .where('requestedAt', '<', sql<Date>`now() - interval '30 seconds'`)
    .orderBy('requestedAt', 'desc')
    .limit(rowsMax)
    .execute();
  const allowed = await allowedAmong(
    db,
    withdrawals.map(({ id }) => id),
  );
  for (const row of withdrawals) {
    // A run has ended before it was decided that its held money is paid; another one takes the row up.
    const start = allowed.has(row.id) ? withdrawalResumed : withdrawalStart;
    await startQuietly(() =>
      client.workflow.start<typeof withdrawal>('withdrawal', start(withdrawalInputOf(row))),
    );
  }
  await redriveRefunds(client, db, '30 seconds');
  await redriveModifications(client, db, '30 seconds');
  await redriveFraudAlerts(client, db, '30 seconds');
  let webhooks = 0;
  for (const psp of psps) {
    webhooks += await pokeOpenWebhooks(db, webhookSource(psp), (subject) => tellSubject(client, db, subject));
  }
  return { deposits: deposits.length, withdrawals: withdrawals.length, webhooks };
}

/**
 * Starts the workflow of every open payment, however old: after Temporal has lost its data they would wait for ever.
 * Those that run are left alone. Meant to be run rarely.
 */
export async function restartLostPayments(client: Client, db: Database): Promise<number> {
  const withdrawals = await db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('closedAt', 'is', null)
    .where('requestedAt', '<', sql<Date>`now() - interval '1 minute'`)
    .execute();
  for (const row of withdrawals) {
    await startQuietly(() =>
      client.workflow.start<typeof withdrawal>('withdrawal', withdrawalStart(withdrawalInputOf(row))),
    );
  }
  const deposits = await db
    .selectFrom('payments.deposit')
    .selectAll()
    // A bank transfer has no workflow: it waits for the bank's line.
    .where('method', 'in', ['card', 'e-wallet'])
    // A parked deposit is with a person, whose work item does not depend on a workflow.
    .where((where) =>
      where.or([
        where('state', 'in', ['requested', 'processing', 'awaiting-action', 'authorised']),
        // Captured in part: somebody must let go of the rest.
        where.exists(
          where
            .selectFrom('payments.authorisation as held')
            .select('held.depositId')
            .whereRef('held.depositId', '=', 'payments.deposit.id')
            .where('held.state', '<>', 'closed'),
        ),
      ]),
    )
    .where('requestedAt', '<', sql<Date>`now() - interval '1 minute'`)
    .where('requestedAt', '>', sql<Date>`now() - interval '30 days'`)
    .execute();
  for (const row of deposits) {
    await startQuietly(() =>
      client.workflow.start<typeof deposit>('deposit', depositStart(depositInputOf(row))),
    );
  }
  return (
    withdrawals.length +
    deposits.length +
    (await redriveRefunds(client, db, '1 minute')) +
    (await redriveModifications(client, db, '1 minute')) +
    (await redriveDisputes(client, db)) +
    (await redriveFraudAlerts(client, db, '1 minute'))
  );
}

async function redriveDisputes(client: Client, db: Database): Promise<number> {
  const disputes = await db
    .selectFrom('payments.dispute')
    .selectAll()
    .where('closedAt', 'is', null)
    .where('openedAt', '<', sql<Date>`now() - interval '1 minute'`)
    .execute();
  for (const row of disputes) {
    await startQuietly(() =>
      client.workflow.start<typeof dispute>('dispute', disputeStart(disputeInputOf(row, 0))),
    );
  }
  return disputes.length;
}

/** Every report that nobody has ended: also one that a returned refund has opened again. */
async function redriveFraudAlerts(client: Client, db: Database, age: string): Promise<number> {
  const rows = await db
    .selectFrom('payments.fraudAlert')
    .selectAll()
    .where('closedAt', 'is', null)
    .where('openedAt', '<', sql<Date>`now() - ${age}::interval`)
    .orderBy('openedAt', 'desc')
    .limit(rowsMax)
    .execute();
  for (const row of rows) {
    await startQuietly(() =>
      client.workflow.start<typeof fraudAlert>('fraudAlert', fraudAlertStart(fraudAlertInputOf(row))),
    );
  }
  return rows.length;
}

/** Every open refund, however old: one that waits for a second person has no other sweep. */
async function redriveRefunds(client: Client, db: Database, age: string): Promise<number> {
  const refunds = await db
    .selectFrom('payments.refund')
    .selectAll()
    .where('closedAt', 'is', null)
    .where('requestedAt', '<', sql<Date>`now() - ${age}::interval`)
    .orderBy('requestedAt', 'desc')
    .limit(rowsMax)
    .execute();
  for (const row of refunds) {
    await startQuietly(() =>
      client.workflow.start<typeof refund>('refund', refundStart(refundInputOf(row, 0))),
    );
  }
  return refunds.length;
}

/** As refunds. */
async function redriveModifications(client: Client, db: Database, age: string): Promise<number> {
  const rows = await db
    .selectFrom('payments.modification')
    .selectAll()
    .where('closedAt', 'is', null)
    .where('requestedAt', '<', sql<Date>`now() - ${age}::interval`)
    .orderBy('requestedAt', 'desc')
    .limit(rowsMax)
    .execute();
  for (const row of rows) {
    await startQuietly(() =>
      client.workflow.start<typeof modification>('modification', modificationStart(modificationInputOf(row))),
    );
  }
  return rows.length;
}

function tellSubject(client: Client, db: Database, subject: string) {
  const depositId = depositIdOf(subject);
  const withdrawalId = withdrawalIdOf(subject);
  // What the lost poke said is not known here, so it is treated as the case that needs most: money moved.
  if (depositId !== null) {
    return tellPayment(client, db, { kind: 'deposit', id: depositId, attempt: null, saysApproved: true });
  }
  const disputeId = disputeIdOf(subject);
  if (disputeId !== null) return tellDispute(client, db, disputeId);
  const alertId = fraudAlertIdOf(subject);
  if (alertId !== null) return tellFraudAlert(client, db, alertId);
  const modificationId = modificationIdOf(subject);
  if (modificationId !== null)
    return tellPayment(client, db, {
      kind: 'modification',
      id: modificationId,
      attempt: null,
      saysApproved: true,
    });
  const refundId = refundIdOf(subject);
  if (refundId !== null)
    return tellPayment(client, db, {
      kind: 'refund',
      id: refundId,
      attempt: null,
      saysApproved: true,
      saysFailed: true,
    });
  if (withdrawalId === null) return Promise.resolve('gone' as const);
  return tellPayment(client, db, {
    kind: 'withdrawal',
    id: withdrawalId,
    attempt: null,
    saysApproved: false,
    saysFailed: true,
  });
}
