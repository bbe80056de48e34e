/** Work items over a real database: who owns, comments and closes them, and what each kind asks for. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { announceTransfer } from '#activities/payments/commands/announce-transfer.ts';
import { openBreak } from '#activities/payments/commands/breaks.ts';
import { expireTransfers } from '#activities/payments/commands/expire-transfers.ts';
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import type { WorkItemKind } from '#domain/payments/work-items.ts';
import { currentDepositRules } from '#activities/payments/routing-rules.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import { brand, fingerprintOf, limitTaken, makePlayer, seedWorld } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let [desk, lead, support, elsewhere] = ['', '', '', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  [desk, lead, support, elsewhere] = await Promise.all([
    app.signInAs(['payments']),
    app.signInAs(['payments-lead']),
    app.signInAs(['support']),
    app.signInAs(['payments-lead'], ['borealis']),
  ]);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function open(kind: WorkItemKind, subject: string): Promise<string> {
  await openWorkItem(database.db, { kind, subject, brand, reason: 'a test wants it looked at' });
  const { id } = await database.db
    .selectFrom('payments.workItem')
    .select('id')
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .executeTakeFirstOrThrow();
  return id;
}

const at = (id: string, what = '') => `/admin/v1/payments/work-items/${id}${what}`;
const post = (path: string, body: object, token: string, key: string = randomUUID()) =>
  app.send('POST', path, body, { token, key });

const auditOf = async (subject: string): Promise<string[]> =>
  (
    await database.db
      .selectFrom('compliance.audit')
      .select('action')
      .where('subject', '=', subject)
      .orderBy('id')
      .execute()
  ).map(({ action }) => action);

test('an item is taken, spoken about and closed with a reason, and all of it is in the audit', async () => {
  const subject = `withdrawal:${randomUUID()}`;
  const id = await open('returned-payout', subject);
  expect((await post(at(id, '/owner'), {}, support)).status).toBe(403);
  expect((await post(at(id, '/owner'), {}, elsewhere)).status).toBe(404);
  const taken = await post(at(id, '/owner'), {}, desk);
  expect(taken.body).toMatchObject({ closesBy: 'reason', isMoney: false, closedAt: null });
  const ownerId = String(taken.body['ownerId']);
  for (const nobody of [randomUUID(), app.operatorOf(elsewhere), app.operatorOf(support)])
    expect((await post(at(id, '/owner'), { ownerId: nobody }, desk)).status).toBe(404);
  const key = randomUUID();
  await post(at(id, '/comments'), { comment: 'asked the player for another account' }, desk, key);
  const twice = await post(
    at(id, '/comments'),
    { comment: 'asked the player for another account' },
    desk,
    key,
  );
  expect(twice.body).toMatchObject({
    comments: [{ comment: 'asked the player for another account', operatorId: ownerId }],
  });
  expect((await post(at(id, '/comments'), { comment: 'something else' }, desk, key)).body).toMatchObject({
    code: 'idempotency-key-reused',
  });
  expect((await post(at(id, '/closings'), { reason: '' }, desk)).status).toBe(400);
  const closed = await post(at(id, '/closings'), { reason: 'the player has named another account' }, desk);
  expect(closed.body).toMatchObject({
    closedBy: ownerId,
    resolution: 'the player has named another account',
  });
  const again = await post(at(id, '/closings'), { reason: 'the player has named another account' }, desk);
  expect(again.status).toBe(200);
  expect((await post(at(id, '/closings'), { reason: 'another reason' }, desk)).body).toMatchObject({
    code: 'work-item-not-open',
  });
  expect((await post(at(id, '/owner'), {}, lead)).body).toMatchObject({ code: 'work-item-not-open' });
  expect(await auditOf(subject)).toEqual([
    'payments.work-item.assigned',
    'payments.work-item.commented',
    'payments.work-item.closed',
  ]);
  await expect(
    database.ownerPool.query(`update payments.work_item set resolution = 'other' where id = '${id}'`),
  ).rejects.toThrow(/is closed/);
});

test('an item that money may hang on is closed by a lead, with a proof that exists and fits', async () => {
  const subject = `deposit:${randomUUID()}`;
  const id = await open('late-approval', subject);
  const reason = 'refunded by hand at the PSP';
  expect((await post(at(id, '/closings'), { reason }, desk)).status).toBe(403);
  const why = async (proof?: object) =>
    (await post(at(id, '/closings'), { reason, proof }, lead)).body['detail'];
  expect(await why()).toMatch(/needs a proof/);
  for (const kind of ['journal', 'correction', 'refund', 'bank-line'])
    expect(await why({ kind, reference: randomUUID() })).toMatch(/There is no/);
  const journalId = randomUUID();
  const insert = (about: string) =>
    database.ownerPool.query(
      `insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, subject, fingerprint, occurred_at)
       values ($1, 'pitboss', $2, 'bet.tombstone', 'EUR', $3, 0, $4, '\\x00', now())`,
      [about === subject ? journalId : randomUUID(), `test:${about}`, brand, about],
    );
  await insert(subject);
  const closed = await post(
    at(id, '/closings'),
    { reason, proof: { kind: 'journal', reference: journalId } },
    lead,
  );
  expect(closed.body).toMatchObject({ proof: { kind: 'journal', reference: journalId } });
  // A journal about something else proves nothing.
  const other = await open('late-approval', `deposit:${randomUUID()}`);
  expect(
    (await post(at(other, '/closings'), { reason, proof: { kind: 'journal', reference: journalId } }, lead))
      .status,
  ).toBe(400);
});

test('a parked payment closes only once it has come to its end, a break by its own proof alone', async () => {
  const playerId = await makePlayer(database.db);
  const depositId = await announced(playerId, '20.00');
  const id = await open('parked-deposit', `deposit:${depositId}`);
  const reason = 'looked at with the bank';
  expect((await post(at(id, '/closings'), { reason }, lead)).body).toMatchObject({
    code: 'work-item-not-open',
  });
  await post(`/admin/v1/bank-transfers/${depositId}/expiry`, { reason: 'it will not come' }, desk);
  expect((await post(at(id, '/closings'), { reason }, lead)).body).toMatchObject({
    proof: { kind: 'ended' },
  });
  await database.db.transaction().execute((trx) =>
    openBreak(trx, {
      psp: 'alpha',
      day: '2026-11-24',
      kind: 'extra',
      naturalKey: 'txn_9',
      subject: null,
      asset: 'EUR',
      expected: null,
      found: 1n,
    }),
  );
  const { id: breakItem } = await database.db
    .selectFrom('payments.workItem')
    .select('id')
    .where('kind', '=', 'reconciliation-break')
    .executeTakeFirstOrThrow();
  expect((await post(at(breakItem, '/closings'), { reason }, lead)).status).toBe(400);
});

async function announced(playerId: string, amount: string): Promise<string> {
  const depositId = randomUUID();
  orThrow(
    await announceTransfer(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount, asset: 'EUR' },
      fingerprint: fingerprintOf(depositId),
    }),
  );
  return depositId;
}

test('a transfer that never came gives its share of the limit back, by staff or by time', async () => {
  const playerId = await makePlayer(database.db);
  const [byStaff, byTime] = [await announced(playerId, '300.00'), await announced(playerId, '200.00')];
  expect(await limitTaken(database.db, playerId)).toBe(500n);
  const path = `/admin/v1/bank-transfers/${byStaff}/expiry`;
  expect((await post(path, { reason: 'the player has changed his mind' }, support)).status).toBe(403);
  const key = randomUUID();
  const end = (reason: string, by: string = key) => post(path, { reason }, desk, by);
  expect((await end('the player has changed his mind', '')).body['code']).toBe('idempotency-key-missing');
  const [ended, raced] = await Promise.all([
    end('the player has changed his mind'),
    end('the player has changed his mind'),
  ]);
  expect(raced.body).toEqual(ended.body);
  expect((await end('for another reason')).body['code']).toBe('idempotency-key-reused');
  expect(ended.body).toMatchObject({ state: 'failed', reason: 'transfer-not-received' });
  expect((await post(path, { reason: 'once more' }, desk)).status).toBe(200);
  expect(await limitTaken(database.db, playerId)).toBe(200n);
  expect(await expireTransfers(database.db)).toBe(0);
  await database.ownerPool.query(
    `update payments.deposit set requested_at = now() - interval '15 days' where id = '${byTime}'`,
  );
  expect(await expireTransfers(database.db)).toBe(1);
  expect(await limitTaken(database.db, playerId)).toBe(0n);
  expect(await auditOf(`deposit:${byTime}`)).toContain('payments.deposit.failed');
});

test('live rules that the build cannot read are a work item, once, while money goes its default way', async () => {
  await database.db.insertInto('pam.brand').values({ id: 'unread', name: 'Unread' }).execute();
  await database.ownerPool.query(
    `insert into backoffice.rule_version (id, rule_set, brand, version, state, content, content_hash, note, author,
       fingerprint, published_by, publish_reason, published_at, live_at)
     values (gen_random_uuid(), 'payments.deposit-routing', 'unread', 1, 'live', '{"form":"of tomorrow"}',
       sha256('x'), 'from a newer build', 'system:seed', '\\x00', 'system:platform', 'test', now(), now())`,
  );
  expect((await currentDepositRules(database.db, 'unread')).routing.live).toBeNull();
  outliveMemory();
  await currentDepositRules(database.db, 'unread');
  const items = await database.db
    .selectFrom('payments.workItem')
    .select(['reason', 'brand'])
    .where('kind', '=', 'unreadable-rules')
    .execute();
  expect(items).toEqual([
    {
      reason: 'version 1 of payments.deposit-routing is live and this build cannot read it',
      brand: 'unread',
    },
  ]);
});
