/** Money at the bank that nobody can place: in suspense from its movement on, and out of it by two people and a proof. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { putOperator } from '#activities/backoffice/operators.ts';
import { decideAdjustment, requestAdjustment } from '#activities/wallet/adjustments.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { openBankWorld, type BankWorld } from '#test/workflows/bank-world.ts';
import { balancesOf, euro, fingerprintOf, seedWorld } from '#test/workflows/payment-world.ts';
import { closeWorkItem, type WorkItemRow } from './commands/work-item-actions.ts';
import { openWorkItem } from './commands/work-items.ts';
import { putIntoSuspense, releasePayout } from './suspense.ts';

let database: TestDatabase;
let world: BankWorld;
let first: string;
let second: string;

const operator = (): Promise<string> =>
  putOperator(database.db, {
    email: `${randomUUID()}@staff.example`,
    name: 'Staff',
    password: 'a password of staff',
    roles: ['payments-lead', 'compliance'],
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
const itemOf = async (subject: string) => (await items()).find((item) => item.subject === subject);

/** Lets money in that no reference places, and answers with its work item. */
async function unplaced(cents: number): Promise<WorkItemRow> {
  const before = (await items()).length;
  await world.incoming({ name: 'Ada Example', cents, reference: 'RF18539007547034' });
  await world.importUntil(async () => (await items()).length > before);
  return (await items()).at(-1)!;
}

async function ledger(account: string, subject?: string): Promise<bigint> {
  const { rows } = await database.pool.query<{ units: string }>(
    `select coalesce(sum(e.amount), 0)::text as units from wallet.entry e join wallet.journal j on j.id = e.journal_id
     where e.account = $1 and e.player_id is null and ($2::text is null or j.subject = $2)`,
    [account, subject ?? null],
  );
  return BigInt(rows[0]?.units ?? 0);
}
const cents = (amount: number): bigint => (BigInt(amount) * euro) / 100n;

const close = (
  item: Pick<WorkItemRow, 'id'>,
  operatorId: string,
  proof: NonNullable<Parameters<typeof closeWorkItem>[2]['proof']>,
) =>
  database.db
    .transaction()
    .execute((trx) => closeWorkItem(trx, item.id, { operatorId, reason: 'looked up with the bank', proof }));

async function correction(playerId: string, amount: number, direction: 'credit' | 'debit' = 'credit') {
  const adjustmentId = randomUUID();
  const { db } = database;
  const row = orThrow(
    await db.transaction().execute((trx) =>
      requestAdjustment(trx, {
        adjustmentId,
        playerId,
        asset: 'EUR',
        direction,
        amount: cents(amount),
        reasonCode: direction === 'credit' ? 'payment-correction' : 'residue-write-off',
        note: 'of the bank',
        operatorId: first,
        fingerprint: fingerprintOf(adjustmentId),
      }),
    ),
  );
  orThrow(
    await db.transaction().execute((trx) =>
      decideAdjustment(trx, {
        adjustmentId,
        decision: 'approve',
        contentHash: row.contentHash.toString('hex'),
        note: 'seen',
        operatorId: second,
        roles: ['compliance'],
      }),
    ),
  );
  return adjustmentId;
}

/** What is in suspense is what the open items say, to the unit: after every test, whatever it did. */
async function expectExplained(): Promise<void> {
  const { rows } = await database.pool.query<{ units: string }>(
    `select coalesce(sum(s.amount), 0)::text as units from payments.suspense_item s
     join payments.work_item w on w.subject = s.subject and w.closed_at is null where s.released_at is null`,
  );
  expect(await ledger('suspense:sepa')).toBe(BigInt(rows[0]?.units ?? 0));
}

test('it stands in suspense with its work item, once, though notice and statement tell it', async () => {
  await world.scenario({ repeatsReports: true });
  const clearing = await ledger('psp:sepa:clearing');
  const { subject } = await unplaced(1_234);
  await world.closeDay();
  await world.reports.importReports();
  expect(await ledger('suspense:sepa', subject)).toBe(cents(1_234));
  expect(await ledger('psp:sepa:clearing')).toBe(clearing - cents(1_234));
  await expectExplained();
});

test('a correction of the same sum, named by two people, gives it to a player and leaves nothing behind', async () => {
  const { playerId } = await world.player();
  const early = await correction(playerId, 2_345);
  const item = await unplaced(2_345);
  const adjustmentId = await correction(playerId, 2_345);
  const adjusted = await ledger('house:adjustments');
  const proof = { kind: 'correction', reference: adjustmentId } as const;
  // Of another time, of another sum, or a proof of something else.
  for (const wrong of [early, await correction(playerId, 2_346), randomUUID()])
    expect(await close(item, first, { kind: 'correction', reference: wrong })).toMatchObject({ ok: false });
  expect(await close(item, first, { kind: 'bank-line', reference: randomUUID() })).toMatchObject({
    ok: false,
  });
  expect(await close(item, first, proof)).toMatchObject({ ok: true, value: { closedAt: null } });
  expect(await close(item, first, proof)).toMatchObject({ ok: true, value: { closedAt: null } });
  expect(await ledger('suspense:sepa', item.subject)).toBe(cents(2_345));
  expect(await close(item, second, proof)).toMatchObject({ ok: true, value: { proofKind: 'correction' } });
  expect(await ledger('suspense:sepa', item.subject)).toBe(0n);
  // The second wrong correction has moved the account, too.
  expect(await ledger('house:adjustments')).toBe(adjusted - cents(2_346) + cents(2_345));
  expect((await balancesOf(database.db, playerId)).cash).toBe(200n + 70n);
  // It proves nothing else.
  const other = await unplaced(2_345);
  expect(await close(other, first, proof)).toMatchObject({ ok: false });
  await expectExplained();
});

test('money that the bank took back leaves suspense with the movement that took it, both at once', async () => {
  await world.scenario({ omitsEndToEndId: true });
  const came = await unplaced(777);
  const before = (await items()).length;
  await world.queued('7.77');
  const batchId = randomUUID();
  await world.batches.sealBatch({ batchId });
  await world.batches.sendBatch({ batchId });
  await world.importUntil(async () => (await items()).length > before);
  const went = (await items()).at(-1)!;
  expect(await ledger('suspense:sepa', went.subject)).toBe(-cents(777));
  const proof = { kind: 'bank-entry', reference: went.subject } as const;
  const unlike = await unplaced(778);
  expect(await close(unlike, first, proof)).toMatchObject({ ok: false });
  expect(await close(came, first, { kind: 'bank-entry', reference: came.subject })).toMatchObject({
    ok: false,
  });
  expect(await close(came, first, proof)).toMatchObject({ ok: true, value: { closedAt: null } });
  expect(await close(came, second, proof)).toMatchObject({ ok: true, value: { proofKind: 'bank-entry' } });
  for (const { subject } of [came, went]) {
    expect(await ledger('suspense:sepa', subject)).toBe(0n);
    expect((await itemOf(subject))?.closedAt).not.toBeNull();
  }
  await expectExplained();
});

test('a payout that was booked by itself afterwards is proven by its journal', async () => {
  await world.scenario({ omitsEndToEndId: true });
  const before = (await items()).length;
  const { withdrawalId } = await world.queued('6.66');
  const batchId = randomUUID();
  await world.batches.sealBatch({ batchId });
  await world.batches.sendBatch({ batchId });
  await world.importUntil(async () => (await items()).length > before);
  const item = (await items()).at(-1)!;
  const clearing = await ledger('psp:sepa:clearing');
  await database.db
    .updateTable('payments.bankTransfer')
    .set({ state: 'booked', bookedAt: new Date() })
    .where('withdrawalId', '=', withdrawalId)
    .execute();
  await world.payments.provider.refreshPayout({ withdrawalId, number: 1 });
  await world.payments.money.settleWithdrawal({ withdrawalId, number: 1 });
  const { id: journalId } = await database.db
    .selectFrom('wallet.journal')
    .select('id')
    .where('subject', '=', `withdrawal:${withdrawalId}`)
    .where('code', '=', 'withdrawal.settle')
    .executeTakeFirstOrThrow();
  const proof = { kind: 'journal', reference: journalId } as const;
  expect(await close(item, first, proof)).toMatchObject({ ok: true, value: { closedAt: null } });
  expect(await close(item, second, proof)).toMatchObject({ ok: true, value: { proofKind: 'journal' } });
  // Moved once at the bank, and once in the books.
  expect(await ledger('psp:sepa:clearing')).toBe(clearing);
  await expectExplained();
});

test('a PSP’s payout that its file tells later is unplaced no more', async () => {
  const { db } = database;
  const subject = `bank-entry:${randomUUID()}`;
  await db.transaction().execute(async (trx) => {
    await putIntoSuspense(
      trx,
      {
        subject,
        psp: 'sepa',
        asset: 'EUR',
        amount: cents(900),
        endToEndId: null,
        reference: 'PSP PAYOUT/po_77',
      },
      { kind: 'workflow', id: 'bank-reports' },
    );
    await openWorkItem(trx, { kind: 'unmatched-transfer', subject, brand: null, reason: 'no reference' });
  });
  const told = (amount: number, pspReference: string) =>
    db.transaction().execute((trx) =>
      releasePayout(trx, {
        psp: 'alpha',
        naturalKey: `txn_${pspReference}`,
        pspReference,
        asset: 'EUR',
        amount: cents(amount),
      }),
    );
  await told(901, 'po_77');
  await told(900, 'po_78');
  // The beginning of another name is none, and neither is an empty one.
  await told(900, 'po_7');
  await told(900, '');
  expect((await itemOf(subject))?.closedAt).toBeNull();
  await told(900, 'po_77');
  expect(await itemOf(subject)).toMatchObject({ proofKind: 'psp-payout', proofReference: 'alpha:txn_po_77' });
  expect(await ledger('suspense:sepa', subject)).toBe(0n);
  await expectExplained();
});

test('a payout of a PSP with another amount than its file tells is proven by its break, and leaves what is still owed', async () => {
  const item = await unplaced(1_111);
  const { id: reference } = await database.db
    .insertInto('payments.reconciliationBreak')
    .values({
      psp: 'alpha',
      day: new Date(),
      kind: 'bank',
      naturalKey: 'txn_short',
      asset: 'EUR',
      expected: cents(1_200).toString(),
      found: cents(1_111).toString(),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const [alpha, atBank] = [await ledger('psp:alpha:clearing'), await ledger('psp:sepa:clearing')];
  const proof = { kind: 'break', reference } as const;
  expect(await close(await unplaced(1_112), first, proof)).toMatchObject({ ok: false });
  expect(await close(item, first, proof)).toMatchObject({ ok: true, value: { closedAt: null } });
  expect(await close(item, second, proof)).toMatchObject({ ok: true, value: { proofKind: 'break' } });
  expect(await ledger('psp:alpha:clearing')).toBe(alpha + cents(1_111));
  expect(await ledger('psp:sepa:clearing')).toBe(atBank - cents(1_112));
  await expectExplained();
});

test('the database releases nothing on one person’s word, and changes nothing that was released', async () => {
  const item = await unplaced(55);
  const { playerId } = await world.player();
  const adjustmentId = await correction(playerId, 55);
  await close(item, first, { kind: 'correction', reference: adjustmentId });
  const release = (by: string) =>
    database.db
      .updateTable('payments.suspenseItem')
      .set(({ ref }) => ({
        releasedAt: new Date(),
        releasedBy: `operator:${by}`,
        releaseKind: 'correction',
        releaseReference: adjustmentId,
        releaseJournalId: ref('journalId'),
      }))
      .where('subject', '=', item.subject)
      .execute();
  await expect(release(first)).rejects.toThrow(/suspense_item_check/);
  await close(item, second, { kind: 'correction', reference: adjustmentId });
  await expect(release(second)).rejects.toThrow(/kept as it was released/);
  await expectExplained();
});
