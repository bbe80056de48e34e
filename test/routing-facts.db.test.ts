/** Where the facts of routing rules come from: imported tables, tiers and scores over HTTP, and the deposits that see them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from './support/api.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { openTestSession } from './support/protected-player.ts';
import {
  brand,
  fingerprintOf,
  keyPlayer,
  makePlayer,
  seedWorld,
  testKeyRing,
} from './workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let staff: {
  payments: string;
  lead: string;
  risk: string;
  support: string;
  elsewhere: string;
  analyst: string;
};
const imports = '/admin/v1/payments/lookup-imports';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  const [payments, lead, risk, support, analyst, elsewhere] = await Promise.all([
    app.signInAs(['payments']),
    app.signInAs(['payments-lead']),
    app.signInAs(['risk']),
    app.signInAs(['support']),
    app.signInAs(['analyst']),
    app.signInAs(['risk'], ['nowhere']),
  ]);
  staff = { payments, lead, risk, support, elsewhere, analyst };
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const send = (method: string, path: string, body: object, token: string, key: string = randomUUID()) =>
  app.send(method, path, body, { token, key });

/** Documentation networks (RFC 5737, RFC 3849) and a range of test cards; no real country of anybody. */
const header = { source: 'made for this test', asOf: '2026-11-01', reason: 'for the test' };

async function open(kind: 'ip-network' | 'bin', token = staff.payments): Promise<string> {
  const answer = await send('POST', imports, { kind, ...header }, token);
  expect(answer.status, answer.text).toBe(200);
  expect(answer.body).toMatchObject({ kind, state: 'loading', parts: 0, rows: 0, asOf: '2026-11-01' });
  return String(answer.body['importId']);
}
const load = (id: string, part: number, csv: string, token = staff.payments) =>
  send('PUT', `${imports}/${id}/parts/${part}`, { csv }, token);
const activate = (id: string, parts: number, token = staff.lead) =>
  send('POST', `${imports}/${id}/activations`, { parts, reason: 'checked' }, token);

async function inForce(kind: 'ip-network' | 'bin', csv: string): Promise<string> {
  const id = await open(kind);
  expect((await load(id, 1, csv)).status).toBe(200);
  expect((await activate(id, 1)).body).toMatchObject({ state: 'active' });
  return id;
}

type Asked = { ip?: string; billingCountry?: string; withKeys?: boolean; token?: string };

/** The inputs that were kept with the decision. */
async function factsOf(playerId: string, asked: Asked = {}): Promise<Record<string, unknown>> {
  const depositId = randomUUID();
  orThrow(
    await requestDeposit(
      database.db,
      {
        depositId,
        playerId,
        brand,
        jurisdiction: 'MT',
        money: { amount: '50.00', asset: 'EUR' },
        tokens: [
          { psp: 'alpha', token: asked.token ?? 'tok_alpha' },
          { psp: 'beta', token: 'tok_beta' },
        ],
        returnUrl: 'http://shop.test/back',
        fingerprint: fingerprintOf(depositId),
        origin: { sessionId: null, ip: asked.ip ?? null },
        ...(asked.billingCountry === undefined ? {} : { billingCountry: asked.billingCountry }),
      },
      undefined,
      asked.withKeys === true ? testKeyRing : undefined,
    ),
  );
  const row = await database.db
    .selectFrom('payments.routingDecision')
    .select('inputs')
    .where('depositId', '=', depositId)
    .executeTakeFirstOrThrow();
  return row.inputs as Record<string, unknown>;
}

test('what nobody has told is absent, and the cost is that of the fee term', async () => {
  expect(await factsOf(await makePlayer(database.db), { ip: '198.51.100.7', withKeys: true })).toMatchObject({
    'ip.country': null,
    'billing.country': null,
    'bank.name': null,
    'bank.country': null,
    'card.type': null,
    'player.tier': null,
    'player.age': null,
    // Ours, for an account that is new.
    'player.fraudScore': '100',
    // 1.4 % and 25 cents of 50 euros are 95 cents.
    'psp.alpha.costBps': '190',
    'psp.beta.costBps': '190',
    'psp.gamma.costBps': '190',
  });
});

describe('the country of an address', () => {
  test('is that of the narrowest network, in both families, and of the version in force', async () => {
    const playerId = await makePlayer(database.db);
    const first = await inForce(
      'ip-network',
      'network,country\n192.0.2.0/24,MT\n192.0.2.128/25,SE\n2001:db8::/32,DE\n',
    );
    const countryAt = async (ip: string) => (await factsOf(playerId, { ip }))['ip.country'];
    expect(await countryAt('192.0.2.5')).toBe('MT');
    expect(await countryAt('192.0.2.200')).toBe('SE');
    expect(await countryAt('2001:db8::1')).toBe('DE');
    expect(await countryAt('203.0.113.1')).toBeNull();

    await inForce('ip-network', '192.0.2.0/24,NO\n');
    expect(await countryAt('192.0.2.200')).toBe('NO');
    expect(await countryAt('2001:db8::1')).toBeNull();

    expect((await activate(first, 1)).body).toMatchObject({ importId: first, state: 'active' });
    expect(await countryAt('192.0.2.200')).toBe('SE');
  });

  test('two versions that go live at once leave one in force', async () => {
    const ids = await Promise.all([open('ip-network'), open('ip-network'), open('ip-network')]);
    await Promise.all(ids.map((id) => load(id, 1, '192.0.2.0/24,FI\n')));
    const answers = await Promise.all(ids.map((id) => activate(id, 1)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { rows } = await database.pool.query(
      "select id from payments.lookup_import where kind = 'ip-network' and state = 'active'",
    );
    expect(rows).toHaveLength(1);
  });
});

test('the bank is that of the narrowest range which holds all numbers that begin so', async () => {
  await inForce(
    'bin',
    [
      '40000000,49999999,"Great Bank, plc",GB,',
      '42424200,42424299,Test Bank,US,credit',
      '42424242,42424242,Narrow Bank,FR,prepaid',
    ].join('\n'),
  );
  for (const [bin, facts] of [
    ['424242', { 'bank.name': 'Test Bank', 'bank.country': 'US', 'card.type': 'credit' }],
    ['42424242', { 'bank.name': 'Narrow Bank', 'bank.country': 'FR', 'card.type': 'prepaid' }],
    ['411111', { 'bank.name': 'Great Bank, plc', 'bank.country': 'GB', 'card.type': null }],
    ['510000', { 'bank.name': null, 'bank.country': null, 'card.type': null }],
  ] as const) {
    // Tokens that come together are one card, so each card is of another player.
    const playerId = await makePlayer(database.db);
    const token = `tok_${bin}`;
    const card = randomUUID();
    await database.pool.query("insert into payments.card (id, network, bin) values ($1, 'visa', $2)", [
      card,
      bin,
    ]);
    await database.pool.query(
      "insert into payments.card_token (player_id, psp, token, card_id) values ($1, 'alpha', $2, $3)",
      [playerId, token, card],
    );
    expect(await factsOf(playerId, { token }), bin).toMatchObject({ 'card.bin': bin, ...facts });
  }
});

test('an import is read line by line, closed to other content, and put into force by another person', async () => {
  const id = await open('ip-network');
  for (const csv of ['192.0.2.1/24,MT', '300.0.2.0/24,MT', 'nothing', '192.0.2.0/33,MT', '192.0.2.0/24,XXX'])
    expect(await load(id, 1, csv), csv).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(await activate(id, 1)).toMatchObject({ status: 409, body: { code: 'lookup-import-not-open' } });
  expect((await load(id, 1, '192.0.2.0/24,MT\n')).body).toMatchObject({ parts: 1, rows: 1 });
  expect((await load(id, 1, '192.0.2.0/24,MT\n')).body).toMatchObject({ parts: 1, rows: 1 });
  expect((await load(id, 1, '192.0.2.0/24,SE\n')).body).toMatchObject({ code: 'lookup-import-not-open' });
  expect((await load(id, 2, '192.0.2.0/24,SE\n')).body).toMatchObject({ code: 'invalid-request' });
  expect((await load(id, 3, '198.51.100.0/24,SE\n')).body).toMatchObject({ parts: 2 });
  expect((await activate(id, 2)).body).toMatchObject({ code: 'lookup-import-not-open' });
  expect((await load(id, 2, '203.0.113.0/24,SE\n')).body).toMatchObject({ parts: 3 });
  expect(await activate(id, 3, staff.payments)).toMatchObject({ status: 403 });
  expect(await activate(id, 3)).toMatchObject({ status: 200, body: { state: 'active', rows: 3 } });
  expect((await load(id, 4, '203.0.113.0/25,SE\n')).body).toMatchObject({ code: 'lookup-import-not-open' });

  const own = await open('bin', staff.lead);
  await load(own, 1, '41111100,41111199,Bank,MT,debit', staff.lead);
  expect(await activate(own, 1)).toMatchObject({ status: 403, body: { code: 'own-approval' } });
  expect((await load(randomUUID(), 1, 'x')).status).toBe(404);
  expect((await load(own, 0, 'x')).status).toBe(400);
  expect((await send('POST', imports, { kind: 'ip', ...header }, staff.payments)).status).toBe(400);
  expect((await send('POST', imports, { kind: 'bin', ...header }, staff.support)).status).toBe(403);
  expect(
    (await send('POST', imports, { kind: 'bin', ...header, asOf: 'today' }, staff.payments)).status,
  ).toBe(400);
  const key = randomUUID();
  const made = await send('POST', imports, { kind: 'bin', ...header }, staff.payments, key);
  expect((await send('POST', imports, { kind: 'bin', ...header }, staff.payments, key)).body).toEqual(
    made.body,
  );
  expect(
    (await send('POST', imports, { kind: 'ip-network', ...header }, staff.payments, key)).body,
  ).toMatchObject({ code: 'idempotency-key-reused' });
  const list = await app.send('GET', imports, undefined, { token: staff.analyst });
  expect(list.body['items']).toContainEqual(
    expect.objectContaining({ importId: id, state: 'active', parts: 3 }),
  );
});

test('the database keeps the rows of a table that was in force', async () => {
  const id = await inForce('ip-network', '192.0.2.0/24,MT\n');
  for (const change of [
    'update payments.ip_network set country = $$SE$$ where import_id = $1',
    'delete from payments.ip_network where import_id = $1',
    'delete from payments.lookup_part where import_id = $1',
    'update payments.lookup_import set source = $$another$$ where id = $1',
    'delete from payments.lookup_import where id = $1',
  ])
    await expect(database.pool.query(change, [id]), change).rejects.toThrow(/kept|keeps|cannot change/);
});

test('a tier is set with the version that was seen, and taken away', async () => {
  const playerId = await makePlayer(database.db);
  const path = `/admin/v1/players/${playerId}/tiers`;
  const gold = { tier: 'gold', after: 0, reason: 'plays much' };
  expect((await send('POST', path, gold, staff.payments)).status).toBe(403);
  expect((await send('POST', path, gold, staff.elsewhere)).status).toBe(404);
  for (const wrong of [{ tier: 'Gold' }, { tier: '' }, { after: -1 }, { reason: ' ' }, { more: 1 }])
    expect((await send('POST', path, { ...gold, ...wrong }, staff.support)).status).toBe(400);
  const [one, two] = await Promise.all([
    send('POST', path, gold, staff.support),
    send('POST', path, { ...gold, tier: 'silver' }, staff.risk),
  ]);
  expect(new Set([one.status, two.status])).toEqual(new Set([200, 409]));
  const tier = one.status === 200 ? 'gold' : 'silver';
  expect((await factsOf(playerId))['player.tier']).toBe(tier);
  expect((await send('POST', path, { tier: null, after: 1, reason: 'left' }, staff.support)).status).toBe(
    200,
  );
  expect((await factsOf(playerId))['player.tier']).toBeNull();
  const list = await app.send('GET', path, undefined, { token: staff.support });
  expect(list.body['items']).toMatchObject([
    { version: 2, tier: null },
    { version: 1, tier },
  ]);
  const { rows } = await database.pool.query(
    "select reason from compliance.audit where action = 'crm.tier.set' and player_id = $1 order by id",
    [playerId],
  );
  expect(rows).toHaveLength(2);
});

test('a fraud score holds until it runs out, and an older one does not come back', async () => {
  const playerId = await makePlayer(database.db);
  const path = `/admin/v1/players/${playerId}/fraud-scores`;
  const score = { score: 700, source: 'model of the test', reason: 'scored', after: 0 };
  const later = { expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  expect((await send('POST', path, { ...score, ...later }, staff.support)).status).toBe(403);
  for (const wrong of [
    { score: 1_001 },
    { score: 0.5 },
    { source: '' },
    { expiresAt: '2020-01-01T00:00:00Z' },
  ])
    expect((await send('POST', path, { ...score, ...later, ...wrong }, staff.risk)).status).toBe(400);
  const given = await send('POST', path, { ...score, ...later }, staff.risk);
  expect(given.body).toMatchObject({ version: 1, score: 700 });
  expect((await send('POST', path, { ...score, ...later }, staff.risk)).body).toEqual(given.body);
  expect((await factsOf(playerId))['player.fraudScore']).toBe('700');
  const soon = { expiresAt: new Date(Date.now() + 1_500).toISOString() };
  expect((await send('POST', path, { ...score, score: 10, after: 1, ...soon }, staff.risk)).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 1_600));
  // One that has run out is no score, and ours is back.
  expect((await factsOf(playerId))['player.fraudScore']).toBe('100');
  expect((await send('POST', path, { ...score, ...later }, staff.risk)).body).toMatchObject({
    code: 'version-outdated',
  });
});

test('the age is read where the key is, and not after the key is gone', async () => {
  const playerId = await makePlayer(database.db);
  await keyPlayer(database.db, playerId);
  const born = new Date('1990-01-01T00:00:00Z').getUTCFullYear();
  const years = String(new Date().getUTCFullYear() - born);
  expect(await factsOf(playerId, { withKeys: true, billingCountry: 'SE' })).toMatchObject({
    'player.age': years,
    'billing.country': 'SE',
  });
  expect((await factsOf(playerId))['player.age']).toBeNull();
  await database.pool.query(
    "update pam.player_key set wrapped = null, destroyed_at = now() where player_id = $1 and purpose = 'aml'",
    [playerId],
  );
  expect((await factsOf(playerId, { withKeys: true }))['player.age']).toBeNull();
});

test('a request says its billing country, and a key that is not on the ring costs the age and not the deposit', async () => {
  const playerId = await makePlayer(database.db);
  await keyPlayer(database.db, playerId);
  const token = await openTestSession(database, { playerId });
  const ask = (billingCountry: unknown) =>
    app.send(
      'POST',
      '/v1/deposits',
      {
        money: { amount: '20.00', asset: 'EUR' },
        instrument: { kind: 'card', tokens: [{ psp: 'alpha', token: 'tok_billing' }] },
        returnUrl: 'http://shop.test/back',
        billingCountry,
      },
      { token, key: randomUUID() },
    );
  for (const wrong of ['se', 'SWE', 1, null]) expect((await ask(wrong)).status).toBe(400);
  // No Temporal here: the row is written, and the answer is that it goes on later.
  expect((await ask('SE')).status).toBe(503);
  const { rows } = await database.pool.query(
    'select inputs from payments.routing_decision r join payments.deposit d on d.id = r.deposit_id where d.player_id = $1',
    [playerId],
  );
  expect(rows).toMatchObject([{ inputs: { 'billing.country': 'SE', 'player.age': null } }]);
});
