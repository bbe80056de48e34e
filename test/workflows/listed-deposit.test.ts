/** A deposit of somebody on the grey list: held at the PSP, credited or given back by a person's decision, or by nobody's. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { addListEntry } from '#activities/payments/commands/list-entries.ts';
import {
  modificationInputOf,
  requestModification,
} from '#activities/payments/commands/request-modification.ts';
import { closeWorkItem } from '#activities/payments/commands/work-item-actions.ts';
import type { PaymentOrder } from '#activities/payments/connectors.ts';
import { depositInputOf, type DepositRow } from '#activities/payments/payment-rows.ts';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { beginDeposit, depositStart, depositWorkflowId, pspNotified } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import {
  beginModification,
  decideModification,
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
  limitTaken,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  workItemsOf,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
const operatorId = randomUUID();

beforeAll(async () => {
  [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
  await seedWorld(database.db);
}, 120_000);

afterAll(async () => {
  await workflows?.close();
  await database?.drop();
});

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows(
    {
      activities: paymentActivities(
        database.db,
        new Map([
          ['alpha', alpha],
          ['beta', scriptedPsp('beta')],
        ]),
      ),
    },
    fn,
  );

const done = (order: { readonly money: PaymentOrder['money']; readonly reference: string }): PspOutcome => ({
  kind: 'approved',
  pspReference: `psp-${order.reference}`,
  processed: order.money,
  instrument: null,
});

const handleOf = (client: Client, row: DepositRow) =>
  client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));

async function greyPlayer(): Promise<string> {
  const playerId = await makePlayer(database.db);
  await database.db.transaction().execute(async (trx) => {
    orThrow(
      await addListEntry(trx, testKeyRing, {
        entryId: randomUUID(),
        brand,
        list: 'grey',
        kind: 'player',
        value: playerId,
        skips: [],
        reason: 'two names on one card',
        expiresAt: null,
        operatorId,
        fingerprint: fingerprintOf(randomUUID()),
      }),
    );
  });
  return playerId;
}

/** Begun at a PSP that does what it is asked: it takes the money only where nobody asked it to hold it. */
async function begun(client: Client, playerId: string, amount = '50.00'): Promise<DepositRow> {
  const row = await askDeposit(database.db, playerId, amount);
  const answer = (order: PaymentOrder): PspOutcome => {
    const taken = approved(order);
    if (order.captureMode === 'automatic' || taken.kind !== 'approved') return taken;
    const { pspReference, instrument } = taken;
    return { kind: 'authorised', pspReference, authorised: order.money, instrument };
  };
  alpha.play({ authorise: [answer], status: [answer] });
  await client.workflow.executeUpdateWithStart(beginDeposit, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>(
      'deposit',
      depositStart(depositInputOf(row)),
    ),
  });
  return row;
}

async function decided(
  client: Client,
  row: DepositRow,
  kind: 'capture' | 'void',
  second?: string,
): Promise<void> {
  alpha.play({ modify: [done] });
  const modificationId = randomUUID();
  const asked = orThrow(
    await database.db.transaction().execute((trx) =>
      requestModification(trx, testKeyRing, {
        modificationId,
        depositId: row.id,
        kind,
        isFinal: true,
        money: null,
        reason: 'looked at by a person',
        operatorId,
        roles: ['payments'],
        fingerprint: fingerprintOf(modificationId),
      }),
    ),
  );
  const begunAs = await client.workflow.executeUpdateWithStart(beginModification, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof modification>(
      'modification',
      modificationStart(modificationInputOf(asked)),
    ),
  });
  const handle = client.workflow.getHandle<typeof modification>(modificationWorkflowId(asked.id));
  expect(begunAs.state).toBe(second === undefined ? 'done' : 'awaiting-approval');
  if (second !== undefined) {
    expect(await balancesOf(database.db, row.playerId)).toMatchObject({ cash: 0n });
    await handle.executeUpdate(decideModification, {
      args: [
        {
          operatorId: second,
          role: 'payments-lead',
          decision: 'approve',
          reason: 'seen by a second person',
          payloadHash: asked.payloadHash.toString('hex'),
        },
      ],
    });
  }
  expect(await handle.result()).toMatchObject({ state: 'done' });
}

async function close(row: DepositRow) {
  const item = await database.db
    .selectFrom('payments.workItem')
    .select('id')
    .where('subject', '=', `deposit:${row.id}`)
    .where('kind', '=', 'listed-deposit')
    .executeTakeFirstOrThrow();
  return database.db
    .transaction()
    .execute((trx) => closeWorkItem(trx, item.id, { reason: 'looks fine', proof: null, operatorId }));
}

describeWorkflows('a deposit of somebody on the grey list', () => {
  test('is held, and credited once a person has captured it, which closes its work item', async () => {
    const playerId = await greyPlayer();
    await run(async (client) => {
      const row = await begun(client, playerId);
      expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:authorised']);
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 0n });
      // The word alone is no decision: what it is about is still open.
      expect(await close(row)).toMatchObject({ failure: { code: 'work-item-not-open' } });
      await decided(client, row, 'capture');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await workflows.exportHistory(handleOf(client, row), 'deposit.listed-then-captured');
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
      expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['listed-deposit:closed']);
    });
  });

  test('is given back by a void, with its share of the limit', async () => {
    const playerId = await greyPlayer();
    await run(async (client) => {
      const row = await begun(client, playerId);
      await decided(client, row, 'void');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'failed' });
      await workflows.exportHistory(handleOf(client, row), 'deposit.listed-then-voided');
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 0n });
      expect(await limitTaken(database.db, playerId)).toBe(0n);
      expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['listed-deposit:closed']);
    });
  });

  test('above the band of who captures waits for a second person', async () => {
    const playerId = await greyPlayer();
    await run(async (client) => {
      const row = await begun(client, playerId, '150.00');
      await decided(client, row, 'capture', randomUUID());
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 150n });
    });
  });

  test('that nobody decides on is given back when its time is over', async () => {
    const playerId = await greyPlayer();
    await run(async (client) => {
      const row = await begun(client, playerId);
      await database.db
        .updateTable('payments.deposit')
        .set({ authorisationExpiresAt: new Date(Date.now() - 1_000) })
        .where('id', '=', row.id)
        .execute();
      alpha.play({ modify: [done] });
      await handleOf(client, row).signal(pspNotified, { attempt: null });
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'failed' });
      expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['listed-deposit:closed']);
      expect(await limitTaken(database.db, playerId)).toBe(0n);
    });
  });

  test('is held, and that of others is taken at once', async () => {
    const playerId = await makePlayer(database.db);
    await run(async (client) => {
      const row = await begun(client, playerId);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
    });
  });
});
