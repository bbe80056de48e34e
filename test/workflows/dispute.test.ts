/** The `dispute` workflow on a real ledger under skipped time; only the PSP is played. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import {
  disputeInputOf,
  recordDispute,
  type DisputeRow,
} from '#activities/payments/commands/dispute-notices.ts';
import {
  decideDisputeResponse,
  recordDisputeResponse,
  type DisputeResponseRow,
} from '#activities/payments/commands/record-dispute-response.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { tellDispute } from '#api/payments/tell-payment.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { DisputeMovement, DisputeOutcome, DisputePlace } from '#domain/payments/dispute-state.ts';
import { answerDispute, disputeStart, disputeWorkflowId } from '#workflows/dispute.contract.ts';
import type { dispute } from '#workflows/dispute.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import {
  approved,
  askDeposit,
  euro,
  fingerprintOf,
  keyPlayer,
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
const ann = randomUUID();
const dayMs = 86_400_000;

const activities = () => paymentActivities(database.db, new Map([['alpha', alpha]]));
const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: activities() }, fn);

const money = { amount: '200.00', asset: 'EUR' } as const;
const withdrawn: DisputeMovement = { reference: 'txn_out', kind: 'withdrawn', money };
const reinstated: DisputeMovement = { reference: 'txn_back', kind: 'reinstated', money };
const secondOut: DisputeMovement = { reference: 'txn_out_2', kind: 'withdrawn', money };

/** References are per dispute: a PSP names each movement once for ever. */
const says =
  (
    row: Pick<DisputeRow, 'id'>,
    stage: DisputePlace['stage'],
    status: DisputePlace['status'],
    movements: readonly DisputeMovement[] = [],
    dueInMs = 14 * dayMs,
  ) =>
  (): DisputeOutcome => ({
    kind: 'told',
    stage,
    status,
    reason: 'fraudulent',
    evidenceDueAt: new Date(Date.now() + dueInMs).toISOString(),
    money,
    movements: movements.map((one) => ({ ...one, reference: `${row.id}:${one.reference}` })),
  });

/** A deposit of 200 that was captured, and a dispute of it of which only the first notice is known. */
async function disputed(): Promise<{ playerId: string; row: DisputeRow }> {
  const { db } = database;
  const playerId = await makePlayer(db);
  await keyPlayer(db, playerId);
  const deposit = await askDeposit(db, playerId, '200.00');
  alpha.play({ authorise: [approved], status: [approved] });
  const { money: queue, provider } = activities();
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  await queue.captureDeposit({ depositId: deposit.id, number: 1 });
  const notice = {
    pspReference: `du_${randomUUID()}`,
    chargeReference: `psp-deposit:${deposit.id}:a1`,
  };
  const row = await recordDispute(db, 'alpha', notice);
  expect(row).toMatchObject({ depositId: deposit.id, playerId });
  expect(await recordDispute(db, 'alpha', notice)).toEqual(row);
  if (row === null) throw new Error('the charge is known');
  return { playerId, row };
}

const start = (client: Client, row: DisputeRow) =>
  client.workflow.start<typeof dispute>('dispute', disputeStart(disputeInputOf(row, 0)));
const handleOf = (client: Client, row: DisputeRow, reopened = 0) =>
  client.workflow.getHandle<typeof dispute>(
    disputeWorkflowId({ psp: row.psp, pspReference: row.pspReference, reopened }),
  );
const keep = (client: Client, row: DisputeRow, scenario: string, reopened = 0) =>
  workflows.exportHistory(handleOf(client, row, reopened), `dispute.${scenario}`);

const rowOf = (row: DisputeRow): Promise<DisputeRow> =>
  database.db.selectFrom('payments.dispute').selectAll().where('id', '=', row.id).executeTakeFirstOrThrow();

const journalsOf = async (row: DisputeRow): Promise<string[]> =>
  (
    await database.db
      .selectFrom('wallet.journal')
      .select('code')
      .where('subject', '=', `dispute:${row.id}`)
      .orderBy('occurredAt')
      .execute()
  ).map(({ code }) => code);

/** Cash and debt in whole euros. */
async function purse(playerId: string): Promise<{ cash: bigint; owed: bigint }> {
  const row = await database.db
    .selectFrom('wallet.playerWallet')
    .select(['cash', 'receivable'])
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  return { cash: BigInt(row.cash) / euro, owed: -BigInt(row.receivable) / euro };
}

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

/** Proposed by one person and sent by another one. */
const respond = (row: DisputeRow, evidence: string | null, responseId = randomUUID()) =>
  database.db.transaction().execute(async (trx) => {
    const proposed = await propose(trx, row, evidence, responseId);
    return proposed.ok && proposed.value.state === 'proposed'
      ? decideDisputeResponse(trx, {
          responseId,
          disputeId: row.id,
          decision: 'send',
          contentHash: proposed.value.fingerprint.toString('hex'),
          reason: 'it is all there',
          operatorId: randomUUID(),
        })
      : proposed;
  });

const propose = (trx: Trx, row: DisputeRow, evidence: string | null, responseId: string) =>
  recordDisputeResponse(trx, testKeyRing, {
    responseId,
    disputeId: row.id,
    evidence,
    reason: 'the player was there',
    operatorId: ann,
    role: 'payments',
    fingerprint: fingerprintOf(`${row.id} ${evidence}`),
  });

const answer = (client: Client, row: DisputeRow, response: DisputeResponseRow) =>
  handleOf(client, row).executeUpdate(answerDispute, { args: [{ responseId: response.id }] });

describeWorkflows('a dispute', () => {
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

  test('takes the money when the PSP does, leaves a debt for what is spent, and is lost', async () => {
    const { playerId, row } = await disputed();
    await spend(playerId, 150n);
    alpha.play({
      dispute: [
        says(row, 'chargeback', 'needs-response'),
        says(row, 'chargeback', 'needs-response', [withdrawn]),
        says(row, 'chargeback', 'lost', [withdrawn]),
      ],
    });
    await run(async (client) => {
      await start(client, row);
      await seen(() => alpha.calls.length).toBe(1);
      // A notice alone, without a movement of funds, moves nothing.
      await seen(async () => (await rowOf(row)).status).toBe('needs-response');
      expect(await purse(playerId)).toEqual({ cash: 50n, owed: 0n });
      await tellDispute(client, database.db, row.id);
      await seen(() => purse(playerId)).toEqual({ cash: 0n, owed: 150n });
      await tellDispute(client, database.db, row.id);
      expect(await handleOf(client, row).result()).toMatchObject({ stage: 'chargeback', status: 'lost' });
      await keep(client, row, 'lost');
    });
    expect(await journalsOf(row)).toEqual(['chargeback.open', 'chargeback.lose']);
    expect(await purse(playerId)).toEqual({ cash: 0n, owed: 150n });
  });

  test('is answered with evidence, won, and comes back as a second chargeback in a run of its own', async () => {
    const { playerId, row } = await disputed();
    const words: string[] = [];
    alpha.play({
      dispute: [
        says(row, 'chargeback', 'needs-response', [withdrawn]),
        says(row, 'chargeback', 'under-review', [withdrawn]),
        says(row, 'chargeback', 'won', [withdrawn, reinstated]),
        says(row, 'second-chargeback', 'needs-response', [withdrawn, reinstated, secondOut]),
        says(row, 'second-chargeback', 'lost', [withdrawn, reinstated, secondOut]),
      ],
      submitEvidence: [
        (order) => (words.push(order.key), { kind: 'unknown', reason: 'no answer' }),
        (order) => (words.push(order.key), { kind: 'taken' }),
      ],
    });
    await run(async (client) => {
      await start(client, row);
      await seen(async () => (await rowOf(row)).status).toBe('needs-response');
      const response = orThrow(await respond(row, 'The player was signed in from his own device.'));
      expect(response.sealed?.toString('utf8')).not.toContain('signed in');
      await answer(client, row, response);
      await seen(async () => (await rowOf(row)).status).toMatch(/under-review|won/);
      await tellDispute(client, database.db, row.id);
      expect(await handleOf(client, row).result()).toMatchObject({ status: 'won' });
      await keep(client, row, 'answered-and-won');
      expect(await purse(playerId)).toEqual({ cash: 200n, owed: 0n });
      expect(await tellDispute(client, database.db, row.id)).toBe('told');
      await seen(() => purse(playerId)).toEqual({ cash: 0n, owed: 0n });
      await tellDispute(client, database.db, row.id);
      expect(await handleOf(client, row, 1).result()).toMatchObject({
        stage: 'second-chargeback',
        status: 'lost',
      });
      await keep(client, row, 'second-chargeback', 1);
    });
    // A lost answer is repeated under one key, for ever the same.
    expect(new Set(words).size).toBe(1);
    expect(await journalsOf(row)).toEqual([
      'chargeback.open',
      'chargeback.win',
      'chargeback.open',
      'chargeback.lose',
    ]);
  });

  test('that nobody answers is shown to people before its deadline, and cannot be answered after it', async () => {
    const { row } = await disputed();
    alpha.play({
      dispute: [
        says(row, 'chargeback', 'needs-response', [withdrawn], dayMs),
        says(row, 'chargeback', 'needs-response', [withdrawn], -1_000),
        says(row, 'chargeback', 'lost', [withdrawn], -1_000),
      ],
    });
    await run(async (client) => {
      await start(client, row);
      await seen(() => workItemsOf(database.db, `dispute:${row.id}`)).toEqual(['dispute-evidence-due:open']);
      await tellDispute(client, database.db, row.id);
      await seen(async () => (await rowOf(row)).expiredAt).not.toBeNull();
      expect(await respond(row, 'Too late, and long enough to count.')).toMatchObject({
        failure: { code: 'dispute-not-open' },
      });
      await tellDispute(client, database.db, row.id);
      expect(await handleOf(client, row).result()).toMatchObject({ status: 'lost' });
      await keep(client, row, 'expired');
    });
    expect(await workItemsOf(database.db, `dispute:${row.id}`)).toEqual(['dispute-evidence-due:closed']);
  });

  test('that an operator accepts is closed at the PSP, once', async () => {
    const { row } = await disputed();
    alpha.play({
      dispute: [
        says(row, 'chargeback', 'needs-response', [withdrawn]),
        says(row, 'chargeback', 'lost', [withdrawn]),
      ],
      acceptDispute: [() => ({ kind: 'taken' })],
    });
    await run(async (client) => {
      await start(client, row);
      await seen(async () => (await rowOf(row)).status).toBe('needs-response');
      const response = orThrow(await respond(row, null));
      expect(await respond(row, null)).toMatchObject({ failure: { code: 'dispute-not-open' } });
      await answer(client, row, response);
      expect(await handleOf(client, row).result()).toMatchObject({ status: 'lost' });
      await keep(client, row, 'accepted');
    });
    expect(alpha.calls.filter((call) => call === 'acceptDispute')).toHaveLength(1);
    expect(await rowOf(row)).toMatchObject({ accepted: true, status: 'lost' });
  });

  test('of which more is taken than the deposit has left is shown to a person and booked by nobody', async () => {
    const { playerId, row } = await disputed();
    await database.db.transaction().execute(async (trx) =>
      orThrow(
        await postTransfer(trx, {
          key: `refund:${row.id}:before`,
          playerId,
          asset: 'EUR',
          amount: 50n * euro,
          subject: `refund:${row.id}`,
          transfer: { code: 'deposit.refund', capture: `deposit:${row.depositId}:capture` },
        }),
      ),
    );
    alpha.play({ dispute: [says(row, 'chargeback', 'lost', [withdrawn])] });
    await run(async (client) => {
      await start(client, row);
      await handleOf(client, row).result();
      await keep(client, row, 'unbooked');
    });
    expect(await workItemsOf(database.db, `dispute:${row.id}`)).toEqual(['dispute-unbooked:open']);
    expect(await journalsOf(row)).toEqual([]);
    expect(await purse(playerId)).toEqual({ cash: 150n, owed: 0n });
  });

  test('cannot go back in the database', async () => {
    const { row } = await disputed();
    const move = (sql: string) =>
      database.ownerPool.query(`update payments.dispute set ${sql} where id = $1`, [row.id]);
    await move(`stage = 'chargeback', status = 'needs-response'`);
    await expect(move(`stage = 'inquiry'`)).rejects.toThrow(/cannot go from/);
    await move(`status = 'won', closed_at = now()`);
    await expect(move(`status = 'lost'`)).rejects.toThrow(/cannot go from/);
    await move(`stage = 'second-chargeback', status = 'lost'`);
    await expect(move(`status = 'won'`)).rejects.toThrow(/cannot go from/);
    await expect(move(`deposit_id = gen_random_uuid()`)).rejects.toThrow(/cannot change/);
  });
});
