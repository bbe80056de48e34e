/** Limits, lists, retry rules and the methods of a player over HTTP: who may, what is refused, and what the player is told. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import { makePlayer } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let staff: {
  lead: string;
  second: string;
  other: string;
  payments: string;
  support: string;
  elsewhere: string;
};
let player: { id: string; token: string };
const lists = '/admin/v1/payments/list-entries';
const rules = '/admin/v1/payments/payment-rules';
const retries = '/admin/v1/payments/retry-rules';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  const [lead, second, other, payments, support, elsewhere] = await Promise.all([
    app.signInAs(['payments-lead']),
    app.signInAs(['payments-lead']),
    app.signInAs(['risk']),
    app.signInAs(['payments']),
    app.signInAs(['support']),
    app.signInAs(['payments-lead'], ['nowhere']),
  ]);
  staff = { lead, second, other, payments, support, elsewhere };
  const id = await makePlayer(database.db);
  player = { id, token: await openTestSession(database, { playerId: id }) };
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const post = (path: string, body: object, token: string, key: string = randomUUID()) =>
  app.send('POST', path, body, { token, key });
const get = (path: string, token: string) => app.send('GET', path, undefined, { token });
const entry = { brand: 'aurora', list: 'black', kind: 'player', reason: 'chargebacks' };

const acts = '/admin/v1/payments/act-proposals';
type Answer = Awaited<ReturnType<typeof post>>;
/** Another person than who proposed it decides, on what was shown. */
const decide = ({ body }: Answer, token: string, decision = 'apply') =>
  post(
    `${acts}/${String(body['actId'])}/decisions`,
    { decision, payloadHash: body['payloadHash'], reason: 'seen' },
    token,
  );

/** No Temporal here: what gets past all rules ends as 503 with the row written. */
const deposit = (amount = '20.00') =>
  post(
    '/v1/deposits',
    {
      money: { amount, asset: 'EUR' },
      instrument: { kind: 'card', tokens: [{ psp: 'alpha', token: 'tok_http' }] },
      returnUrl: 'http://shop.test/back',
    },
    player.token,
  );

test('an entry is added once per key, refuses its player, and is ended by those who may', async () => {
  const input = { ...entry, value: player.id };
  expect((await post(lists, input, staff.support)).status).toBe(403);
  expect((await post(lists, input, staff.elsewhere)).status).toBe(404);
  const key = randomUUID();
  const added = await post(lists, input, staff.payments, key);
  expect(added.body).toMatchObject({ list: 'black', value: player.id, endedAt: null });
  expect((await post(lists, input, staff.payments, key)).body).toEqual(added.body);
  expect((await post(lists, { ...input, list: 'grey' }, staff.payments, key)).body).toMatchObject({
    code: 'idempotency-key-reused',
  });

  const refused = await deposit();
  expect(refused).toMatchObject({ status: 422, body: { code: 'payment-method-unavailable' } });
  expect(refused.text).not.toMatch(/list|black|chargeback/i);

  expect((await get(`${lists}?brand=aurora`, staff.payments)).body).toMatchObject({ items: [added.body] });
  const ending = `${lists}/${String(added.body['entryId'])}/endings`;
  const wish = await post(ending, { reason: 'paid back' }, staff.payments);
  expect(wish).toMatchObject({ status: 202, body: { kind: 'entry-ending', state: 'proposed' } });
  expect((await post(ending, { reason: 'again' }, staff.lead)).body).toEqual(wish.body);
  expect((await deposit()).status).toBe(422);
  expect((await decide(wish, staff.payments)).status).toBe(403);
  expect((await decide(wish, staff.elsewhere)).status).toBe(404);
  expect((await decide(wish, staff.lead)).body).toMatchObject({ state: 'applied' });
  expect((await post(ending, { reason: 'paid back' }, staff.payments)).body).toMatchObject({
    code: 'list-entry-not-open',
  });
  expect((await get(`${lists}?brand=aurora`, staff.payments)).body).toMatchObject({ items: [] });
  expect((await get(`${lists}?brand=aurora&state=all`, staff.payments)).body).toMatchObject({
    items: [{ entryId: added.body['entryId'] }],
  });
  expect((await deposit()).status).toBe(503);
});

test('a white entry opens no brake before another person has agreed, and its end waits for nobody', async () => {
  const input = {
    ...entry,
    list: 'white',
    kind: 'email',
    value: 'Friend@Example.test',
    skips: ['player-sum-day'],
  };
  const key = randomUUID();
  const wish = await post(lists, input, staff.payments, key);
  expect(wish).toMatchObject({
    status: 202,
    body: { kind: 'white-entry', state: 'proposed', content: { key: null, skips: ['player-sum-day'] } },
  });
  expect((await post(lists, input, staff.payments, key)).body).toEqual(wish.body);
  const white = async () =>
    (await get(`${lists}?brand=aurora&list=white&state=open`, staff.payments)).body['items'];
  expect(await white()).toEqual([]);
  expect((await get(`${acts}?state=proposed&kind=white-entry`, staff.lead)).body).toMatchObject({
    items: [{ actId: wish.body['actId'] }],
  });
  expect((await get(`${acts}?kind=white-entry`, staff.elsewhere)).body).toMatchObject({ items: [] });
  const shown = { decision: 'apply', payloadHash: '0'.repeat(64), reason: 'seen' };
  expect(
    (await post(`${acts}/${String(wish.body['actId'])}/decisions`, shown, staff.lead)).body,
  ).toMatchObject({
    code: 'setting-not-open',
  });
  expect((await decide(wish, staff.lead)).body).toMatchObject({ state: 'applied' });
  expect((await decide(wish, staff.lead)).body).toMatchObject({ state: 'applied' });
  expect((await decide(wish, staff.second, 'refuse')).body).toMatchObject({ code: 'setting-not-open' });
  expect(await white()).toMatchObject([{ entryId: wish.body['actId'], value: null }]);
  const ended = await post(
    `${lists}/${String(wish.body['actId'])}/endings`,
    { reason: 'over' },
    staff.payments,
  );
  expect(ended).toMatchObject({ status: 200, body: { endReason: 'over' } });
  expect(await white()).toEqual([]);
  const refused = await post(lists, input, staff.lead);
  expect((await decide(refused, staff.lead, 'refuse')).body).toMatchObject({ state: 'refused' });
  expect(await white()).toEqual([]);
});

test('the database takes no act that its author carried out, and none that was not proposed', async () => {
  const wish = await post(
    lists,
    { ...entry, list: 'white', skips: ['a-rule'], value: player.id },
    staff.payments,
  );
  const id = String(wish.body['actId']);
  await expect(
    database.ownerPool.query(
      `update payments.act_proposal set state = 'applied', decided_by = author, decision_reason = 'mine', decided_at = now() where id = $1`,
      [id],
    ),
  ).rejects.toThrow(/check/);
  await expect(
    database.ownerPool.query(`update payments.act_proposal set content = '{}' where id = $1`, [id]),
  ).rejects.toThrow(/cannot change/);
});

test('entries that make no sense are refused, and say why without the value', async () => {
  for (const wrong of [
    { value: 'not-an-id' },
    { kind: 'bin', value: '4' },
    { kind: 'ip', value: '999.1.1.1' },
    { kind: 'ip', value: '192.0.2.0/99' },
    { kind: 'iban', value: 'GB00 WEST 1234 5698 7654 32' },
    { kind: 'country', value: 'Malta' },
    { list: 'white', value: randomUUID() },
    { skips: ['a-rule'], value: randomUUID() },
    { value: randomUUID(), expiresAt: '2020-01-01T00:00:00Z' },
    { value: randomUUID(), reason: ' ' },
  ]) {
    const answer = await post(lists, { ...entry, ...wrong }, staff.payments);
    expect(answer, JSON.stringify(wrong)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  }
  expect((await post(lists, { ...entry, kind: 'card', value: randomUUID() }, staff.payments)).status).toBe(
    404,
  );
});

test('personal values are looked up by their keyed hash and never shown', async () => {
  const value = 'Fraud@Example.test';
  const added = await post(lists, { ...entry, list: 'grey', kind: 'email', value }, staff.payments);
  expect(added.body).toMatchObject({ value: null });
  const look = (brand: string, text: string) =>
    post('/admin/v1/payments/list-lookups', { brand, kind: 'email', value: text }, staff.payments);
  expect((await look('aurora', 'fraud@example.test')).body).toMatchObject({
    items: [{ entryId: added.body['entryId'] }],
  });
  expect((await look('aurora', 'friend@example.test')).body).toEqual({ items: [] });
  const { rows } = await database.ownerPool.query<{ text: string }>(
    `select coalesce(string_agg(t::text, ' '), '') as text from (
       select to_jsonb(l) as t from payments.list_entry l union all select to_jsonb(a) from compliance.audit a
       union all select to_jsonb(o) from compliance.outbox o) all_rows`,
  );
  expect(rows[0]?.text).not.toMatch(/fraud@example/i);
});

test('a limit is a version of its name: it refuses with the time of the next try, and ends as a version, too', async () => {
  const limit = {
    brand: 'aurora',
    name: 'one-an-hour',
    flow: 'deposit',
    measure: 'count',
    subject: 'player',
    countMax: 1,
    windowS: 3_600,
    reason: 'a test',
  };
  expect((await post(rules, limit, staff.payments)).status).toBe(403);
  const key = randomUUID();
  const first = await post(rules, limit, staff.lead, key);
  expect(first.body).toMatchObject({ version: 1, isActive: true });
  expect((await post(rules, limit, staff.lead, key)).body).toEqual(first.body);
  const wider = await post(rules, { ...limit, countMax: 2 }, staff.lead);
  expect(wider).toMatchObject({ status: 202, body: { kind: 'payment-rule', state: 'proposed' } });
  const stale = await post(rules, { ...limit, countMax: 9 }, staff.lead);
  expect((await decide(wider, staff.lead)).body).toMatchObject({ code: 'own-approval' });
  expect((await get(`${rules}?brand=aurora&name=one-an-hour`, staff.payments)).body['items']).toHaveLength(1);
  expect((await decide(wider, staff.second)).body).toMatchObject({ state: 'applied' });
  // What was proposed about a version that has made way is proposed anew.
  expect((await decide(stale, staff.second)).body).toMatchObject({ code: 'version-outdated' });
  outliveMemory();
  const answers = [await deposit(), await deposit()];
  // One was taken in by the test before.
  expect(answers[0]?.status).toBe(503);
  expect(answers[1]).toMatchObject({ status: 422, body: { code: 'payment-limit-exceeded' } });
  expect(Number(answers[1]?.headers.get('retry-after'))).toBeGreaterThan(3_000);
  const ended = await post(
    `${rules}/${String(first.body['ruleId'])}/endings`,
    { reason: 'over' },
    staff.lead,
  );
  expect(ended).toMatchObject({ status: 202, body: { content: { isActive: false, after: 2 } } });
  expect((await deposit()).status).toBe(422);
  expect((await decide(ended, staff.second)).body).toMatchObject({ state: 'applied' });
  outliveMemory();
  expect((await deposit()).status).toBe(503);
  const { items } = (await get(`${rules}?brand=aurora&name=one-an-hour`, staff.payments)).body;
  expect(items).toMatchObject([{ version: 3 }, { version: 2 }, { version: 1 }]);
});

test('limits with figures that do not belong to their measure are refused', async () => {
  const limit = { brand: 'aurora', name: 'wrong', flow: 'deposit', reason: 'a test' };
  const money = { amount: '5.00', asset: 'EUR' };
  for (const wrong of [
    { measure: 'amount-min' },
    { measure: 'amount-min', money, windowS: 60 },
    { measure: 'amount-min', money, subject: 'player' },
    { measure: 'sum', money, windowS: 60 },
    { measure: 'sum', money, windowS: 5, subject: 'player' },
    { measure: 'count', countMax: -1, windowS: 60, subject: 'player' },
    { measure: 'kyc-level', kycLevel: 'L9' },
    { measure: 'declined-cards', countMax: 3, windowS: 60, subject: 'card' },
    { measure: 'count', countMax: 3, windowS: 60, subject: 'card', flow: 'withdrawal' },
    { measure: 'amount-max', money: { amount: '0.00', asset: 'EUR' } },
    { measure: 'amount-max', money: { amount: '5.001', asset: 'EUR' } },
    { measure: 'amount-max', money, asset: 'USD' },
  ])
    expect((await post(rules, { ...limit, ...wrong }, staff.lead)).status, JSON.stringify(wrong)).toBe(400);
  expect((await post(rules, { ...limit, brand: 'nobody', measure: 'closed' }, staff.lead)).status).toBe(404);
});

test('a method that is closed for a country is not listed, staff see why, and a deposit is a clear error', async () => {
  const ofCards = ({ body }: Awaited<ReturnType<typeof get>>) =>
    (body['items'] as { readonly method: string }[]).filter(({ method }) => method === 'card');
  const methods = async () => ofCards(await get('/v1/deposit-methods', player.token));
  expect(await methods()).toMatchObject([
    {
      method: 'card',
      asset: 'EUR',
      psps: ['alpha', 'beta', 'gamma'],
      min: null,
      max: null,
      isImpaired: false,
    },
  ]);
  const money = { amount: '10.00', asset: 'EUR' };
  const least = {
    brand: 'aurora',
    name: 'card-least',
    flow: 'deposit',
    measure: 'amount-min',
    method: 'card',
    money,
    reason: 'a test',
  };
  await post(rules, least, staff.lead);
  outliveMemory();
  expect(await methods()).toMatchObject([{ min: money }]);
  expect((await deposit('9.00')).body).toMatchObject({ code: 'amount-below-minimum' });

  const { rows } = await database.ownerPool.query<{ country: string }>(
    'select country from pam.player where id = $1',
    [player.id],
  );
  await post(
    rules,
    {
      brand: 'aurora',
      name: 'no-cards',
      flow: 'deposit',
      measure: 'closed',
      method: 'card',
      country: rows[0]?.country,
      reason: 'a test',
    },
    staff.lead,
  );
  outliveMemory();
  expect(await methods()).toEqual([]);
  expect((await deposit()).body).toMatchObject({
    code: 'payment-method-unavailable',
    detail: 'This method is not offered for your country and currency.',
  });
  const seen = await get(`/admin/v1/players/${player.id}/deposit-methods`, staff.support);
  expect(ofCards(seen)).toMatchObject([
    { method: 'card', missing: { reason: 'closed', by: 'payment-rule:no-cards:v1' } },
  ]);
  expect((await get(`/admin/v1/players/${randomUUID()}/deposit-methods`, staff.support)).status).toBe(404);
  const { rows: told } = await database.ownerPool.query<{ by: string }>(
    `select payload ->> 'by' as by from compliance.outbox where type = 'payments.deposit.refused' order by id desc limit 1`,
  );
  expect(told).toEqual([{ by: 'payment-rule:no-cards:v1' }]);
});

test('retry rules show their source, and a stricter one needs two people', async () => {
  const shown = (await get(retries, staff.payments)).body['items'];
  expect(shown).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        network: 'visa',
        rule: 'reattempts',
        maximum: 20,
        windowS: 2_592_000,
        scope: 'card-amount-currency',
        edition: 'Visa Core Rules, 18 April 2026',
      }),
      expect.objectContaining({ network: 'mastercard', rule: 'attempts', maximum: 10, windowS: 86_400 }),
      expect.objectContaining({ network: 'mastercard', rule: 'attempts', maximum: 35, windowS: 2_592_000 }),
      expect.objectContaining({ network: 'mastercard', rule: 'wait', adviceCodes: ['30'], windowS: 864_000 }),
    ]),
  );
  const rule = {
    network: 'visa',
    rule: 'reattempts',
    windowS: 2_592_000,
    maximum: 4,
    scope: 'card-amount-currency',
    imposedBy: 'acquirer',
    psp: 'alpha',
    edition: 'contract of 2026',
    source: 'the acquirer',
    reason: 'a test',
  };
  expect((await post(retries, rule, staff.payments)).status).toBe(403);
  expect((await post(retries, { ...rule, maximum: 40 }, staff.lead)).body).toMatchObject({
    code: 'retry-rule-looser',
  });
  expect((await post(retries, { ...rule, imposedBy: 'operator' }, staff.lead)).status).toBe(400);
  expect((await post(retries, { ...rule, validTo: '2020-01-01T00:00:00Z' }, staff.lead)).status).toBe(400);
  const added = await post(retries, rule, staff.lead);
  expect(added.body).toMatchObject({ confirmedBy: null });
  const deed = (what: string, token: string) =>
    post(`${retries}/${String(added.body['ruleId'])}/${what}`, { reason: 'a test' }, token);
  expect((await deed('confirmations', staff.lead)).body).toMatchObject({ code: 'own-approval' });
  expect((await deed('confirmations', staff.other)).body).toMatchObject({
    confirmedBy: expect.stringMatching(/^operator:/),
  });
  expect((await deed('endings', staff.lead)).body).toMatchObject({ code: 'own-approval' });
  expect((await deed('endings', staff.other)).body).toMatchObject({
    endedBy: expect.stringMatching(/^operator:/),
  });
  expect((await post(`${retries}/${randomUUID()}/endings`, { reason: 'a test' }, staff.other)).status).toBe(
    404,
  );
});
