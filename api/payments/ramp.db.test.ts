/** The ramp over HTTP: a quote, its acceptance, bad input with its codes, and what staff see and set. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { publishTestRate } from '#test/support/factories.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { makePlayer } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let staff: { lead: string; other: string; support: string; elsewhere: string };
let player: { id: string; token: string };
const quotes = '/v1/ramp/quotes';
const terms = '/admin/v1/payments/ramp-terms';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  const [lead, other, support, elsewhere] = await Promise.all([
    app.signInAs(['payments-lead']),
    app.signInAs(['payments-lead']),
    app.signInAs(['support']),
    app.signInAs(['payments-lead'], ['nowhere']),
  ]);
  staff = { lead, other, support, elsewhere };
  player = await rich();
  await publishTestRate(database.db, { soldAsset: 'EUR', boughtAsset: 'USDT', rate: '1.08' });
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** With 500 euros, and a deposit limit in USDT as the law wants one. */
async function rich(): Promise<{ id: string; token: string }> {
  const id = await makePlayer(database.db);
  await database.db
    .insertInto('responsibleGambling.limit')
    .values({
      id: randomUUID(),
      playerId: id,
      brand: 'aurora',
      jurisdiction: 'MT',
      profileVersion: 1,
      kind: 'deposit',
      window: 'day',
      asset: 'USDT',
      amount: (10n ** 18n).toString(),
      fingerprint: Buffer.alloc(32),
    })
    .execute();
  await database.db.transaction().execute(async (trx) => {
    await openWallet(trx, { playerId: id, asset: 'EUR', brand: 'aurora', jurisdiction: 'MT' });
    orThrow(
      await postTransfer(trx, {
        key: `poured:${id}`,
        playerId: id,
        asset: 'EUR',
        amount: 500n * 10n ** 12n,
        subject: `poured:${id}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    );
  });
  return { id, token: await openTestSession(database, { playerId: id }) };
}

const post = (path: string, body: unknown, token: string, key: string = randomUUID()) =>
  app.send('POST', path, body, { token, key });
const get = (path: string, token: string) => app.send('GET', path, undefined, { token });
const ask = (amount = '100.00', token = player.token, key?: string) =>
  post(quotes, { pay: { amount, asset: 'EUR' }, receiveAsset: 'USDT' }, token, key);
const idOf = (body: Record<string, unknown>) => String(body['quoteId']);
const wallets = async (token: string) => (await get('/v1/wallet/balances', token)).text;

test('a player asks, sees what it costs, accepts once, and the money is there', async () => {
  const key = randomUUID();
  const quote = await ask('100.00', player.token, key);
  expect([quote.status, quote.body]).toMatchObject([
    200,
    {
      direction: 'on-ramp',
      state: 'open',
      pay: { amount: '100.00', asset: 'EUR' },
      receive: { amount: '106.920000', asset: 'USDT' },
      rate: '2673/2500',
      marketRate: '1.08',
      rateSource: 'desk',
      spreadBps: 100,
      spread: { amount: '1.080000', asset: 'USDT' },
      closedAt: null,
      exchangeId: null,
    },
  ]);
  expect((await ask('100.00', player.token, key)).body).toEqual(quote.body);
  const accept = `${quotes}/${idOf(quote.body)}/accept`;
  const acceptKey = randomUUID();
  const accepted = await post(accept, undefined, player.token, acceptKey);
  expect(accepted.body).toMatchObject({ state: 'accepted', exchangeId: quote.body['quoteId'] });
  expect((await post(accept, undefined, player.token, acceptKey)).body).toEqual(accepted.body);
  expect((await post(accept, undefined, player.token)).body).toMatchObject({
    status: 409,
    code: 'quote-not-open',
  });
  expect(await wallets(player.token)).toContain('106.920000');
  expect((await get(`${quotes}/${idOf(quote.body)}`, player.token)).body).toEqual(accepted.body);
  const listed = await get(`${quotes}?limit=1`, player.token);
  expect(listed.body).toMatchObject({ items: [{ state: 'accepted' }], next: null });
  const exchanges = await get('/v1/wallet/exchanges', player.token);
  expect(exchanges.body).toMatchObject({ items: [{ id: quote.body['quoteId'], rate: '2673/2500' }] });
});

test('bad input is answered with its code, and nothing is quoted', async () => {
  const wish = { pay: { amount: '10.00', asset: 'EUR' }, receiveAsset: 'USDT' };
  const bad: [unknown, number, string][] = [
    ['{', 400, 'malformed-json'],
    [{}, 400, 'invalid-request'],
    [{ ...wish, more: 1 }, 400, 'invalid-request'],
    [{ ...wish, pay: { amount: 10, asset: 'EUR' } }, 400, 'invalid-request'],
    [{ ...wish, pay: { amount: '1e2', asset: 'EUR' } }, 400, 'invalid-request'],
    [{ ...wish, pay: { amount: '0.00', asset: 'EUR' } }, 400, 'amount-not-positive'],
    [{ ...wish, pay: { amount: '0.001', asset: 'EUR' } }, 400, 'amount-too-precise'],
    [{ ...wish, pay: { amount: '9'.repeat(20), asset: 'EUR' } }, 400, 'amount-too-large'],
    [{ ...wish, receiveAsset: 'ZZZ' }, 400, 'unknown-asset'],
    [{ ...wish, receiveAsset: 'EUR' }, 422, 'unsupported-asset'],
    [{ ...wish, receiveAsset: 'ETH' }, 409, 'deposit-limit-required'],
    [{ pay: { amount: '1', asset: 'ETH' }, receiveAsset: 'EUR' }, 409, 'rate-not-current'],
  ];
  for (const [input, status, code] of bad) {
    const answer = await post(quotes, input, player.token);
    expect(answer.body, answer.text).toMatchObject({ code });
    expect([answer.status, code]).toEqual([status, code]);
  }
  expect((await app.send('POST', quotes, wish, { token: player.token })).body).toMatchObject({
    code: 'idempotency-key-missing',
  });
  expect((await app.send('POST', quotes, wish, { key: randomUUID() })).status).toBe(401);
});

test('acceptances that cannot be are answered with their codes', async () => {
  const other = await rich();
  const quote = await ask();
  const accept = (id: string, token = player.token) => post(`${quotes}/${id}/accept`, undefined, token);
  expect((await accept('nonsense')).body).toMatchObject({ status: 400, code: 'invalid-request' });
  for (const [id, token] of [
    [randomUUID(), player.token],
    [idOf(quote.body), other.token],
  ] as const)
    expect((await accept(id, token)).body).toMatchObject({ status: 404, code: 'not-found' });
  expect(
    (await app.send('POST', `${quotes}/${idOf(quote.body)}/accept`, undefined, { token: player.token }))
      .status,
  ).toBe(400);
  const tooMuch = await ask('5000.00');
  expect((await accept(idOf(tooMuch.body))).body).toMatchObject({ status: 422, code: 'insufficient-funds' });
  // The quote before it was ended by it.
  expect((await accept(idOf(quote.body))).body).toMatchObject({ status: 409, code: 'quote-not-open' });
  const given = await post(`${quotes}/${idOf(tooMuch.body)}/cancel`, undefined, player.token);
  expect(given.body).toMatchObject({ state: 'cancelled' });
  expect((await post(`${quotes}/${randomUUID()}/cancel`, undefined, player.token)).status).toBe(404);
  expect((await get(`${quotes}/${idOf(quote.body)}`, other.token)).status).toBe(404);
});

test('one that has run out is shown as expired at once, and refused', async () => {
  const quote = await ask();
  await database.ownerPool.query('alter table payments.ramp_quote disable trigger ramp_quote_content');
  await database.ownerPool.query(
    "update payments.ramp_quote set quoted_at = now() - interval '1 minute', expires_at = now() where id = $1",
    [idOf(quote.body)],
  );
  await database.ownerPool.query('alter table payments.ramp_quote enable trigger ramp_quote_content');
  expect((await get(`${quotes}/${idOf(quote.body)}`, player.token)).body).toMatchObject({ state: 'expired' });
  const refused = await post(`${quotes}/${idOf(quote.body)}/accept`, undefined, player.token);
  expect(refused.body).toMatchObject({ status: 409, code: 'quote-expired' });
  expect((await post(`${quotes}/${idOf(quote.body)}/cancel`, undefined, player.token)).body).toMatchObject({
    state: 'expired',
  });
});

test('staff see the quotes of their brands, and set terms that hold from the next quote on', async () => {
  const { id } = player;
  const seen = await get(`/admin/v1/ramp/quotes?playerId=${id}&state=accepted`, staff.support);
  expect(seen.body, seen.text).toMatchObject({
    items: [{ playerId: id, brand: 'aurora', termsVersion: 1, state: 'accepted' }],
  });
  expect((await get('/admin/v1/ramp/quotes', staff.elsewhere)).body).toEqual({ items: [], next: null });
  expect((await get('/admin/v1/ramp/quotes', player.token)).status).toBe(401);

  const wish = {
    brand: 'aurora',
    lifetimeS: 60,
    onRampSpreadBps: 50,
    offRampSpreadBps: 150,
    reason: 'spring',
  };
  const key = randomUUID();
  const set = await post(terms, wish, staff.lead, key);
  expect(set, set.text).toMatchObject({ status: 202, body: { kind: 'ramp-terms', state: 'proposed' } });
  expect((await post(terms, wish, staff.lead, key)).body).toEqual(set.body);
  expect((await post(terms, { ...wish, lifetimeS: 61 }, staff.lead, key)).body).toMatchObject({
    code: 'idempotency-key-reused',
  });
  expect((await get(`${terms}?brand=aurora`, staff.lead)).body['items']).toHaveLength(1);
  const decision = { decision: 'apply', payloadHash: set.body['payloadHash'], reason: 'seen' };
  const path = `/admin/v1/payments/act-proposals/${String(set.body['actId'])}/decisions`;
  expect((await post(path, decision, staff.lead)).body).toMatchObject({ code: 'own-approval' });
  expect((await post(path, decision, await app.signInAs(['payments-lead']))).body).toMatchObject({
    state: 'applied',
  });
  expect((await ask()).body).toMatchObject({ spreadBps: 50, receive: { amount: '107.460000' } });
  expect((await get(`${terms}?brand=aurora`, staff.lead)).body).toMatchObject({
    items: [{ version: 2 }, { version: 1, author: 'system:seed' }],
  });
  for (const wrong of [
    { lifetimeS: 4 },
    { onRampSpreadBps: 2_001 },
    { offRampSpreadBps: -1 },
    { reason: '' },
  ])
    expect((await post(terms, { ...wish, ...wrong }, staff.lead)).status).toBe(400);
  expect((await post(terms, wish, staff.support)).status).toBe(403);
  expect((await post(terms, wish, staff.elsewhere)).status).toBe(404);
  expect((await get(`${terms}?brand=nowhere`, staff.lead)).status).toBe(404);
});

test('a rule of the ramp is set like any other, and the player hears its code', async () => {
  const rule = {
    brand: 'aurora',
    name: 'ramp-least',
    flow: 'ramp',
    measure: 'amount-min',
    method: 'on-ramp',
    money: { amount: '20.00', asset: 'EUR' },
    reason: 'small ones cost more than they bring',
  };
  expect((await post('/admin/v1/payments/payment-rules', rule, staff.lead)).status).toBe(200);
  expect(
    (
      await post(
        '/admin/v1/payments/payment-rules',
        {
          ...rule,
          name: 'ramp-cards',
          measure: 'declined-cards',
          subject: 'player',
          money: undefined,
          countMax: 3,
          windowS: 60,
        },
        staff.lead,
      )
    ).status,
  ).toBe(400);
  for (const odd of [{ method: 'card' }, { flow: 'deposit' }])
    expect(
      (await post('/admin/v1/payments/payment-rules', { ...rule, ...odd }, staff.lead)).body,
    ).toMatchObject({ status: 400, code: 'invalid-request' });
  await expect
    .poll(async () => (await ask('19.99')).body['code'], { timeout: 5_000 })
    .toBe('amount-below-minimum');
  expect((await ask('20.00')).status).toBe(200);
});
