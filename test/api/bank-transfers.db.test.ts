/** Bank transfers over HTTP: what a player may add and announce, and what is refused. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sealPersonalData } from '#activities/personal-data.ts';
import { Secret } from '#workers/secret.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, openTestSession } from '#test/support/protected-player.ts';

let database: TestDatabase;
let without: TestApi;
let app: TestApi;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
  without = await createTestApi(database);
  const bank = {
    url: 'http://127.0.0.1:1',
    apiKey: new Secret('bank-api'),
    iban: 'MT84MALT011000012345MTLCAST001S',
    bic: null,
    name: 'Pitboss Malta Ltd',
  };
  app = await createTestApi(database, {
    config: { ...without.deps.config, bank },
    keyRing: without.deps.keyRing,
  });
  const player = await createTestPlayer(database);
  await database.db.transaction().execute((trx) =>
    sealPersonalData(trx, without.deps.keyRing, player.playerId, {
      general: { email: 'ada@example.test' },
      aml: { firstName: 'Ada', lastName: 'Example', dateOfBirth: '1990-05-17' },
    }),
  );
  token = await openTestSession(database, player);
});
afterAll(async () => {
  await app?.close();
  await without?.close();
  await database?.drop();
});

const add = (iban: string, api = app) => api.send('POST', '/v1/bank-accounts', { iban }, { token });
const announce = (amount: string, asset = 'EUR', api = app) =>
  api.send('POST', '/v1/bank-transfers', { money: { amount, asset } }, { token, key: randomUUID() });

test('an own account is kept once, shown without its number, and refused where it does not check out', async () => {
  const first = await add('DE89 3704 0044 0532 0130 00');
  expect(first.status).toBe(200);
  expect((await add('de89370400440532013000')).body).toEqual(first.body);
  const { text } = await app.send('GET', '/v1/instruments', undefined, { token });
  expect(text).toContain('"kind":"bank-account"');
  expect(text).not.toContain('DE8937');
  expect(await add('DE89370400440532013001')).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
});

test('a transfer is announced under the rules of any deposit, in euros only', async () => {
  expect((await announce('25.00', 'USD')).body['code']).toBe('unsupported-asset');
  expect((await announce('0.001')).body['code']).toBe('amount-too-precise');
  // In this jurisdiction a limit comes before the first deposit, by whatever method.
  expect((await announce('25.00')).body['code']).toBe('deposit-limit-required');
  const limit = { kind: 'deposit', window: 'day', money: { amount: '100.00', asset: 'EUR' } };
  expect((await app.send('POST', '/v1/limits', limit, { token, key: randomUUID() })).status).toBeLessThan(
    300,
  );
  const key = randomUUID();
  const body = { money: { amount: '25.00', asset: 'EUR' } };
  const answer = await app.send('POST', '/v1/bank-transfers', body, { token, key });
  expect(answer).toMatchObject({
    status: 200,
    body: {
      reference: expect.stringMatching(/^RF\d{2}[0-9A-Z]{16}$/),
      payTo: { iban: 'MT84MALT011000012345MTLCAST001S' },
    },
  });
  expect((await app.send('POST', '/v1/bank-transfers', body, { token, key })).body).toEqual(answer.body);
  expect((await announce('76.00')).body['code']).toBe('deposit-limit-exceeded');
});

test('without a bank nothing of it is offered', async () => {
  for (const answer of [
    await add('DE89370400440532013000', without),
    await announce('25.00', 'EUR', without),
  ])
    expect(answer).toMatchObject({ status: 422, body: { code: 'payment-method-unavailable' } });
});
