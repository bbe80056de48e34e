/** Limits and exclusions through the real application, with nobody behind Temporal: protection needs the database alone. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, openTestSession } from '#test/support/protected-player.ts';

let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function signedIn() {
  const player = await createTestPlayer(database);
  const token = await openTestSession(database, player);
  const post = (path: string, body?: unknown, key: string = randomUUID()): Promise<Answer> =>
    app.send('POST', path, body, { token, key });
  return { ...player, token, post, get: (path: string) => app.send('GET', path, undefined, { token }) };
}

const depositLimit = (amount: unknown) => ({
  kind: 'deposit',
  window: 'month',
  money: { amount, asset: 'EUR' },
});

test('a limit holds at once, a higher one waits and can be taken back', async () => {
  const player = await signedIn();
  const first = await player.post('/v1/limits', depositLimit('100.00'));
  expect(first).toMatchObject({ status: 200, body: { outcome: 'in-force' } });
  const higher = await player.post('/v1/limits', depositLimit('500.00'));
  expect(higher).toMatchObject({
    status: 200,
    body: { outcome: 'waiting', changes: [{ state: 'cooling-off' }] },
  });
  const cancelled = await player.post(`/v1/limit-changes/${String(higher.body['id'])}/cancel`);
  expect(cancelled).toMatchObject({ status: 200, body: { changes: [] } });
  expect((await player.get('/v1/limits')).body).toMatchObject({
    limits: [
      {
        kind: 'deposit',
        window: 'month',
        money: { amount: '100.00', asset: 'EUR' },
        used: { amount: '0.00' },
      },
    ],
  });
  expect(
    await player.post('/v1/limits/removals', { kind: 'deposit', window: 'month', asset: 'EUR' }),
  ).toMatchObject({
    body: { outcome: 'waiting', changes: [{ money: null }] },
  });
});

test('bad amounts, unknown keys, a missing key and a foreign change are refused with their codes', async () => {
  const player = await signedIn();
  const codeOf = async (body: unknown) => {
    const answer = await player.post('/v1/limits', body);
    return `${answer.status} ${String(answer.body['code'])}`;
  };
  expect(await codeOf(depositLimit(100))).toBe('400 invalid-request');
  expect(await codeOf(depositLimit('0'))).toBe('400 amount-not-positive');
  expect(await codeOf(depositLimit('-5'))).toBe('400 amount-not-positive');
  expect(await codeOf(depositLimit('1.001'))).toBe('400 amount-too-precise');
  expect(await codeOf(depositLimit('9'.repeat(25)))).toBe('400 amount-too-large');
  expect(await codeOf({ ...depositLimit('1'), money: { amount: '1', asset: 'XXX' } })).toBe(
    '400 unknown-asset',
  );
  expect(await codeOf({ ...depositLimit('1'), window: 'year' })).toBe('400 invalid-request');
  expect(await codeOf({ ...depositLimit('1'), extra: true })).toBe('400 invalid-request');
  const keyless = await app.send('POST', '/v1/limits', depositLimit('1'), { token: player.token });
  expect(keyless.status).toBe(400);
  expect((await player.post(`/v1/limit-changes/${randomUUID()}/cancel`)).status).toBe(404);
  expect((await app.send('GET', '/v1/limits')).status).toBe(401);
});

test('an exclusion holds at once and the player is told when he may come back', async () => {
  const player = await signedIn();
  const timeOut = await player.post('/v1/exclusions', { kind: 'time-out', duration: 'PT24H' });
  expect(timeOut).toMatchObject({ status: 200, body: { number: 1, kind: 'time-out', state: 'active' } });
  const forEver = await player.post('/v1/exclusions', { kind: 'self-exclusion', duration: 'indefinite' });
  expect(forEver).toMatchObject({ status: 200, body: { number: 2, until: null } });
  expect(await player.post('/v1/exclusions/2/reinstatement')).toMatchObject({
    status: 403,
    body: { code: 'self-excluded' },
  });
  expect((await player.post('/v1/exclusions/1/reinstatement')).status).toBe(404);
  expect(await player.post('/v1/exclusions', { kind: 'self-exclusion', duration: 'P1M' })).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
  expect((await player.get('/v1/exclusions')).body['items']).toHaveLength(2);
  const wallet = await database.db
    .selectFrom('wallet.playerWallet')
    .select('playBlockReason')
    .where('playerId', '=', player.playerId)
    .executeTakeFirstOrThrow();
  expect(wallet.playBlockReason).toBe('self-exclusion');
});

test('staff read limits and exclusions within their role and brand', async () => {
  const player = await signedIn();
  await player.post('/v1/limits', depositLimit('20'));
  await player.post('/v1/exclusions', { kind: 'time-out', duration: 'P2D' });
  const path = `/admin/v1/players/${player.playerId}/limits`;
  const read = async (roles: Parameters<TestApi['signInAs']>[0], brands?: readonly string[]) =>
    app.send('GET', path, undefined, { token: await app.signInAs(roles, brands) });
  expect(await read(['support'])).toMatchObject({
    status: 200,
    body: { limits: [{ money: { amount: '20.00' } }], exclusions: [{ kind: 'time-out' }] },
  });
  expect((await read(['analyst'])).status).toBe(403);
  expect((await read(['support'], ['another-brand'])).status).toBe(404);
  const unknown = `/admin/v1/players/${randomUUID()}/limits`;
  expect((await app.send('GET', unknown, undefined, { token: await app.signInAs(['support']) })).status).toBe(
    404,
  );
  expect(
    (
      await app.send('GET', '/admin/v1/jurisdictions', undefined, {
        token: await app.signInAs(['compliance']),
      })
    ).body,
  ).toMatchObject({ items: [{ jurisdiction: 'GB' }, { jurisdiction: 'MT' }, { jurisdiction: 'SE' }] });
});
