/** The a8r v1 wire on a real ledger: integer subunits, one envelope for all, 412 and 403 in its own words. */
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { orThrow } from '#domain/failures.ts';
import { makeFundedWallet } from '#test/support/factories.ts';
import { openDoors, type DoorRequests } from '#test/support/door-requests.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeIntegration } from '#test/support/integrations.ts';

const euro = 10n ** 12n;
const secret = 'test';

let database: TestDatabase;
let wallet: WalletWriter;
let api: DoorRequests;

beforeAll(async () => {
  database = await createTestDatabase();
  wallet = createWalletWriter({ pool: database.pool });
  await database.db
    .insertInto('wallet.asset')
    .values([
      { code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 },
      { code: 'ETH', kind: 'crypto', ledgerScale: 18, payableScale: 18 },
      { code: 'JPY', kind: 'fiat', ledgerScale: 12, payableScale: 0 },
    ])
    .onConflict((oc) => oc.doNothing())
    .execute();
  await makeIntegration(database.db, {
    id: 'agg',
    dialect: 'a8r-v1',
    callerSecret: secret,
  });
  await database.db
    .insertInto('games.game')
    .values([
      { integration: 'agg', code: 'acme:test', title: 'Test', category: 'slots' },
      { integration: 'agg', code: 'acme:gone', title: 'Gone', category: 'slots', enabled: false },
    ])
    .execute();
  api = openDoors(database.db, wallet);
});

afterAll(async () => {
  await wallet?.close();
  await database?.drop();
});

async function playerWith(amount: bigint, { asset = 'EUR', brand = 'aurora' } = {}): Promise<string> {
  return makeFundedWallet(database.db, amount, { asset, brand });
}

const hmac = (body: string, key = secret): string => createHmac('sha256', key).update(body).digest('hex');

type Answer = {
  readonly http: number;
  readonly text: string;
  readonly code?: number;
  readonly message?: string;
  readonly balance?: number;
  readonly game_id?: string;
  readonly transactions?: readonly { action_id: string; tx_id: string }[];
};

async function send(
  path: string,
  body: string,
  headers: Record<string, string> = { 'x-request-sign': hmac(body) },
  integration = 'agg',
): Promise<Answer> {
  const response = await api.request(`/wallet/a8r/v1/${integration}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const text = await response.text();
  return { http: response.status, text, ...(JSON.parse(text) as object) };
}

const bet = (amount: number, id: string = randomUUID()) => ({ action: 'bet', amount, action_id: id });
const win = (amount: number, id: string = randomUUID()) => ({ action: 'win', amount, action_id: id });
const envelope = (playerId: string, more: Record<string, unknown> = {}) => ({
  user_id: playerId,
  currency: 'EUR',
  game: 'acme:test',
  game_id: 'r1',
  finished: false,
  session_id: 'theirs',
  ...more,
});
const play = (playerId: string, actions: readonly object[], more = {}) =>
  send('play', JSON.stringify(envelope(playerId, { actions, ...more })));
const rollback = (playerId: string, originals: readonly string[], more = {}) =>
  send(
    'rollback',
    JSON.stringify(
      envelope(playerId, {
        actions: originals.map((id) => ({
          action: 'rollback',
          action_id: randomUUID(),
          original_action_id: id,
        })),
        ...more,
      }),
    ),
  );
const cashOf = async (playerId: string): Promise<bigint> => {
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    playerId,
  ]);
  return BigInt(rows[0].cash);
};

test('the vector of the contract, under either header', async () => {
  const body = '{"user_id":"8|USDT|USD","currency":"USD","game":"acceptance:test"}';
  const signature = '442c4cd8926008096225416b21f5a1862fbf4fc4e5224362e3b463e85a39f40a';
  for (const headers of [{ 'x-request-sign': signature }, { authorization: `HMAC-SHA256 ${signature}` }]) {
    expect(await send('play', body, headers)).toMatchObject({
      http: 412,
      code: 101,
      message: 'Player is invalid',
    });
  }
  for (const headers of [
    { authorization: `HMAC-SHA256 ${signature.toUpperCase()}` },
    { authorization: `Bearer ${signature}` },
    {},
  ]) {
    expect(await send('play', body, headers)).toMatchObject({ http: 403, code: 403, message: 'Forbidden' });
  }
});

test('a call without actions asks for the balance', async () => {
  const playerId = await playerWith(10n * euro);
  const { text } = await send(
    'play',
    JSON.stringify({ user_id: playerId, currency: 'EUR', game: 'acme:test' }),
  );
  expect(JSON.parse(text)).toEqual({ balance: 1_000 });
  expect(await play(playerId, [])).toMatchObject({ http: 200, balance: 1_000, game_id: 'r1' });
});

test('bet and win in subunits, in request order; a repeat gets the first tx_id', async () => {
  const playerId = await playerWith(10n * euro);
  const actions = [bet(150), win(25)];
  const first = await play(playerId, actions);
  expect(first).toMatchObject({ http: 200, balance: 875, game_id: 'r1' });
  expect(first.transactions?.map((one) => one.action_id)).toEqual(actions.map((one) => one.action_id));
  expect(await play(playerId, actions)).toEqual(first);
  expect(await play(playerId, [{ ...actions[0], amount: 999 }])).toMatchObject({
    transactions: [first.transactions?.[0]],
  });
  expect(await cashOf(playerId)).toBe(8_750_000_000_000n);
});

test('an id used with another kind or by another player is refused and moves nothing', async () => {
  const [playerId, other] = [await playerWith(10n * euro), await playerWith(10n * euro)];
  const placed = bet(200);
  await play(playerId, [placed]);
  expect(await play(playerId, [win(200, placed.action_id)])).toMatchObject({ http: 412, code: 400 });
  expect(await play(other, [placed])).toMatchObject({ http: 412, code: 400 });
  expect([await cashOf(playerId), await cashOf(other)]).toEqual([8n * euro, 10n * euro]);
});

test('an earlier win pays for a later bet; one refusal aborts all', async () => {
  const playerId = await playerWith(1n * euro);
  expect(await play(playerId, [bet(100), win(500), bet(600)])).toMatchObject({
    http: 412,
    code: 100,
    message: 'Not enough funds',
  });
  expect(await cashOf(playerId)).toBe(1n * euro);
  expect(await play(playerId, [win(500), bet(600)])).toMatchObject({ http: 200, balance: 0 });
});

test('rollbacks in both orders, several of them, and a debt that is shown as 0', async () => {
  const playerId = await playerWith(0n);
  const [won, spent, late] = [win(500), bet(400), bet(300)];
  await play(playerId, [won, spent]);
  expect(await rollback(playerId, [won.action_id])).toMatchObject({ http: 200, balance: 0 });
  expect(await rollback(playerId, [spent.action_id])).toMatchObject({ http: 200, balance: 0 });
  for (const _ of [1, 2]) {
    const marked = await rollback(playerId, [late.action_id]);
    expect(marked).toMatchObject({ http: 200, balance: 0 });
    expect(marked.transactions?.[0]?.tx_id).toMatch(/^[0-9a-f-]{36}$/);
  }
  const arrived = await play(playerId, [late]);
  expect(arrived).toMatchObject({ http: 200, balance: 0 });
  expect(arrived.transactions?.[0]?.tx_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await play(playerId, [win(700)])).toMatchObject({ http: 200, balance: 700 });
});

test('a win without its bet is paid; a finished round is settled', async () => {
  const playerId = await playerWith(10n * euro);
  const stateOf = async (name: string) =>
    (
      await database.pool.query('select state from games.round where round_ref = $1 and player_id = $2', [
        name,
        playerId,
      ])
    ).rows[0]?.state;
  expect(await play(playerId, [win(100)], { game_id: 'w1' })).toMatchObject({ http: 200, balance: 1_100 });
  await play(playerId, [bet(100)], { game_id: 'w2' });
  expect(await stateOf('w2')).toBe('open');
  await play(playerId, [win(100)], { game_id: 'w2', finished: true });
  expect(await stateOf('w2')).toBe('settled');
  await play(playerId, [bet(100)], { game_id: 'w3' });
  await play(playerId, [], { game_id: 'w3', finished: true });
  expect(await stateOf('w3')).toBe('settled');
});

test('players, currencies, limits and games have the codes of the table', async () => {
  const playerId = await playerWith(10n * euro);
  expect(await play(randomUUID(), [bet(1)])).toMatchObject({ http: 412, code: 101 });
  expect(await play(await playerWith(euro, { brand: 'borealis' }), [bet(1)])).toMatchObject({
    http: 412,
    code: 101,
  });
  expect(await play(playerId, [bet(1)], { currency: 'ETH' })).toMatchObject({ http: 412, code: 154 });
  for (const game of ['acme:gone', 'acme:nothing'])
    expect(await play(playerId, [bet(1)], { game })).toMatchObject({ http: 412, code: 107 });
  await database.pool.query(
    'update wallet.player_wallet set play_limits = $2, version = version + 1 where player_id = $1',
    [playerId, JSON.stringify([{ kind: 'stake', window: 'day', amount: euro.toString() }])],
  );
  expect(await play(playerId, [bet(101)])).toMatchObject({ http: 412, code: 105 });

  const bonus = await playerWith(0n);
  const awardId = randomUUID();
  await database.db.transaction().execute(async (trx) => {
    const transfer = {
      code: 'bonus.award',
      awardId,
      wagering: 100n * euro,
      betMax: 5n * euro,
      expiresAtMs: Date.now() + 3_600_000,
    } as const;
    orThrow(
      await postTransfer(trx, {
        key: `award:${awardId}:grant`,
        playerId: bonus,
        asset: 'EUR',
        amount: 9n * euro,
        subject: `award:${awardId}`,
        transfer,
      }),
    );
  });
  expect(await play(bonus, [bet(501)])).toMatchObject({ http: 412, code: 106 });

  const placed = bet(100);
  await play(playerId, [placed]);
  await database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, playerId, { until: 'infinity', reason: 'self-exclusion' }));
  expect(await play(playerId, [bet(1)])).toMatchObject({ http: 412, code: 110 });
  expect(await play(playerId, [placed, win(100)])).toMatchObject({ http: 200, balance: 1_000 });
  expect(await rollback(playerId, [placed.action_id])).toMatchObject({ http: 200, balance: 1_100 });
});

test('free rounds are paid once, when their status is final', async () => {
  const playerId = await playerWith(1n * euro);
  await database.db
    .insertInto('games.freeRoundIssue')
    .values({ integration: 'agg', issueId: 'issue-1', playerId, asset: 'EUR', gameCode: 'acme:test' })
    .execute();
  const tell = (status: string, total: number, issue = 'issue-1') =>
    send('freespins', JSON.stringify({ issue_id: issue, status, total_amount: total }));
  expect(await tell('active', 100)).toMatchObject({ http: 200, balance: 100 });
  for (const _ of [1, 2]) expect(JSON.parse((await tell('played', 250)).text)).toEqual({ balance: 350 });
  expect(await tell('played', 250, 'issue-2')).toMatchObject({ http: 412, code: 400 });
});

test('winnings of free rounds under a status that nobody knows are refused, and paid when it is told right', async () => {
  const playerId = await playerWith(1n * euro);
  await database.db
    .insertInto('games.freeRoundIssue')
    .values({ integration: 'agg', issueId: 'issue-3', playerId, asset: 'EUR', gameCode: 'acme:test' })
    .execute();
  const tell = (status: string, total: number) =>
    send('freespins', JSON.stringify({ issue_id: 'issue-3', status, total_amount: total }));
  // Without winnings there is nothing that could be lost.
  expect(await tell('paused', 0)).toMatchObject({ http: 200, balance: 100 });
  for (const word of ['completed', 'PLAYED', 'played '])
    expect(await tell(word, 250)).toMatchObject({ http: 412, code: 400 });
  expect(await tell('played', 250)).toMatchObject({ http: 200, balance: 350 });
});

test('currencies without cents and with eighteen decimals, beyond 2^53 and rounded down', async () => {
  const yen = await playerWith(10n * euro + euro - 1n, { asset: 'JPY' });
  expect(await play(yen, [bet(3)], { currency: 'JPY' })).toMatchObject({ http: 200, balance: 7 });
  const wei = await playerWith(12_345_678_901_234_567_891n, { asset: 'ETH' });
  expect((await play(wei, [bet(1)], { currency: 'ETH' })).text).toContain('"balance":12345678901234567890,');
});

test('signatures are checked over the raw bytes, before anything is parsed', async () => {
  const playerId = await playerWith(10n * euro);
  const body = JSON.stringify(envelope(playerId, { actions: [bet(100)] }));
  for (const signature of [hmac(body, 'another'), hmac(`${body} `), '']) {
    expect(await send('play', body, { 'x-request-sign': signature })).toMatchObject({ http: 403, code: 403 });
  }
  expect(await send('play', '{broken', { 'x-request-sign': hmac('other') })).toMatchObject({ http: 403 });
  expect(await send('play', body, undefined, 'nobody')).toMatchObject({ http: 403 });
  expect(await cashOf(playerId)).toBe(10n * euro);
});

const plain = '"amount":100';
test.each([
  ['not JSON', () => '{broken'],
  ['an amount as text', (text: string) => text.replace(plain, '"amount":"100"')],
  ['a negative amount', (text: string) => text.replace(plain, '"amount":-1')],
  ['a fraction', (text: string) => text.replace(plain, '"amount":1.5')],
  ['an exponent', (text: string) => text.replace(plain, '"amount":1e2')],
  ['a whole number with a point', (text: string) => text.replace(plain, '"amount":100.0')],
  ['more than int64', (text: string) => text.replace(plain, '"amount":9223372036854775808')],
  ['a repeated key', (text: string) => text.replace(plain, `${plain},${plain}`)],
  ['an unknown action', (text: string) => text.replace('"bet"', '"stake"')],
  ['a game without provider', (text: string) => text.replace('acme:test', 'test')],
  ['one id twice', (text: string) => text.replace(/\[(.*)\]/, '[$1,$1]')],
  ['no round', (text: string) => text.replace('"game_id":"r1",', '')],
  ['a NUL', (text: string) => text.replace('"r1"', '"r\\u0000"')],
])('%s moves nothing and is a bad request', async (_name, change) => {
  const playerId = await playerWith(10n * euro);
  expect(
    await send('play', change(JSON.stringify(envelope(playerId, { actions: [bet(100)] })))),
  ).toMatchObject({ http: 412, code: 400 });
  expect(await cashOf(playerId)).toBe(10n * euro);
});

test('a wallet that takes nothing is to be asked again, and is no refusal', async () => {
  const playerId = await playerWith(10n * euro);
  const closed = createWalletWriter({ pool: database.pool });
  await closed.close();
  const busy = openDoors(database.db, closed);
  const before = api;
  api = busy;
  expect(await play(playerId, [bet(1)])).toMatchObject({ http: 503, code: 500 });
  api = before;
});
