/** The whole application serves every dialect's door, and two of its processes agree on what one provider says twice. */
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { makeFundedWallet } from '#test/support/factories.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeIntegration } from '#test/support/integrations.ts';

const euro = 10n ** 12n;
const secret = 'shared';

let database: TestDatabase;
let one: TestApi;
let two: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  one = await createTestApi(database);
  two = await createTestApi(database, { keyRing: one.deps.keyRing });
  await makeIntegration(database.db, {
    id: 'agg',
    dialect: 'a8r-v2',
    callerSecret: secret,
    keyRing: one.deps.keyRing,
  });
  await database.db
    .insertInto('games.game')
    .values({ integration: 'agg', code: 'acme:test', title: 'Test', category: 'slots' })
    .execute();
});

afterAll(async () => {
  await one?.close();
  await two?.close();
  await database?.drop();
});

test.each([
  ['hub88/nobody/transaction/bet', 200, { status: 'RS_ERROR_INVALID_PARTNER' }],
  ['caleta/nobody/wallet/check', 200, { status: 'RS_ERROR_INVALID_PARTNER' }],
  ['a8r/v2/agg/a8r_casino.Round/BetWin', 403, { code: 'permission_denied' }],
  ['a8r/agg/v2/a8r_casino.Player/Balance', 403, { code: 'permission_denied' }],
  ['a8r/v1/nobody/play', 403, { code: 403 }],
])('/wallet/%s answers a stranger in its own words', async (path, status, body) => {
  const response = await one.api.request(`/wallet/${path}`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject(body);
});

async function fundedPlayer(): Promise<string> {
  return makeFundedWallet(database.db, 10n * euro);
}

async function call(process: TestApi, method: string, playerId: string, transactions: readonly object[]) {
  const body = JSON.stringify({
    player_id: playerId,
    round_id: 'r1',
    game_id: 'acme:test',
    currency: 'EUR',
    provider: 'acme',
    finished: false,
    transactions,
  });
  const response = await process.api.request(`/wallet/a8r/v2/agg/a8r_casino.Round/${method}`, {
    method: 'POST',
    headers: { 'x-request-sign': createHmac('sha256', secret).update(body).digest('hex') },
    body,
  });
  const answer = (await response.json()) as { transactions?: readonly object[] };
  return { http: response.status, transactions: JSON.stringify(answer.transactions) };
}

const cashOf = async (playerId: string): Promise<bigint> => {
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    playerId,
  ]);
  return BigInt(rows[0].cash);
};

test('one batch sent fifty times to two processes moves money once and has one answer', async () => {
  const playerId = await fundedPlayer();
  const transactions = [
    { id: randomUUID(), type: 'bet', amount: '2' },
    { id: randomUUID(), type: 'win', amount: '0.5' },
  ];
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      call(index % 2 === 0 ? one : two, 'BetWin', playerId, transactions),
    ),
  );
  expect(new Set(answers.map(({ http }) => http))).toEqual(new Set([200]));
  expect(new Set(answers.map((answer) => answer.transactions)).size).toBe(1);
  expect(await cashOf(playerId)).toBe(8_500_000_000_000n);
});

test('a bet that races its own rollback through two processes is never kept', async () => {
  const playerId = await fundedPlayer();
  for (let turn = 0; turn < 20; turn += 1) {
    const id = randomUUID();
    const answers = await Promise.all([
      call(one, 'BetWin', playerId, [{ id, type: 'bet', amount: '1' }]),
      call(two, 'Rollback', playerId, [{ id: randomUUID(), original_id: id }]),
    ]);
    expect(answers.map(({ http }) => http)).toEqual([200, 200]);
    expect(await cashOf(playerId)).toBe(10n * euro);
  }
});
