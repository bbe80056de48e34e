/** A charge that takes money after its deposit was credited from another: given back once, or left to a person. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { depositInputOf, type DepositRow } from '#activities/payments/payment-rows.ts';
import { seedSecondChargePolicies } from '#activities/payments/second-charge.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { beginDeposit, depositStart, depositWorkflowId, pspNotified } from '#workflows/deposit.contract.ts';
import { tellPayment } from '#api/payments/tell-payment.ts';
import { depositLateStart, depositLateWorkflowId } from '#workflows/deposit-late.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import type { depositLate } from '#workflows/deposit-late.ts';
import { refundWorkflowId } from '#workflows/refund.contract.ts';
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
  brand,
  declined,
  makePlayer,
  paymentActivities,
  pending,
  unknown,
  scriptedPsp,
  seedWorld,
  workItemsOf,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
const beta = scriptedPsp('beta');

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows(
    {
      activities: paymentActivities(
        database.db,
        new Map([
          ['alpha', alpha],
          ['beta', beta],
        ]),
      ),
    },
    fn,
  );

const refunded = (order: { reference: string; money: { amount: string; asset: string } }): PspOutcome => ({
  kind: 'approved',
  pspReference: `re-${order.reference}`,
  processed: order.money,
  instrument: null,
});

const begin = (client: Client, row: DepositRow) =>
  client.workflow.executeUpdateWithStart(beginDeposit, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>(
      'deposit',
      depositStart(depositInputOf(row)),
    ),
  });

const lookLate = async (client: Client, row: DepositRow, attempt: number) => {
  const { id: depositId, playerId, jurisdiction } = row;
  const input = { depositId, attempt, playerId, brand: row.brand, jurisdiction };
  return client.workflow.start<typeof depositLate>('depositLate', depositLateStart(input));
};

const refundsOf = (depositId: string) =>
  database.db
    .selectFrom('payments.refund')
    .select(['id', 'psp', 'state', 'secondCharge', 'requestedBy', 'chargeReference'])
    .where('depositId', '=', depositId)
    .execute();

/** What a PSP owes us in the ledger, in whole euros. */
async function owedBy(psp: string): Promise<bigint> {
  const rows = await database.db
    .selectFrom('wallet.entry')
    .select('amount')
    .where('account', '=', `psp:${psp}:clearing`)
    .execute();
  return rows.reduce((sum, { amount }) => sum - BigInt(amount), 0n) / 10n ** 12n;
}

async function refundEnd(client: Client, depositId: string) {
  const [row] = await refundsOf(depositId);
  if (row === undefined) throw new Error('No refund was asked for.');
  const handle = client.workflow.getHandle<typeof refund>(
    refundWorkflowId({ refundId: row.id, reopened: 0 }),
  );
  return { handle, view: await handle.result() };
}

describeWorkflows('a second charge', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
    workflows = await createWorkflowEnvironment();
    await seedWorld(database.db);
    await seedSecondChargePolicies(database.db, [{ id: brand, jurisdictions: ['MT'] }]);
  }, 240_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('told of before the PSP’s own status says so is found by the next look, or by the next notice', async () => {
    const { db } = database;
    const [patient, told] = [await makePlayer(db), await makePlayer(db)];
    const [first, second] = [await askDeposit(db, patient), await askDeposit(db, told)];
    const no = declined('fix_data');
    await run(async (client) => {
      const fail = async (row: DepositRow) => {
        expect(await begin(client, row)).toMatchObject({ state: 'failed' });
        await client.workflow.getHandle(depositWorkflowId(row.id)).result();
      };
      const tell = (row: DepositRow) =>
        tellPayment(client, db, { kind: 'deposit', id: row.id, attempt: 1, saysApproved: true });
      const lateOf = (row: DepositRow) =>
        client.workflow.getHandle<typeof depositLate>(depositLateWorkflowId(row.id, 1));

      // One clear no, and then an outage that lasts longer than all looks after a no.
      const away = Array.from({ length: 12 }, () => unknown);
      alpha.play({ authorise: [no], status: [no, ...away, approved] });
      await fail(first);
      await tell(first);
      expect(await lateOf(first).result()).toBe('credited');
      await workflows.exportHistory(lateOf(first), 'deposit-late.credited-after-an-outage');

      alpha.play({ authorise: [no], status: [no, no, no, no, approved] });
      await fail(second);
      await tell(second);
      expect(await lateOf(second).result()).toBe('nothing');
      await workflows.exportHistory(lateOf(second), 'deposit-late.nothing');
      expect(await balancesOf(db, told)).toMatchObject({ cash: 0n });
      await tell(second);
      expect(await lateOf(second).result()).toBe('credited');
      // And once more, as PSPs do for days.
      await tell(second);
    });
    expect(await balancesOf(db, patient)).toMatchObject({ cash: 50n });
    expect(await balancesOf(db, told)).toMatchObject({ cash: 50n });
  });

  test('of a deposit that was credited from another PSP is given back by itself, once', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({ authorise: [declined('generic')], status: [approved], refund: [refunded] });
    beta.play({ authorise: [approved], status: [approved] });
    const owedBefore = await owedBy('alpha');
    await run(async (client) => {
      await begin(client, row);
      await client.workflow.getHandle(depositWorkflowId(row.id)).result();
      const late = await lookLate(client, row, 1);
      expect(await late.result()).toBe('refunded');
      await workflows.exportHistory(late, 'deposit-late.second-charge-refunded');
      const { handle, view } = await refundEnd(client, row.id);
      expect(view.state).toBe('paid');
      await workflows.exportHistory(handle, 'refund.second-charge');
      // The PSP's notice comes again, and somebody starts over.
      const again = await paymentActivities(db, new Map()).money.requestSecondChargeRefund({
        depositId: row.id,
        number: 1,
      });
      expect(again?.refundId).toBe((await refundsOf(row.id))[0]?.id);
    });
    expect(await refundsOf(row.id)).toMatchObject([
      {
        psp: 'alpha',
        state: 'paid',
        secondCharge: 1,
        requestedBy: null,
        chargeReference: `psp-deposit:${row.id}:a1`,
      },
    ]);
    expect(alpha.calls.filter((call) => call === 'refund')).toHaveLength(1);
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
    expect(await owedBy('alpha')).toBe(owedBefore);
    expect(await workItemsOf(db, `deposit:${row.id}`)).toEqual(['late-approval:closed']);
    expect((await verifyLedger(db)).flatMap(({ findings }) => findings)).toEqual([]);
  });

  test('at the PSP that was credited is no repeat of the credit', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    const named =
      (name: string) =>
      (order: Parameters<typeof approved>[0]): PspOutcome =>
        ({ ...approved(order), pspReference: name }) as PspOutcome;
    alpha.play({
      authorise: [declined('sca_required'), named('second')],
      status: [named('second'), named('first')],
      refund: [refunded],
    });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'captured' });
      await client.workflow.getHandle(depositWorkflowId(row.id)).result();
      const late = await lookLate(client, row, 1);
      expect(await late.result()).toBe('refunded');
      expect((await refundEnd(client, row.id)).view.state).toBe('paid');
    });
    expect(await refundsOf(row.id)).toMatchObject([{ chargeReference: 'first', secondCharge: 1 }]);
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
  });

  test('seen while the later attempt was still open is given back by the deposit itself', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({ authorise: [declined('generic')], status: [approved], refund: [refunded] });
    beta.play({ authorise: [pending], status: [pending, pending, approved] });
    await run(async (client) => {
      await begin(client, row);
      const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
      await handle.signal(pspNotified, { attempt: 1 });
      expect(await handle.result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handle, 'deposit.second-charge-refunded');
      expect((await refundEnd(client, row.id)).view.state).toBe('paid');
    });
    expect(await refundsOf(row.id)).toMatchObject([{ psp: 'alpha', secondCharge: 1 }]);
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
  });

  test('told of while the deposit was ending is not lost', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({ authorise: [declined('generic')], status: [approved], refund: [refunded] });
    beta.play({ authorise: [approved], status: [approved] });
    const played = paymentActivities(
      db,
      new Map([
        ['alpha', alpha],
        ['beta', beta],
      ]),
    );
    const money = {
      ...played.money,
      captureDeposit: async (input: { depositId: string; number: number }) => {
        const outcome = await played.money.captureDeposit(input);
        if (input.number === 2)
          await workflows.client.workflow
            .getHandle(depositWorkflowId(row.id))
            .signal(pspNotified, { attempt: 1 });
        return outcome;
      },
    };
    await workflows.runWorkflows({ activities: { ...played, money } }, async (client) => {
      await begin(client, row);
      const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
      expect(await handle.result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handle, 'deposit.told-while-ending');
      expect((await refundEnd(client, row.id)).view.state).toBe('paid');
    });
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
  });

  test('told of after its last question was answered, and before the workflow knew, is asked about again', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({ authorise: [pending], status: [declined('generic'), approved], refund: [refunded] });
    beta.play({ authorise: [approved], status: [approved] });
    const played = paymentActivities(
      db,
      new Map([
        ['alpha', alpha],
        ['beta', beta],
      ]),
    );
    const provider = {
      ...played.provider,
      refreshAttempt: async (input: { depositId: string; number: number }) => {
        const view = await played.provider.refreshAttempt(input);
        // The row says no by now, the worker is slow, and the PSP has charged after all.
        if (view.state === 'declined')
          await workflows.client.workflow
            .getHandle(depositWorkflowId(row.id))
            .signal(pspNotified, { attempt: 1, saysApproved: true });
        return view;
      },
    };
    await workflows.runWorkflows({ activities: { ...played, provider } }, async (client) => {
      await begin(client, row);
      const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
      expect(await handle.result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handle, 'deposit.told-between-answer-and-end');
    });
    // Asked again before another PSP was: there was no second charge to give back.
    expect(alpha.calls.filter((call) => call === 'status')).toHaveLength(2);
    expect(beta.calls).toEqual([]);
    expect(await refundsOf(row.id)).toEqual([]);
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
  });

  test('at a PSP that could not be asked about it is asked about until it answers', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({
      authorise: [declined('generic')],
      status: [unknown, unknown, approved],
      refund: [refunded],
    });
    beta.play({ authorise: [pending], status: [pending, approved] });
    await run(async (client) => {
      await begin(client, row);
      const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
      await handle.signal(pspNotified, { attempt: 1, saysApproved: true });
      expect(await handle.result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handle, 'deposit.stray-behind-an-outage');
      expect((await refundEnd(client, row.id)).view.state).toBe('paid');
    });
    expect(await refundsOf(row.id)).toMatchObject([{ psp: 'alpha', secondCharge: 1 }]);
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
  });

  test('told of without the number of its attempt is looked for in all closed ones', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({ authorise: [declined('generic')], status: [approved], refund: [refunded] });
    beta.play({ authorise: [pending], status: [pending, pending, approved] });
    await run(async (client) => {
      await begin(client, row);
      const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
      // As the sweep does it for a notice that was stored while nobody could be told.
      await handle.signal(pspNotified, { attempt: null, saysApproved: true });
      expect(await handle.result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handle, 'deposit.told-without-a-number');
      expect((await refundEnd(client, row.id)).view.state).toBe('paid');
    });
    expect(await refundsOf(row.id)).toMatchObject([{ psp: 'alpha', secondCharge: 1 }]);
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 50n });
  });

  test('whose refund the PSP refuses stays with its owner', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    alpha.play({
      authorise: [declined('generic')],
      status: [approved],
      refund: [declined('generic')],
    });
    beta.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await client.workflow.getHandle(depositWorkflowId(row.id)).result();
      const late = await lookLate(client, row, 1);
      expect(await late.result()).toBe('refunded');
      expect((await refundEnd(client, row.id)).view.state).toBe('refused');
    });
    expect(await balancesOf(db, playerId)).toMatchObject({ cash: 100n });
    // Charged twice and credited twice: whether the player wants that, a person asks.
    expect(await workItemsOf(db, `deposit:${row.id}`)).toEqual([
      'late-approval:closed',
      'late-approval:open',
    ]);
  });

  test('of another amount, or without a policy, is left to a person', async () => {
    const { db } = database;
    const playerId = await makePlayer(db);
    const row = await askDeposit(db, playerId);
    const other = (order: Parameters<typeof approved>[0]) => ({
      ...approved(order),
      processed: { amount: '5.00', asset: 'EUR' },
    });
    alpha.play({ authorise: [declined('generic')], status: [other] });
    beta.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await client.workflow.getHandle(depositWorkflowId(row.id)).result();
      const late = await lookLate(client, row, 1);
      expect(late.workflowId).toBe(depositLateWorkflowId(row.id, 1));
      expect(await late.result()).toBe('duplicate');
      await workflows.exportHistory(late, 'deposit-late.second-charge-kept');
    });
    expect(await refundsOf(row.id)).toEqual([]);
    expect(await workItemsOf(db, `deposit:${row.id}`)).toEqual(['late-approval:open']);
  });
});
