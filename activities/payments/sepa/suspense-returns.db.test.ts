/** Money that is nobody's here, sent back to its sender by two people, through the sandbox bank: suspense is empty after it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { putOperator } from '#activities/backoffice/operators.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { openBankWorld, playersIban, type BankWorld } from '#test/workflows/bank-world.ts';
import { seedWorld } from '#test/workflows/payment-world.ts';
import { closeWorkItem, type WorkItemRow } from '../commands/work-item-actions.ts';

const strangersIban = 'FR1420041010050500013M02606';

let database: TestDatabase;
let world: BankWorld;
let first: string;
let second: string;

const operator = (): Promise<string> =>
  putOperator(database.db, {
    email: `${randomUUID()}@staff.example`,
    name: 'Staff',
    password: 'a password of staff',
    roles: ['payments-lead'],
    brands: ['*'],
  });

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
  world = await openBankWorld(database.db);
  [first, second] = [await operator(), await operator()];
}, 60_000);
afterAll(async () => {
  await world?.stop();
  await database?.drop();
});
beforeEach(() => world.scenario({}));

const items = () =>
  database.db
    .selectFrom('payments.workItem')
    .selectAll()
    .where('kind', '=', 'unmatched-transfer')
    .orderBy('openedAt')
    .execute();
const itemOf = async ({ id }: Pick<WorkItemRow, 'id'>): Promise<WorkItemRow> =>
  (await items()).find((item) => item.id === id)!;

/** Lets a stranger's money in, and answers with its work item. */
async function unplaced(cents: number, order: object = {}): Promise<WorkItemRow> {
  const before = (await items()).length;
  await world.incoming({ name: 'Étienne Étranger', iban: strangersIban, cents, ...order });
  await world.importUntil(async () => (await items()).length > before);
  return (await items()).at(-1)!;
}

const back = (item: WorkItemRow, operatorId: string, reference = item.subject) =>
  database.db.transaction().execute((trx) =>
    closeWorkItem(trx, item.id, {
      operatorId,
      reason: 'of a stranger',
      proof: { kind: 'return', reference },
    }),
  );

async function suspended(): Promise<bigint> {
  const { rows } = await database.pool.query<{ units: string }>(
    `select coalesce(sum(amount), 0)::text as units from wallet.entry where account = 'suspense:sepa' and player_id is null`,
  );
  return BigInt(rows[0]?.units ?? 0);
}

const returnsOf = async ({ subject }: WorkItemRow): Promise<string[]> =>
  (
    await database.db
      .selectFrom('payments.suspenseReturn')
      .select('state')
      .where('subject', '=', subject)
      .orderBy('queuedAt')
      .execute()
  ).map(({ state }) => state);

async function sendFile(): Promise<string> {
  const batchId = randomUUID();
  await world.batches.sealBatch({ batchId });
  return world.batches.sendBatch({ batchId });
}

const isClosed = (item: WorkItemRow) => async () => (await itemOf(item)).closedAt !== null;

test('two people send it back, the bank books it, and suspense is empty', async () => {
  const before = await suspended();
  const item = await unplaced(4_321);
  expect(await suspended()).not.toBe(before);
  orThrow(await back(item, first));
  expect(await returnsOf(item)).toEqual([]);
  // A repeat of the same hand is no second opinion.
  orThrow(await back(item, first));
  expect(await returnsOf(item)).toEqual([]);
  orThrow(await back(item, second));
  expect(await returnsOf(item)).toEqual(['queued']);
  expect((await itemOf(item)).closedAt).toBeNull();
  for (const who of [first, second]) expect(await back(item, who)).toMatchObject({ ok: false });
  expect(await sendFile()).toBe('sent');
  await world.importUntil(isClosed(item));
  expect(await suspended()).toBe(before);
  expect(await returnsOf(item)).toEqual(['booked']);
  expect(await itemOf(item)).toMatchObject({ proofKind: 'return', closedBy: null });
  const { payments } = await world.books();
  expect(payments.filter(({ cents, state }) => cents === 4_321 && state === 'booked')).toHaveLength(1);
  // The statement of the day tells both movements once more, and changes nothing.
  await world.closeDay();
  await world.reports.importReports();
  expect(await suspended()).toBe(before);
});

test('it leaves in one file with payouts, each with its own end', async () => {
  const before = await suspended();
  const item = await unplaced(777);
  orThrow(await back(item, first));
  orThrow(await back(item, second));
  const { withdrawalId } = await world.queued('30.00');
  expect(await sendFile()).toBe('sent');
  await world.importUntil(isClosed(item));
  await world.importUntil(
    async () => (await world.payments.provider.refreshPayout({ withdrawalId, number: 1 })).state === 'paid',
  );
  expect(await suspended()).toBe(before);
});

test('one that the bank rejects stays in suspense, and two people decide anew', async () => {
  const before = await suspended();
  const item = await unplaced(999);
  await world.scenario({ rejects: { [strangersIban]: 'AC04' } });
  orThrow(await back(item, first));
  orThrow(await back(item, second));
  await sendFile();
  await world.importUntil(async () => (await returnsOf(item))[0] === 'rejected');
  expect(await suspended()).not.toBe(before);
  await world.scenario({});
  // What was decided before counts no more.
  orThrow(await back(item, second));
  expect(await returnsOf(item)).toEqual(['rejected']);
  orThrow(await back(item, first));
  expect(await returnsOf(item)).toEqual(['rejected', 'queued']);
  await sendFile();
  await world.importUntil(isClosed(item));
  expect(await suspended()).toBe(before);
});

test('one that comes back after it was booked stands in suspense again, as an item of its own', async () => {
  const before = await suspended();
  const item = await unplaced(555);
  await world.scenario({ returns: { [strangersIban]: 'AC04' } });
  orThrow(await back(item, first));
  orThrow(await back(item, second));
  const count = (await items()).length;
  await sendFile();
  await world.importUntil(async () => (await items()).length > count);
  expect((await itemOf(item)).closedAt).not.toBeNull();
  const again = (await items()).at(-1)!;
  expect(again).toMatchObject({ closedAt: null });
  expect(await suspended()).not.toBe(before);
  // Its other side is who we had paid: to send it there once more needs a person outside of here.
  expect(await back(again, first)).toMatchObject({ ok: false });
});

test('money of another item, of an unknown account, or as one person wishes, is not sent back', async () => {
  const item = await unplaced(1_234);
  expect(await back(item, first, 'bank-entry:other')).toMatchObject({ ok: false });
  const nameless = await unplaced(1_235, { name: '李明', iban: playersIban });
  expect(await back(nameless, first)).toMatchObject({ ok: false });
  await expect(
    database.db
      .insertInto('payments.suspenseReturn')
      .values({
        reference: `return:${randomUUID()}`,
        subject: item.subject,
        endToEndId: randomUUID().slice(0, 30),
        amount: '12340000000000',
        proposedBy: first,
        decidedBy: second,
      })
      .execute(),
  ).rejects.toThrow(/to be returned so/);
  orThrow(await back(item, first));
  await expect(
    database.db
      .insertInto('payments.suspenseReturn')
      .values({
        reference: `return:${randomUUID()}`,
        subject: item.subject,
        endToEndId: randomUUID().slice(0, 30),
        amount: '12340000000000',
        proposedBy: first,
        decidedBy: first,
      })
      .execute(),
  ).rejects.toThrow(/check/);
});

test('who sent it is sealed: neither name nor account is readable in the database', async () => {
  const item = await unplaced(888);
  const { rows } = await database.ownerPool.query<{ text: string }>(
    `select string_agg(t::text, ' ') as text from (select to_jsonb(s) t from payments.suspense_sender s
     union all select to_jsonb(i) from payments.suspense_item i union all select to_jsonb(r) from payments.suspense_return r
     union all select to_jsonb(b) from payments.bank_line b) all_rows`,
  );
  expect(rows[0]?.text).toContain(item.subject);
  expect(rows[0]?.text).not.toMatch(/tranger|FR14/);
});
