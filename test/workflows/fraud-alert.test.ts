/** The `fraudAlert` workflow on a real ledger under skipped time, with the refunds and chargebacks that end a report. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { recordDispute } from '#activities/payments/commands/dispute-notices.ts';
import {
  acceptFraudAlert,
  dismissFraudAlert,
  fraudAlertInputOf,
  recordFraudAlert,
} from '#activities/payments/commands/fraud-alerts.ts';
import { refundInputOf, type RefundRow } from '#activities/payments/commands/request-refund.ts';
import type { FraudAlertRow } from '#activities/payments/fraud-alert-steps.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { tellFraudAlert } from '#api/payments/tell-payment.ts';
import { orThrow } from '#domain/failures.ts';
import type { DisputeOutcome } from '#domain/payments/dispute-state.ts';
import type { FraudAlertOutcome } from '#domain/payments/fraud-alert.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { fraudAlertStart, fraudAlertWorkflowId } from '#workflows/fraud-alert.contract.ts';
import type { fraudAlert } from '#workflows/fraud-alert.ts';
import { beginRefund, decideRefund, refundStart, refundWorkflowId } from '#workflows/refund.contract.ts';
import type { refund } from '#workflows/refund.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import {
  approved,
  askDeposit,
  balancesOf,
  declined,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  workItemsOf,
} from './payment-world.ts';

/** Patient, because the machine may be busy and time is not skipped here. */
const seen = <T>(look: () => T) => expect.poll(look, { timeout: 25_000, interval: 100 });

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
const [ann, ben] = [randomUUID(), randomUUID()];

const activities = () => paymentActivities(database.db, new Map([['alpha', alpha]]));
const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: activities() }, fn);

const reported =
  (isActionable = true) =>
  (): FraudAlertOutcome => ({
    kind: 'told',
    fraudType: 'made_with_stolen_card',
    isActionable,
    money: null,
  });
const unreachable = (): FraudAlertOutcome => ({ kind: 'unknown', reason: 'scripted' });
const refunded = (order: { reference: string; money: { amount: string; asset: string } }): PspOutcome => ({
  kind: 'approved',
  pspReference: `re-${order.reference}`,
  processed: order.money,
  instrument: null,
});
const takes =
  (reference: string, amount = '200.00') =>
  (): DisputeOutcome => ({
    kind: 'told',
    stage: 'chargeback',
    status: 'needs-response',
    reason: 'fraudulent',
    evidenceDueAt: null,
    money: { amount, asset: 'EUR' },
    movements: [{ reference, kind: 'withdrawn', money: { amount, asset: 'EUR' } }],
  });

type Reported = { playerId: string; depositId: string; charge: string; row: FraudAlertRow };

/** A deposit of 200 that was captured, and a report of fraud on it of which only the notice is known. */
async function report(): Promise<Reported> {
  const { db } = database;
  const playerId = await makePlayer(db);
  const deposit = await askDeposit(db, playerId, '200.00');
  alpha.play({ authorise: [approved], status: [approved] });
  const { money, provider } = activities();
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  await money.captureDeposit({ depositId: deposit.id, number: 1 });
  const charge = `psp-deposit:${deposit.id}:a1`;
  const notice = { pspReference: `issfr_${randomUUID()}`, chargeReference: charge };
  const row = await recordFraudAlert(db, 'alpha', notice);
  expect(await recordFraudAlert(db, 'alpha', notice)).toEqual(row);
  if (row === null) throw new Error('the charge is known');
  return { playerId, depositId: deposit.id, charge, row };
}

const accept = (row: FraudAlertRow, role: 'payments' | 'payments-lead', refundId = randomUUID()) =>
  database.db.transaction().execute((trx) =>
    acceptFraudAlert(trx, testKeyRing, {
      alertId: row.id,
      reason: 'reported by the issuer',
      operatorId: ann,
      roles: [role],
      refundId,
      fingerprint: fingerprintOf(row.id),
    }),
  );

const dismiss = (row: FraudAlertRow, reason = 'the player was there') =>
  database.db
    .transaction()
    .execute((trx) => dismissFraudAlert(trx, testKeyRing, { alertId: row.id, reason, operatorId: ann }));

const handleOf = (client: Client, row: FraudAlertRow) =>
  client.workflow.getHandle<typeof fraudAlert>(fraudAlertWorkflowId(fraudAlertInputOf(row)));
const start = (client: Client, row: FraudAlertRow) =>
  client.workflow.start<typeof fraudAlert>('fraudAlert', fraudAlertStart(fraudAlertInputOf(row)));
const keep = (client: Client, row: FraudAlertRow, scenario: string) =>
  workflows.exportHistory(handleOf(client, row), `fraud-alert.${scenario}`);
const runRefund = (client: Client, row: RefundRow) =>
  client.workflow.executeUpdateWithStart(beginRefund, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof refund>(
      'refund',
      refundStart(refundInputOf(row, 0)),
    ),
  });

const rowOf = ({ id }: FraudAlertRow): Promise<FraudAlertRow> =>
  database.db.selectFrom('payments.fraudAlert').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const itemsOf = (row: FraudAlertRow) => workItemsOf(database.db, `fraud-alert:${row.id}`);

async function chargeback({ charge }: Reported, amount?: string): Promise<string> {
  const dispute = await recordDispute(database.db, 'alpha', {
    pspReference: `du_${randomUUID()}`,
    chargeReference: charge,
  });
  if (dispute === null) throw new Error('the charge is known');
  alpha.play({ dispute: [takes(`txn_${dispute.id}`, amount)], fraudAlert: [reported(false)] });
  await activities().provider.followDispute({ disputeId: dispute.id });
  return dispute.id;
}

const journalsOf = async (subject: string): Promise<string[]> =>
  (
    await database.db
      .selectFrom('wallet.journal')
      .select('code')
      .where('subject', '=', subject)
      .orderBy('occurredAt')
      .execute()
  ).map(({ code }) => code);

const toldOf = async (row: FraudAlertRow): Promise<unknown[]> =>
  (
    await database.db
      .selectFrom('compliance.audit')
      .select(['action', 'details'])
      .where('subject', '=', `fraud-alert:${row.id}`)
      .orderBy('id')
      .execute()
  ).map(({ action, details }) =>
    typeof details === 'object' && details !== null && 'state' in details ? details['state'] : action,
  );

describeWorkflows('a fraud report', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);

  afterAll(async () => {
    const checks = database === undefined ? [] : await verifyLedger(database.db);
    await workflows?.close();
    await database?.drop();
    expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  });

  test('is asked about at its PSP, moves no money, and ends with the refund that accepts it', async () => {
    const { playerId, row } = await report();
    alpha.play({ fraudAlert: [unreachable, reported(), reported(false)], refund: [refunded] });
    await run(async (client) => {
      await start(client, row);
      await seen(async () => (await rowOf(row)).fraudType).toBe('made_with_stolen_card');
      expect(await rowOf(row)).toMatchObject({ state: 'open', isActionable: true });
      expect(await itemsOf(row)).toEqual(['fraud-alert:open']);
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 200n });
      const refundId = randomUUID();
      const made = orThrow(await accept(row, 'payments-lead', refundId));
      expect(made).toMatchObject({ amount: (200n * 10n ** 12n).toString(), needsApproval: false });
      expect(orThrow(await accept(row, 'payments-lead', refundId)).id).toBe(refundId);
      expect(await accept(row, 'payments-lead')).toMatchObject({ failure: { code: 'fraud-alert-not-open' } });
      await runRefund(client, made);
      await client.workflow.getHandle(refundWorkflowId({ refundId, reopened: 0 })).result();
      expect(await rowOf(row)).toMatchObject({ state: 'refunded', refundId, decidedBy: ann });
      await tellFraudAlert(client, database.db, row.id);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refunded' });
      await keep(client, row, 'refunded');
    });
    expect(await itemsOf(row)).toEqual(['fraud-alert:closed']);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 0n });
    expect(await journalsOf(`fraud-alert:${row.id}`)).toEqual([]);
    expect(await toldOf(row)).toEqual(['payments.fraud-alert.opened', 'refunding', 'refunded']);
  });

  test('waits for the second person above the band, and is open again when that person refuses', async () => {
    const { row } = await report();
    alpha.play({ fraudAlert: [reported()] });
    await run(async (client) => {
      const made = orThrow(await accept(row, 'payments'));
      expect(made.needsApproval).toBe(true);
      await runRefund(client, made);
      expect(await rowOf(row)).toMatchObject({ state: 'refunding' });
      await client.workflow
        .getHandle<typeof refund>(refundWorkflowId({ refundId: made.id, reopened: 0 }))
        .executeUpdate(decideRefund, {
          args: [
            {
              operatorId: ben,
              role: 'payments-lead',
              decision: 'refuse',
              reason: 'he was there',
              payloadHash: made.payloadHash.toString('hex'),
            },
          ],
        });
      await seen(async () => (await rowOf(row)).state).toBe('open');
      expect(await itemsOf(row)).toEqual(['fraud-alert:open']);
    });
  });

  test('that is dismissed stays dismissed, by one person once', async () => {
    const { row } = await report();
    alpha.play({ fraudAlert: [reported()] });
    await run(async (client) => {
      await start(client, row);
      await seen(async () => (await rowOf(row)).toldAt).not.toBeNull();
      orThrow(await dismiss(row));
      expect(orThrow(await dismiss(row)).state).toBe('dismissed');
      expect(await dismiss(row, 'another reason')).toMatchObject({
        failure: { code: 'fraud-alert-not-open' },
      });
      expect(await accept(row, 'payments-lead')).toMatchObject({ failure: { code: 'fraud-alert-not-open' } });
      await tellFraudAlert(client, database.db, row.id);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'dismissed' });
      await keep(client, row, 'dismissed');
    });
    expect(await itemsOf(row)).toEqual(['fraud-alert:closed']);
  });

  test('that nobody decides passes its deadline, is still open, and is taken over by the chargeback', async () => {
    const given = await report();
    const { row, playerId } = given;
    await database.ownerPool.query(`alter table payments.fraud_alert disable trigger fraud_alert_content`);
    await database.ownerPool.query(
      `update payments.fraud_alert set due_at = now() + interval '1 second' where id = $1`,
      [row.id],
    );
    await database.ownerPool.query(`alter table payments.fraud_alert enable trigger fraud_alert_content`);
    alpha.play({ fraudAlert: [reported()] });
    await run(async (client) => {
      await start(client, row);
      await seen(async () => (await rowOf(row)).toldAt).not.toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      await tellFraudAlert(client, database.db, row.id);
      await seen(async () => (await rowOf(row)).expiredAt).not.toBeNull();
      expect((await rowOf(row)).state).toBe('open');
      const disputeId = await chargeback(given);
      expect(await rowOf(row)).toMatchObject({ state: 'disputed', disputeId });
      await tellFraudAlert(client, database.db, row.id);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'disputed' });
      await keep(client, row, 'expired-and-disputed');
      expect(await journalsOf(`dispute:${disputeId}`)).toEqual(['chargeback.open']);
    });
    expect(await itemsOf(row)).toEqual(['fraud-alert:closed']);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 0n });
    expect(await toldOf(row)).toEqual([
      'payments.fraud-alert.opened',
      'payments.fraud-alert.expired',
      'disputed',
    ]);
  });

  test('whose refund was paid admits no chargeback on top of it: a person gets that one, and the report stays refunded', async () => {
    const given = await report();
    const { row, playerId } = given;
    alpha.play({ fraudAlert: [reported()], refund: [refunded] });
    await run(async (client) => {
      const made = orThrow(await accept(row, 'payments-lead'));
      await runRefund(client, made);
      await client.workflow.getHandle(refundWorkflowId({ refundId: made.id, reopened: 0 })).result();
    });
    expect((await rowOf(row)).state).toBe('refunded');
    const disputeId = await chargeback(given);
    expect(await workItemsOf(database.db, `dispute:${disputeId}`)).toEqual(['dispute-unbooked:open']);
    expect(await journalsOf(`dispute:${disputeId}`)).toEqual([]);
    expect((await rowOf(row)).state).toBe('refunded');
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 0n });
  });

  test('whose chargeback is booked before its refund is debited loses the refund, not the money twice', async () => {
    const given = await report();
    const { row, playerId } = given;
    alpha.play({ fraudAlert: [reported()] });
    const made = orThrow(await accept(row, 'payments-lead'));
    const disputeId = await chargeback(given);
    expect(await rowOf(row)).toMatchObject({ state: 'disputed', disputeId });
    expect(await activities().money.debitRefund({ refundId: made.id })).toMatchObject({ state: 'refused' });
    expect(await journalsOf(`dispute:${disputeId}`)).toEqual(['chargeback.open']);
    expect(await journalsOf(`refund:${made.id}`)).toEqual([]);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 0n });
    expect((await rowOf(row)).state).toBe('disputed');
  });

  test('is opened again in a run of its own when the bank sends its refund back', async () => {
    const { row } = await report();
    alpha.play({ fraudAlert: [reported()], refund: [refunded] });
    await run(async (client) => {
      const made = orThrow(await accept(row, 'payments-lead'));
      await runRefund(client, made);
      const refundId = made.id;
      await client.workflow.getHandle(refundWorkflowId({ refundId, reopened: 0 })).result();
      alpha.play({ fraudAlert: [reported()], refundStatus: [declined('generic')] });
      await activities().provider.refreshRefund({ refundId });
      await activities().money.settleRefund({ refundId });
      expect(await rowOf(row)).toMatchObject({ state: 'open', reopened: 1, closedAt: null });
      expect(await itemsOf(row)).toEqual(['fraud-alert:closed', 'fraud-alert:open']);
      await tellFraudAlert(client, database.db, row.id);
      orThrow(await dismiss(row));
      await tellFraudAlert(client, database.db, row.id);
      expect(await handleOf(client, await rowOf(row)).result()).toMatchObject({ state: 'dismissed' });
    });
  });

  test('that comes after the chargeback is disputed at once, and of a charge that is not ours makes no row', async () => {
    const given = await report();
    orThrow(await dismiss(given.row));
    const disputeId = await chargeback(given);
    const later = await recordFraudAlert(database.db, 'alpha', {
      pspReference: `issfr_${randomUUID()}`,
      chargeReference: given.charge,
    });
    expect(later).toMatchObject({ state: 'disputed', disputeId });
    const foreign = { pspReference: 'issfr_x', chargeReference: 'pi_of_somebody_else' };
    expect(await recordFraudAlert(database.db, 'alpha', foreign)).toBeNull();
    expect(
      await recordFraudAlert(database.db, 'beta', { ...foreign, chargeReference: given.charge }),
    ).toBeNull();
  });

  test('cannot go back or be answered by something about another deposit, whoever writes', async () => {
    const [mine, other] = [await report(), await report()];
    const disputeId = await chargeback(other);
    const set = (sql: string) =>
      database.ownerPool.query(`update payments.fraud_alert set ${sql} where id = $1`, [mine.row.id]);
    await expect(set(`state = 'disputed', closed_at = now(), dispute_id = '${disputeId}'`)).rejects.toThrow(
      /another deposit/,
    );
    await expect(set(`due_at = now() + interval '1 year'`)).rejects.toThrow(/cannot change/);
    await expect(set(`state = 'refunding'`)).rejects.toThrow(/check/);
    orThrow(await dismiss(mine.row));
    await expect(set(`state = 'open', closed_at = null`)).rejects.toThrow(/cannot go from/);
  });
});
