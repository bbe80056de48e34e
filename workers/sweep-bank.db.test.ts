/** Files of payouts that the sweep begins: one per first payout, and another one where a file was given up unsent. */
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBankAccount } from '#activities/payments/commands/bank-accounts.ts';
import { createSepaConnector } from '#activities/payments/connectors/sepa.ts';
import type { Bank } from '#activities/payments/sepa/bank-client.ts';
import { createPayoutBatchActivities } from '#activities/payments/sepa/payout-batches.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { ourIban, playersIban } from '#test/workflows/bank-world.ts';
import {
  keyPlayer,
  makePlayer,
  paymentActivities,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { fundPlayer, startWithdrawal } from '#test/workflows/payout-acts.ts';
import { sweepBank } from './sweep-bank.ts';

let database: TestDatabase;

const bank: Bank = {
  account: { iban: ourIban, bic: 'MALTMTMT', name: 'Pitboss Malta Ltd' },
  upload: async () => ({ kind: 'taken' }),
  arrival: async () => ({ kind: 'unknown' }),
  reports: async () => [],
  report: async () => Buffer.alloc(0),
};

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
});
afterAll(() => database?.drop());

/** A payout that has waited for its file for two minutes. */
async function queued(): Promise<string> {
  const { db } = database;
  const payments = paymentActivities(db, new Map([['sepa', createSepaConnector(db)]]));
  const playerId = await makePlayer(db);
  await keyPlayer(db, playerId);
  await fundPlayer(db, playerId, { psp: 'sepa' });
  const { instrumentId } = orThrow(await addBankAccount(db, testKeyRing, { playerId, iban: playersIban }));
  const at = await startWithdrawal(db, payments, { playerId, instrumentId, amount: '20.00' });
  await payments.provider.sendPayout(at);
  const { ownerPool } = database;
  await ownerPool.query('alter table payments.bank_transfer disable trigger bank_transfer_content');
  await ownerPool.query(
    `update payments.bank_transfer set queued_at = queued_at - interval '2 minutes' where withdrawal_id = $1`,
    [at.withdrawalId],
  );
  await ownerPool.query('alter table payments.bank_transfer enable trigger bank_transfer_content');
  return playerId;
}

/** The files that one turn of the sweep begins. */
async function swept(): Promise<string[]> {
  const begun: string[] = [];
  const client = {
    workflow: {
      start: async (type: string, { args }: { args: { batchId: string }[] }) => {
        if (type === 'payoutBatch') begun.push(args[0]?.batchId ?? '');
      },
    },
  } as unknown as Client;
  await sweepBank(client, database.db);
  return begun;
}

test('payouts of a file that was given up unsent go in another one', async () => {
  await queued();
  const erased = await queued();
  const { sealBatch, sendBatch } = createPayoutBatchActivities({
    db: database.db,
    keyRing: testKeyRing,
    bank,
    log: pino({ level: 'silent' }),
  });
  const [first] = await swept();
  expect(await swept()).toEqual([first]);
  await sealBatch({ batchId: first! });
  await database.ownerPool.query(
    "update pam.player_key set wrapped = null, destroyed_at = now() where player_id = $1 and purpose = 'aml'",
    [erased],
  );
  expect(await sendBatch({ batchId: first! })).toBe('refused');
  const [second] = await swept();
  expect(second).not.toBe(first);
  expect(await sealBatch({ batchId: second! })).toBe('sealed');
  expect(await sendBatch({ batchId: second! })).toBe('sent');
  expect(await swept()).toEqual([]);
});
