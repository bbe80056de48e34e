/** The `refund` workflow on a real ledger under skipped time; only the PSP is played. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import {
  refundInputOf,
  requestRefund,
  type RefundRow,
} from '#activities/payments/commands/request-refund.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow, type Result } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { beginRefund, decideRefund, refundStart, refundWorkflowId } from '#workflows/refund.contract.ts';
import type { refund } from '#workflows/refund.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { tellPayment } from '#api/payments/tell-payment.ts';
import {
  approved,
  askDeposit,
  balancesOf,
  brand,
  declined,
  euro,
  fingerprintOf,
  makePlayer,
  notSent,
  paymentActivities,
  pending,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  unknown,
  workItemsOf,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
const [ann, ben] = [randomUUID(), randomUUID()];

const activities = () => paymentActivities(database.db, new Map([['alpha', alpha]]));
const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: activities() }, fn);

const refunded = (order: { reference: string; money: { amount: string; asset: string } }): PspOutcome => ({
  kind: 'approved',
  pspReference: `re-${order.reference}`,
  processed: order.money,
  instrument: null,
});

const begin = (client: Client, row: RefundRow) =>
  client.workflow.executeUpdateWithStart(beginRefund, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof refund>(
      'refund',
      refundStart(refundInputOf(row, 0)),
    ),
  });

const handleOf = (client: Client, row: Pick<RefundRow, 'id'>, reopened = 0) =>
  client.workflow.getHandle<typeof refund>(refundWorkflowId({ refundId: row.id, reopened }));

const keep = (client: Client, row: RefundRow, scenario: string, reopened = 0) =>
  workflows.exportHistory(handleOf(client, row, reopened), `refund.${scenario}`);

const decide = (client: Client, row: RefundRow, operatorId: string, decision: 'approve' | 'refuse') =>
  handleOf(client, row).executeUpdate(decideRefund, {
    args: [
      {
        operatorId,
        role: 'payments-lead',
        decision,
        reason: 'as agreed',
        payloadHash: row.payloadHash.toString('hex'),
      },
    ],
  });

/** A player whose deposit of 200 was captured by `alpha`. */
async function paidDeposit(): Promise<{ playerId: string; depositId: string }> {
  const { db } = database;
  const playerId = await makePlayer(db);
  const deposit = await askDeposit(db, playerId, '200.00');
  alpha.play({ authorise: [approved], status: [approved] });
  const { money, provider } = activities();
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  expect(await money.captureDeposit({ depositId: deposit.id, number: 1 })).toEqual({ kind: 'captured' });
  return { playerId, depositId: deposit.id };
}

/** Asks as `payments`, whose band ends at 100 euros. */
function tryAsk(depositId: string, amount: string, refundId = randomUUID()): Promise<Result<RefundRow>> {
  return database.db.transaction().execute((trx) =>
    requestRefund(trx, testKeyRing, {
      refundId,
      depositId,
      money: { amount, asset: 'EUR' },
      reason: 'asked for by the player',
      operatorId: ann,
      roles: ['payments'],
      fingerprint: fingerprintOf(`${depositId} ${amount}`),
    }),
  );
}
const ask = async (depositId: string, amount: string): Promise<RefundRow> =>
  orThrow(await tryAsk(depositId, amount));

const rowOf = (row: Pick<RefundRow, 'id'>): Promise<RefundRow> =>
  database.db.selectFrom('payments.refund').selectAll().where('id', '=', row.id).executeTakeFirstOrThrow();

const journalsOf = async (row: Pick<RefundRow, 'id'>): Promise<string[]> =>
  (
    await database.db
      .selectFrom('wallet.journal')
      .select('code')
      .where('subject', '=', `refund:${row.id}`)
      .orderBy('occurredAt')
      .execute()
  ).map(({ code }) => code);

/** The player spends cash, as a withdrawal would. */
async function spend(playerId: string, euros: bigint): Promise<void> {
  const id = randomUUID();
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await postTransfer(trx, {
        key: `withdrawal:${id}:reserve`,
        playerId,
        asset: 'EUR',
        amount: euros * euro,
        subject: `withdrawal:${id}`,
        transfer: { code: 'withdrawal.reserve' },
      }),
    ),
  );
}

describeWorkflows('a refund', () => {
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

  test('inside the band is debited, sent once and paid', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    alpha.play({
      refund: [pending],
      refundStatus: [refunded],
    });
    await run(async (client) => {
      await begin(client, row);
      expect(await balancesOf(database.db, playerId)).toEqual({ cash: 120n, held: 0n });
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'paid');
    });
    expect(alpha.calls).toEqual(['refund', 'refundStatus']);
    expect(await rowOf(row)).toMatchObject({ state: 'paid', callState: 'paid', needsApproval: false });
    expect(await journalsOf(row)).toEqual(['deposit.refund']);
  });

  test('above the band waits for another person, who is not the one that asked', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '150.00');
    alpha.play({ refund: [refunded] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'awaiting-approval' });
      expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
      await expect(decide(client, row, ann, 'approve')).rejects.toMatchObject({
        cause: { type: 'own-approval' },
      });
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'approved');
    });
    expect(await rowOf(row)).toMatchObject({ decidedBy: ben, decidedRole: 'payments-lead' });
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 50n, held: 0n });
  });

  test('that the second person refuses moves nothing and frees the deposit for another one', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '150.00');
    alpha.play({});
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ben, 'refuse');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
      await keep(client, row, 'refused-by-operator');
    });
    expect(alpha.calls).toEqual([]);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    expect((await tryAsk(depositId, '200.00')).ok).toBe(true);
  });

  test('that the PSP refuses gives the money back', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    alpha.play({ refund: [declined('generic')] });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
      await keep(client, row, 'refused-by-psp');
    });
    expect(await journalsOf(row)).toEqual(['deposit.refund', 'deposit.refund-return']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    expect((await tryAsk(depositId, '200.00')).ok).toBe(true);
  });

  test('whose answer is lost is not sent again: its status is asked until it is known', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    alpha.play({ refund: [unknown], refundStatus: [unknown, unknown, refunded] });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'unknown-then-paid');
    });
    expect(alpha.calls).toEqual(['refund', 'refundStatus', 'refundStatus', 'refundStatus']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 120n, held: 0n });
  });

  test('without an outcome for a day is shown to a person, its money stays debited, and a later outcome ends it', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    let asked = 0;
    alpha.play({
      refund: [unknown],
      refundStatus: [(order) => ((asked += 1) > 22 ? refunded(order) : unknown())],
    });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'parked-then-paid');
    });
    expect(await workItemsOf(database.db, `refund:${row.id}`)).toEqual(['parked-refund:closed']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 120n, held: 0n });
  });

  test('that provably never left is offered again under the same key', async () => {
    const { depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    const keys: string[] = [];
    alpha.play({
      refund: [
        (order) => (keys.push(order.reference), notSent()),
        (order) => (keys.push(order.reference), refunded(order)),
      ],
    });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'not-sent');
    });
    expect(keys).toEqual([`refund:${row.id}`, `refund:${row.id}`]);
    expect(await journalsOf(row)).toEqual(['deposit.refund']);
  });

  test('of which the PSP moved another amount is parked, and nothing more is booked', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    alpha.play({
      refund: [(order) => refunded({ ...order, money: { amount: '8.00', asset: 'EUR' } })],
    });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
      await keep(client, row, 'amount-mismatch');
    });
    expect(await workItemsOf(database.db, `refund:${row.id}`)).toEqual([
      'amount-mismatch:open',
      'parked-refund:open',
    ]);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 120n, held: 0n });
  });

  test('that cash no longer covers is refused before the PSP hears of it', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    await spend(playerId, 150n);
    alpha.play({});
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
    });
    expect(alpha.calls).toEqual([]);
    expect(await rowOf(row)).toMatchObject({ failureReason: 'insufficient-funds' });
    expect(await journalsOf(row)).toEqual([]);
  });

  test('that the bank sends back after it was paid gives the player the money again, once', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    alpha.play({ refund: [refunded], refundStatus: [declined('generic')] });
    const notice = {
      kind: 'refund',
      id: row.id,
      attempt: null,
      saysApproved: false,
      saysFailed: true,
    } as const;
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      expect(await tellPayment(client, database.db, notice)).toBe('told');
      expect(await handleOf(client, row, 1).result()).toMatchObject({ state: 'returned' });
      await keep(client, row, 'returned', 1);
      expect(await tellPayment(client, database.db, notice)).toBe('gone');
    });
    expect(await journalsOf(row)).toEqual(['deposit.refund', 'deposit.refund-return']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('that was refused and paid all the same is taken from the player once more', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    alpha.play({ refund: [declined('generic')], refundStatus: [refunded] });
    const notice = { kind: 'refund', id: row.id, attempt: null, saysApproved: true } as const;
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
      await tellPayment(client, database.db, notice);
      expect(await handleOf(client, row, 1).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'late-paid', 1);
    });
    expect(await journalsOf(row)).toEqual(['deposit.refund', 'deposit.refund-return', 'deposit.refund']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 120n, held: 0n });
  });

  test('asked for eight times at once never passes what the deposit brought', async () => {
    const { depositId } = await paidDeposit();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => tryAsk(depositId, '60.00')));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(3);
    const refusals = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.failure.code]));
    expect(new Set(refusals)).toEqual(new Set(['exceeds-captured']));
    const { rows } = await database.ownerPool.query<{ sum: string }>(
      'select (sum(amount) / 1000000000000)::text as sum from payments.refund where deposit_id = $1',
      [depositId],
    );
    expect(Number(rows[0]?.sum)).toBe(180);
  });

  test('cannot pass the database: not above the capture, not without the second person, not to another end', async () => {
    const { depositId } = await paidDeposit();
    const row = await ask(depositId, '150.00');
    const forged = (amount: bigint) =>
      database.ownerPool.query(
        `insert into payments.refund (id, deposit_id, player_id, brand, jurisdiction, asset, amount, psp, reference,
           charge_reference, reason, requested_by, fingerprint, payload_hash, needs_approval)
         select gen_random_uuid(), deposit_id, player_id, brand, jurisdiction, asset, $2, psp, gen_random_uuid()::text,
           charge_reference, reason, requested_by, fingerprint, payload_hash, false from payments.refund where id = $1`,
        [row.id, (amount * euro).toString()],
      );
    await expect(forged(51n)).rejects.toThrow(/more would go back/);
    const move = (sql: string) =>
      database.ownerPool.query(`update payments.refund set ${sql} where id = $1`, [row.id]);
    await expect(move(`state = 'submitted'`)).rejects.toThrow(/violates check|check constraint/);
    await expect(move(`amount = 1`)).rejects.toThrow(/cannot change/);
    await expect(move(`state = 'paid', closed_at = now()`)).rejects.toThrow(/cannot go from|check/);
    await expect(move(`call_state = 'returned'`)).rejects.toThrow(/cannot go from/);
  });

  test('counts no longer as a deposit where a withdrawal looks for the closed loop', async () => {
    const { playerId, depositId } = await paidDeposit();
    const row = await ask(depositId, '80.00');
    expect(await activities().money.debitRefund({ refundId: row.id })).toMatchObject({ state: 'submitted' });
    const { id: instrumentId } = await database.db
      .selectFrom('payments.instrument')
      .select('id')
      .where('playerId', '=', playerId)
      .executeTakeFirstOrThrow();
    // A second card, whose deposit makes the closed loop matter.
    const second = await askDeposit(database.db, playerId, '100.00');
    const other = (order: Parameters<typeof approved>[0]) => approved({ ...order, token: 'tok_other' });
    alpha.play({ authorise: [other], status: [other] });
    await activities().provider.authoriseAttempt({ depositId: second.id, number: 1 });
    await activities().money.captureDeposit({ depositId: second.id, number: 1 });
    const withdrawalId = randomUUID();
    orThrow(
      await requestWithdrawal(database.db, {
        withdrawalId,
        playerId,
        brand,
        money: { amount: '220.00', asset: 'EUR' },
        instrumentId,
        fingerprint: fingerprintOf(withdrawalId),
      }),
    );
    const legs = await database.db
      .selectFrom('payments.withdrawalLeg as l')
      .innerJoin('payments.instrument as i', 'i.id', 'l.instrumentId')
      .select(['i.token', 'l.amount'])
      .where('l.withdrawalId', '=', withdrawalId)
      .orderBy('l.leg')
      .execute();
    // Of the first deposit what was not refunded goes back, and the second whole.
    expect(legs.map(({ token, amount }) => [token, BigInt(amount) / 10n ** 12n])).toEqual([
      ['tok_alpha', 120n],
      ['tok_other', 100n],
    ]);
  });

  test('asked for twice with one key is one refund; with other content it is refused', async () => {
    const { depositId } = await paidDeposit();
    const id = randomUUID();
    const first = orThrow(await tryAsk(depositId, '50.00', id));
    expect(orThrow(await tryAsk(depositId, '50.00', id)).id).toBe(first.id);
    expect(await tryAsk(depositId, '51.00', id)).toMatchObject({
      failure: { code: 'idempotency-key-reused' },
    });
    expect(await tryAsk(depositId, '150.01')).toMatchObject({ failure: { code: 'exceeds-captured' } });
  });
});
