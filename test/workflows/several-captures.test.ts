/** Captures in parts through the `deposit` and `modification` workflows: each its own journal, and an end to the hold. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import {
  modificationInputOf,
  requestModification,
  type ModificationRow,
} from '#activities/payments/commands/request-modification.ts';
import type { ModificationOrder, PaymentOrder } from '#activities/payments/connectors.ts';
import { depositInputOf, type DepositRow } from '#activities/payments/payment-rows.ts';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { beginDeposit, depositStart, depositWorkflowId, pspNotified } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import {
  beginModification,
  modificationStart,
  modificationWorkflowId,
} from '#workflows/modification.contract.ts';
import type { modification } from '#workflows/modification.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import {
  approved,
  askDeposit,
  attemptsOf,
  balancesOf,
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  unknown,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
/** Where the PSP keeps what a last capture leaves, it is told to let go. */
const rest = { isReleased: true };
const psp = {
  ...alpha,
  get capabilities() {
    return { ...alpha.capabilities, severalCaptures: { releasesRest: rest.isReleased } };
  },
};

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: paymentActivities(database.db, new Map([['alpha', psp]])) }, fn);

const handleOf = (client: Client, row: DepositRow) =>
  client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));

const authorised = (order: PaymentOrder): PspOutcome => {
  const taken = approved(order);
  if (taken.kind !== 'approved') throw new Error('not approved');
  return {
    kind: 'authorised',
    pspReference: taken.pspReference,
    authorised: order.money,
    instrument: taken.instrument,
    severalCaptures: order.captureMode === 'in-parts',
  };
};

const done = (order: ModificationOrder): PspOutcome => ({
  kind: 'approved',
  pspReference: `psp-${order.reference}`,
  processed: order.money,
  instrument: null,
});

/** A deposit of 50 euros that the PSP holds. */
async function held(client: Client, playerId: string): Promise<DepositRow> {
  const row = await askDeposit(database.db, playerId);
  alpha.play({ authorise: [authorised], status: [authorised] });
  const view = await client.workflow.executeUpdateWithStart(beginDeposit, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>(
      'deposit',
      depositStart(depositInputOf(row)),
    ),
  });
  expect(view).toMatchObject({ state: 'authorised' });
  return row;
}

const request = (row: DepositRow, kind: 'capture' | 'void', amount: string | null, isFinal: boolean) => {
  const modificationId = randomUUID();
  return database.db.transaction().execute((trx) =>
    requestModification(trx, testKeyRing, {
      modificationId,
      depositId: row.id,
      kind,
      money: amount === null ? null : { amount, asset: 'EUR' },
      isFinal,
      reason: 'shipped in parts',
      operatorId: '0198c0de-0000-4000-8000-00000000000a',
      roles: ['payments'],
      fingerprint: fingerprintOf(modificationId),
    }),
  );
};

async function modify(client: Client, row: ModificationRow): Promise<string> {
  await client.workflow.executeUpdateWithStart(beginModification, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof modification>(
      'modification',
      modificationStart(modificationInputOf(row)),
    ),
  });
  const handle = client.workflow.getHandle<typeof modification>(modificationWorkflowId(row.id));
  return (await handle.result()).state;
}

const standing = (row: DepositRow) =>
  database.db
    .selectFrom('payments.deposit as d')
    .innerJoin('payments.authorisation as a', 'a.depositId', 'd.id')
    .select(['d.state', 'a.state as held', 'a.endedBy'])
    .where('d.id', '=', row.id)
    .executeTakeFirstOrThrow();

const expire = (row: DepositRow) =>
  database.db
    .updateTable('payments.deposit')
    .set({ authorisationExpiresAt: new Date(Date.now() - 1_000) })
    .where('id', '=', row.id)
    .execute();

beforeAll(async () => {
  [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
  await seedWorld(database.db);
  await database.db
    .insertInto('payments.pspRoute')
    .values({ brand, method: 'card', currency: 'EUR', version: 2, psps: ['alpha'], captureMode: 'in-parts' })
    .execute();
}, 120_000);

afterAll(async () => {
  await workflows?.close();
  await database?.drop();
});

describeWorkflows('captures in parts', () => {
  test('credit the player part by part, and the one that takes the rest ends the deposit', async () => {
    const playerId = await makePlayer(database.db);
    const orders: ModificationOrder[] = [];
    await run(async (client) => {
      const row = await held(client, playerId);
      alpha.play({
        modify: [
          (order) => {
            orders.push(order);
            return done(order);
          },
        ],
      });
      const first = orThrow(await request(row, 'capture', '20.00', false));
      expect(await modify(client, first)).toBe('done');
      await workflows.exportHistory(
        client.workflow.getHandle(modificationWorkflowId(first.id)),
        'modification.captured-in-part',
      );
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 20n });
      expect(await standing(row)).toEqual({ state: 'captured', held: 'open', endedBy: null });
      expect(await modify(client, orThrow(await request(row, 'capture', '20.00', false)))).toBe('done');
      // All that is left: the last one, whatever is said of it.
      expect(await modify(client, orThrow(await request(row, 'capture', '10.00', false)))).toBe('done');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handleOf(client, row), 'deposit.captured-in-parts');
      expect(await standing(row)).toEqual({ state: 'captured', held: 'closed', endedBy: 'captured' });
      expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:approved']);
    });
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
    expect(orders.map(({ isFinal, capturedBefore }) => [isFinal, capturedBefore.amount])).toEqual([
      [false, '0.00'],
      [false, '20.00'],
      [true, '40.00'],
    ]);
  });

  test('wait for one whose outcome is not known, and none is sent beside it', async () => {
    const playerId = await makePlayer(database.db);
    await run(async (client) => {
      const row = await held(client, playerId);
      alpha.play({ modify: [unknown], modificationStatus: [unknown, unknown, done] });
      const open = orThrow(await request(row, 'capture', '20.00', false));
      const ended = modify(client, open);
      await expect.poll(() => alpha.calls.length, { timeout: 20_000 }).toBeGreaterThan(0);
      for (const kind of ['capture', 'void'] as const)
        expect(await request(row, kind, kind === 'void' ? null : '1.00', kind === 'void')).toMatchObject({
          failure: { code: 'modification-not-open' },
        });
      expect(await ended).toBe('done');
      expect(alpha.calls.filter((call) => call === 'modify')).toHaveLength(1);
      // Known now: what is left can be given up, and what was captured stays.
      alpha.play({ modify: [done] });
      expect(await modify(client, orThrow(await request(row, 'void', null, true)))).toBe('done');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handleOf(client, row), 'deposit.rest-voided');
      expect(await standing(row)).toEqual({ state: 'captured', held: 'closed', endedBy: 'void' });
    });
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 20n });
  });

  test('that end early at a PSP that keeps the rest have it let go by the deposit, under one key', async () => {
    const playerId = await makePlayer(database.db);
    rest.isReleased = false;
    const voids: ModificationOrder[] = [];
    await run(async (client) => {
      const row = await held(client, playerId);
      alpha.play({
        modify: [
          done,
          (order) => {
            voids.push(order);
            return unknown();
          },
          (order) => {
            voids.push(order);
            return done(order);
          },
        ],
      });
      expect(await modify(client, orThrow(await request(row, 'capture', '30.00', true)))).toBe('done');
      await expect.poll(() => voids.length, { timeout: 20_000 }).toBe(1);
      expect(await standing(row)).toMatchObject({ held: 'closing', endedBy: 'final-capture' });
      expect(await request(row, 'capture', '1.00', true)).toMatchObject({
        failure: { code: 'modification-not-open' },
      });
      await handleOf(client, row).signal(pspNotified, { attempt: null });
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handleOf(client, row), 'deposit.rest-let-go');
      expect(await standing(row)).toEqual({
        state: 'captured',
        held: 'closed',
        endedBy: 'final-capture',
      });
    }).finally(() => {
      rest.isReleased = true;
    });
    expect(voids).toHaveLength(2);
    expect(new Set(voids.map(({ reference }) => reference)).size).toBe(1);
    expect(voids[0]).toMatchObject({ kind: 'void', money: { amount: '20.00' } });
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 30n });
  });

  test('keep what they brought when the authorisation runs out, and a deposit that is started anew sees to it', async () => {
    const playerId = await makePlayer(database.db);
    await run(async (client) => {
      const row = await held(client, playerId);
      alpha.play({ modify: [done] });
      expect(await modify(client, orThrow(await request(row, 'capture', '15.00', false)))).toBe('done');
      // As after a server that lost its data: the row is all that is known.
      await handleOf(client, row).terminate();
      await client.workflow.start<typeof deposit>('deposit', {
        ...depositStart(depositInputOf(row)),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      });
      await expire(row);
      await handleOf(client, row).signal(pspNotified, { attempt: null });
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handleOf(client, row), 'deposit.part-captured-then-expired');
      expect(await standing(row)).toEqual({ state: 'captured', held: 'closed', endedBy: 'expiry' });
      expect(await request(row, 'capture', '1.00', true)).toMatchObject({
        failure: { code: 'modification-not-open' },
      });
    });
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 15n });
  });
});
