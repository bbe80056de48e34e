/** Payouts that no file can carry: each waits for a person by itself, the others go, and nothing is paid twice. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { ourIban, playersIban } from '#test/workflows/bank-world.ts';
import {
  balancesOf,
  makePlayer,
  paymentActivities,
  seedWorld,
  testKeyRing,
  workItemsOf,
} from '#test/workflows/payment-world.ts';
import { fundPlayer, startWithdrawal } from '#test/workflows/payout-acts.ts';
import { sealPersonalData } from '#activities/personal-data.ts';
import { addBankAccount } from '../commands/bank-accounts.ts';
import { closeWorkItem } from '../commands/work-item-actions.ts';
import { createSepaConnector } from '../connectors/sepa.ts';
import type { Bank } from './bank-client.ts';
import { createPayoutBatchActivities } from './payout-batches.ts';

let database: TestDatabase;
const files: string[] = [];

const bank: Bank = {
  account: { iban: ourIban, bic: 'MALTMTMT', name: 'Pitboss Malta Ltd' },
  upload: async (file) => {
    files.push(file);
    return { kind: 'taken' };
  },
  arrival: async () => ({ kind: 'unknown' }),
  reports: async () => [],
  report: async () => Buffer.alloc(0),
};

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
});
afterAll(() => database?.drop());
afterEach(() => void files.splice(0));

const batches = (keyRing = testKeyRing) =>
  createPayoutBatchActivities({ db: database.db, keyRing, bank, log: pino({ level: 'silent' }) });

/** A payout of 20 euros that waits for a file. */
async function queued(name = { firstName: 'Ada', lastName: 'Example' }) {
  const { db } = database;
  const payments = paymentActivities(db, new Map([['sepa', createSepaConnector(db)]]));
  const playerId = await makePlayer(db);
  await db.transaction().execute((trx) =>
    sealPersonalData(trx, testKeyRing, playerId, {
      general: { email: 'player@example.test' },
      aml: { ...name, dateOfBirth: '1990-01-01' },
    }),
  );
  await fundPlayer(db, playerId, { psp: 'sepa' });
  const { instrumentId } = orThrow(await addBankAccount(db, testKeyRing, { playerId, iban: playersIban }));
  const at = await startWithdrawal(db, payments, { playerId, instrumentId, amount: '20.00' });
  await payments.provider.sendPayout(at);
  return { playerId, payments, at, subject: `withdrawal:${at.withdrawalId}` };
}
type Queued = Awaited<ReturnType<typeof queued>>;

const destroyKey = ({ playerId }: Queued) =>
  database.ownerPool.query(
    "update pam.player_key set wrapped = null, destroyed_at = now() where player_id = $1 and purpose = 'aml'",
    [playerId],
  );

async function transferOf({ at }: Queued) {
  return database.db
    .selectFrom('payments.bankTransfer')
    .select(['state', 'reason', 'batchId'])
    .where('withdrawalId', '=', at.withdrawalId)
    .executeTakeFirstOrThrow();
}

const stateOf = async ({ at }: Queued): Promise<string> =>
  (
    await database.db
      .selectFrom('payments.withdrawal')
      .select('state')
      .where('id', '=', at.withdrawalId)
      .executeTakeFirstOrThrow()
  ).state;

const close = async (subject: string, reason: string) => {
  const { id } = await database.db
    .selectFrom('payments.workItem')
    .select('id')
    .where('subject', '=', subject)
    .where('kind', '=', 'unwritable-payout')
    .executeTakeFirstOrThrow();
  return database.db
    .transaction()
    .execute((trx) => closeWorkItem(trx, id, { reason, proof: null, operatorId: randomUUID() }));
};

test('a destroyed key and a name without a letter are put aside with a person, and the others leave in the file', async () => {
  const [before, erased, nameless, after] = [
    await queued(),
    await queued(),
    await queued({ firstName: '李', lastName: '明' }),
    await queued(),
  ];
  await destroyKey(erased);
  const batchId = randomUUID();
  const { sealBatch, sendBatch } = batches();
  expect(await sealBatch({ batchId })).toBe('sealed');
  expect(await sendBatch({ batchId })).toBe('sent');
  for (const one of [before, after])
    expect(await transferOf(one)).toMatchObject({ state: 'batched', batchId });
  expect(files[0]?.match(/<EndToEndId>/g)).toHaveLength(2);
  expect(await transferOf(erased)).toMatchObject({ state: 'set-aside', batchId: null });
  expect((await transferOf(erased)).reason).toContain('destroyed');
  expect((await transferOf(nameless)).reason).toContain('has no name');
  for (const one of [erased, nameless]) {
    expect(await stateOf(one)).toBe('parked');
    expect(await workItemsOf(database.db, one.subject)).toEqual(['unwritable-payout:open']);
    // Nothing is guessed: the payout is open, and its hold stays.
    expect(await one.payments.provider.refreshPayout(one.at)).toMatchObject({ state: 'pending' });
    expect(await balancesOf(database.db, one.playerId)).toEqual({ cash: 180n, held: 20n });
  }
  // Put aside, it is in no later file either.
  expect(await sealBatch({ batchId: randomUUID() })).toBe('empty');
});

test('what a person gives up goes back to its player, once', async () => {
  const one = await queued();
  await destroyKey(one);
  expect(await batches().sealBatch({ batchId: randomUUID() })).toBe('empty');
  orThrow(await close(one.subject, 'the account is not known any more'));
  expect(await transferOf(one)).toMatchObject({ state: 'rejected' });
  expect((await one.payments.provider.refreshPayout(one.at)).state).toBe('declined');
  const fail = { withdrawalId: one.at.withdrawalId, leg: 1, reason: 'payout-declined' };
  expect(await one.payments.money.failLeg(fail)).toEqual({ kind: 'released', end: 'refused' });
  expect(await one.payments.money.failLeg(fail)).toEqual({ kind: 'released', end: 'refused' });
  expect(await balancesOf(database.db, one.playerId)).toEqual({ cash: 200n, held: 0n });
  expect(await stateOf(one)).toBe('refused');
});

test('a key that is destroyed after the file was sealed gives that file up unsent, and the others go in the next', async () => {
  const [whole, erased] = [await queued(), await queued()];
  const first = randomUUID();
  const { sealBatch, sendBatch } = batches();
  expect(await sealBatch({ batchId: first })).toBe('sealed');
  await destroyKey(erased);
  expect(await sendBatch({ batchId: first })).toBe('refused');
  expect(files).toEqual([]);
  expect(await transferOf(whole)).toMatchObject({ state: 'queued', batchId: null });
  const second = randomUUID();
  expect(await sealBatch({ batchId: second })).toBe('sealed');
  expect(await sendBatch({ batchId: second })).toBe('sent');
  expect(await transferOf(whole)).toMatchObject({ state: 'batched', batchId: second });
  expect(await transferOf(erased)).toMatchObject({ state: 'set-aside' });
  expect(files).toHaveLength(1);
});

test('a wrong key ring puts nobody aside: the file waits', async () => {
  const one = await queued();
  const wrong = createKeyRing({ kek: Buffer.alloc(32, 1), blindIndexKey: Buffer.alloc(32, 2) });
  await expect(batches(wrong).sealBatch({ batchId: randomUUID() })).rejects.toThrow();
  expect(await transferOf(one)).toMatchObject({ state: 'queued' });
  expect(await batches().sealBatch({ batchId: randomUUID() })).toBe('sealed');
});

test('what may have left with its file is never queued again', async () => {
  const one = await queued();
  const batchId = randomUUID();
  await batches().sealBatch({ batchId });
  await batches().sendBatch({ batchId });
  await expect(
    database.db
      .updateTable('payments.bankTransfer')
      .set({ state: 'queued', batchId: null, position: null })
      .where('withdrawalId', '=', one.at.withdrawalId)
      .execute(),
  ).rejects.toThrow(/may have left/);
});
