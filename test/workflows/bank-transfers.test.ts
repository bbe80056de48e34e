/** Payouts by file and pay-ins by reference, against a real ledger and the sandbox bank; and the two workflows that carry them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { announceTransfer } from '#activities/payments/commands/announce-transfer.ts';
import { orThrow } from '#domain/failures.ts';
import { bankReportsStart, bankReportsWorkflowId } from '#workflows/bank-reports.contract.ts';
import type { bankReports } from '#workflows/bank-reports.ts';
import { payoutBatchStart, payoutBatchWorkflowId } from '#workflows/payout-batch.contract.ts';
import type { payoutBatch } from '#workflows/payout-batch.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { openBankWorld, playersIban, type BankWorld } from './bank-world.ts';
import { balancesOf, brand, fingerprintOf, limitTaken, seedWorld, workItemsOf } from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
let world: BankWorld;

const stateOf = async (withdrawalId: string): Promise<string> =>
  (
    await database.db
      .selectFrom('payments.bankTransfer')
      .select('state')
      .where('withdrawalId', '=', withdrawalId)
      .executeTakeFirstOrThrow()
  ).state;
const depositState = async (id: string): Promise<string> =>
  (
    await database.db
      .selectFrom('payments.deposit')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  ).state;
const parked = async (): Promise<string[]> =>
  (
    await database.db
      .selectFrom('payments.workItem')
      .select('reason')
      .where('kind', '=', 'unmatched-transfer')
      .orderBy('openedAt')
      .execute()
  ).map(({ reason }) => reason);

const is = (withdrawalId: string, state: string) => async () => (await stateOf(withdrawalId)) === state;
const refresh = (withdrawalId: string) => world.payments.provider.refreshPayout({ withdrawalId, number: 1 });

async function announce(playerId: string, amount: string): Promise<{ depositId: string; reference: string }> {
  const depositId = randomUUID();
  const { reference } = orThrow(
    await announceTransfer(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount, asset: 'EUR' },
      fingerprint: fingerprintOf(depositId),
    }),
  );
  return { depositId, reference };
}

describeWorkflows('bank transfers', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
    world = await openBankWorld(database.db);
  }, 60_000);
  afterAll(async () => {
    await world?.stop();
    await workflows?.close();
    await database?.drop();
  });
  beforeEach(() => world.scenario({}));

  async function sendFile(scenario: string): Promise<{ batchId: string; state: string }> {
    const batchId = randomUUID();
    const state = await workflows.runWorkflows(
      { activities: { provider: { ...world.batches, ...world.reports }, batch: {} } },
      async (client: Client) => {
        const handle = await client.workflow.start<typeof payoutBatch>(
          'payoutBatch',
          payoutBatchStart({ batchId }),
        );
        const ended = await handle.result();
        await workflows.exportHistory(
          client.workflow.getHandle(payoutBatchWorkflowId(batchId)),
          `payout-batch.${scenario}`,
        );
        return ended;
      },
    );
    return { batchId, state };
  }

  test('approved withdrawals leave in one file, and each is paid when the bank has booked it', async () => {
    const [first, second] = [await world.queued('30.00'), await world.queued('12.34')];
    expect(first.sent.state).toBe('pending');
    const { batchId, state } = await sendFile('sent');
    expect(state).toBe('sent');
    const batch = await database.db
      .selectFrom('payments.payoutBatch')
      .selectAll()
      .where('id', '=', batchId)
      .executeTakeFirstOrThrow();
    expect(batch).toMatchObject({ transfers: 2, controlSum: '42340000000000' });
    const { files } = await world.books();
    expect(files.filter(({ sha256 }) => sha256 === batch.sha256)).toHaveLength(1);
    for (const { withdrawalId, playerId } of [first, second]) {
      await world.importUntil(is(withdrawalId, 'booked'));
      expect((await refresh(withdrawalId)).state).toBe('paid');
      expect(await world.payments.money.settleWithdrawal({ withdrawalId, number: 1 })).toEqual({
        kind: 'paid',
      });
      expect((await balancesOf(database.db, playerId)).held).toBe(0n);
    }
  });

  test('an answer that was lost is asked about, and the file is not sent again', async () => {
    await world.scenario({ upload: 'error_500_taken' });
    const { withdrawalId } = await world.queued('5.00');
    const before = (await world.books()).files.length;
    expect((await sendFile('unknown-then-sent')).state).toBe('sent');
    expect((await world.books()).files.length).toBe(before + 1);
    await world.importUntil(is(withdrawalId, 'booked'));
  });

  test('a file that the bank refuses pays nobody, and the money goes back', async () => {
    const { withdrawalId, playerId } = await world.queued('5.00');
    // The account of another bank customer: the bank takes no file for it.
    const { account } = world.deps.bank;
    const wrong = { ...world.deps.bank, account: { ...account, iban: playersIban } };
    const batches = (await import('#activities/payments/sepa/payout-batches.ts')).createPayoutBatchActivities(
      {
        ...world.deps,
        bank: wrong,
      },
    );
    const batchId = randomUUID();
    expect(await batches.sealBatch({ batchId })).toBe('sealed');
    expect(await batches.sendBatch({ batchId })).toBe('refused');
    expect((await refresh(withdrawalId)).state).toBe('declined');
    await world.payments.money.releaseWithdrawal({
      withdrawalId,
      state: 'refused',
      reason: 'payout-declined',
    });
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    expect(await workItemsOf(database.db, `payout-batch:${batchId}`)).toEqual(['stuck-payout-file:open']);
  });

  test('a refused connection is proof: the same file is sent later', async () => {
    await world.queued('5.00');
    const batchId = randomUUID();
    expect(await world.batches.sealBatch({ batchId })).toBe('sealed');
    await world.refuse(700);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await world.batches.sendBatch({ batchId })).toBe('sealed');
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(await world.batches.sendBatch({ batchId })).toBe('sent');
    expect(await world.batches.sendBatch({ batchId })).toBe('sent');
  });

  test('a crash between claim and answer is asked about, never repeated', async () => {
    await world.queued('5.00');
    const batchId = randomUUID();
    await world.batches.sealBatch({ batchId });
    await database.db
      .updateTable('payments.payoutBatch')
      .set({ claimedAt: new Date() })
      .where('id', '=', batchId)
      .execute();
    const before = (await world.books()).files.length;
    expect(await world.batches.sendBatch({ batchId })).toBe('unknown');
    expect(await world.batches.askBatch({ batchId })).toBe('unknown');
    expect((await world.books()).files.length).toBe(before);
  });

  test('without anything waiting there is no file', async () => {
    expect((await sendFile('empty')).state).toBe('empty');
  });

  test('a file whose run an error has ended is begun anew', async () => {
    const { withdrawalId } = await world.queued('6.00');
    const batchId = randomUUID();
    let isBroken = true;
    const sealBatch = async (input: { readonly batchId: string }) => {
      if (isBroken) throw ApplicationFailure.nonRetryable('A row cannot be written.', 'invalid-request');
      return world.batches.sealBatch(input);
    };
    await workflows.runWorkflows(
      { activities: { provider: { ...world.batches, ...world.reports, sealBatch }, batch: {} } },
      async (client: Client) => {
        const begin = () =>
          client.workflow.start<typeof payoutBatch>('payoutBatch', payoutBatchStart({ batchId }));
        await expect((await begin()).result()).rejects.toThrow();
        isBroken = false;
        expect(await (await begin()).result()).toBe('sent');
      },
    );
    expect(['batched', 'accepted', 'booked']).toContain(await stateOf(withdrawalId));
  });

  test('a payment that the bank rejects is given back, its neighbour is paid', async () => {
    const rejected = await world.queued('7.00');
    const { withdrawalId, playerId } = rejected;
    await world.scenario({ rejects: { [playersIban]: 'AC04' } });
    await world.batches.sealBatch({ batchId: randomUUID() }).then(async () => {
      const [open] = await database.db
        .selectFrom('payments.bankTransfer')
        .select('batchId')
        .where('withdrawalId', '=', withdrawalId)
        .execute();
      expect(await world.batches.sendBatch({ batchId: open?.batchId ?? '' })).toBe('sent');
    });
    await world.importUntil(is(withdrawalId, 'rejected'));
    expect((await refresh(withdrawalId)).state).toBe('declined');
    await world.payments.money.releaseWithdrawal({
      withdrawalId,
      state: 'refused',
      reason: 'payout-declined',
    });
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('a return after booking gives the money back once, by journal, and asks a person', async () => {
    await world.scenario({ returns: { [playersIban]: 'AC04' }, returnMs: 1_500, repeatsReports: true });
    const { withdrawalId, playerId } = await world.queued('40.00');
    const batchId = randomUUID();
    await world.batches.sealBatch({ batchId });
    await world.batches.sendBatch({ batchId });
    await world.importUntil(is(withdrawalId, 'booked'));
    expect((await refresh(withdrawalId)).state).toBe('paid');
    // Told before it is settled here: the import waits for it.
    await new Promise((resolve) => setTimeout(resolve, 1_800));
    await expect(world.reports.importReports()).rejects.toMatchObject({
      failure: { code: 'dependency-unavailable' },
    });
    await world.payments.money.settleWithdrawal({ withdrawalId, number: 1 });
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 160n, held: 0n });
    await world.importUntil(is(withdrawalId, 'returned'));
    await world.closeDay();
    await world.reports.importReports();
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    expect(await workItemsOf(database.db, `withdrawal:${withdrawalId}`)).toEqual(['returned-payout:open']);
    const { rows } = await database.pool.query(
      `select count(*)::int as n from payments.bank_report where kind = 'unreadable'`,
    );
    expect(rows[0].n).toBe(0);
  });

  test('a pay-in with its reference is credited once, though notice and statement tell it', async () => {
    const { playerId } = await world.player();
    const { depositId, reference } = await announce(playerId, '25.00');
    expect(await limitTaken(database.db, playerId)).toBe(25n);
    await world.scenario({ repeatsReports: true });
    await world.incoming({ name: 'EXAMPLE ADA', cents: 2_500, text: `deposit ${reference.toLowerCase()}` });
    await world.importUntil(async () => (await depositState(depositId)) === 'captured');
    await world.closeDay();
    await world.reports.importReports();
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 225n, held: 0n });
    const lines = await database.db
      .selectFrom('payments.bankLine')
      .select('statementId')
      .where('reference', '=', reference)
      .execute();
    expect(new Set(lines.map(({ statementId }) => statementId.slice(0, 3)))).toEqual(new Set(['NTF', 'STM']));
  });

  test('another amount, another name, an unknown reference and a second time are left to a person', async () => {
    const { playerId } = await world.player();
    const { depositId, reference } = await announce(playerId, '25.00');
    const before = (await parked()).length;
    await world.incoming({ name: 'Ada Example', cents: 2_499, reference });
    await world.incoming({ name: 'Somebody Else', cents: 2_500, reference });
    await world.incoming({ name: 'Ada Example', cents: 2_500, reference: 'RF18539007547034' });
    await world.importUntil(async () => (await parked()).length === before + 3);
    expect(await depositState(depositId)).toBe('requested');
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    await world.incoming({ name: 'Ada Example', cents: 2_500, reference });
    await world.incoming({ name: 'Ada Example', cents: 2_500, reference });
    await world.importUntil(async () => (await parked()).length === before + 4);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 225n, held: 0n });
    expect((await parked()).at(-1)).toContain('twice');
  });

  test('a movement without our name for it moves nothing here', async () => {
    await world.scenario({ omitsEndToEndId: true });
    const { withdrawalId } = await world.queued('9.00');
    const batchId = randomUUID();
    await world.batches.sealBatch({ batchId });
    await world.batches.sendBatch({ batchId });
    const before = (await parked()).length;
    await world.importUntil(async () => (await parked()).length > before);
    expect(await stateOf(withdrawalId)).not.toBe('booked');
  });

  test('names and accounts of players are nowhere in clear', async () => {
    for (const table of [
      'bank_account',
      'payout_batch',
      'bank_transfer',
      'bank_report',
      'bank_line',
      'bank_entry',
      'instrument',
    ]) {
      const { rows } = await database.pool.query(
        `select row_to_json(t)::text as row from payments.${table} t`,
      );
      const text = JSON.stringify(rows);
      expect(text).not.toContain(playersIban);
      expect(text).not.toMatch(/Example/i);
    }
  });

  test('the reports are fetched for as long as there is a bank, also while it is away for a while', async () => {
    let calls = 0;
    const importReports = () => {
      calls += 1;
      return calls === 2
        ? Promise.reject(new Error('the bank is away'))
        : Promise.resolve({ imported: 1, hasMore: calls < 2 });
    };
    await workflows.runWorkflows(
      { activities: { provider: { importReports }, batch: {} } },
      async (client: Client) => {
        const handle = await client.workflow.start<typeof bankReports>('bankReports', bankReportsStart());
        await workflows.env.sleep('5 minutes');
        await workflows.exportHistory(
          client.workflow.getHandle(bankReportsWorkflowId()),
          'bank-reports.imported',
        );
        await handle.terminate('seen enough');
      },
    );
    expect(calls).toBeGreaterThanOrEqual(6);
  });
});
