/** The a8r v2 wire on a real ledger: signatures over raw bytes, atomic ordered batches, Twirp errors, exact decimals. */
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
const secret = 'test-auth-token-xyz';

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
    ])
    .onConflict((oc) => oc.doNothing())
    .execute();
  await makeIntegration(database.db, {
    id: 'agg',
    dialect: 'a8r-v2',
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
  readonly code?: string;
  readonly meta?: { readonly api_code: string; readonly api_message: string; readonly balance?: string };
  readonly balance?: string;
  readonly round_id_casino?: string;
  readonly transactions?: readonly {
    id: string;
    id_casino: string;
    bonus_amount: string;
    processed_at: string;
  }[];
};

async function send(
  method: string,
  body: string,
  options: { signature?: string | null; base?: string } = {},
): Promise<Answer> {
  const signature = options.signature === undefined ? hmac(body) : options.signature;
  const response = await api.request(`${options.base ?? '/wallet/a8r/v2/agg'}/a8r_casino.${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature === null ? {} : { 'x-request-sign': signature }),
    },
    body,
  });
  return { http: response.status, ...((await response.json()) as object) };
}

const bet = (amount: string, id: string = randomUUID()) => ({ id, type: 'bet', amount });
const win = (amount: string, betId?: string, id: string = randomUUID()) => ({
  id,
  type: 'win',
  amount,
  ...(betId === undefined ? {} : { bet_id: betId }),
});
const round = (playerId: string, more: Record<string, unknown> = {}) => ({
  player_id: playerId,
  round_id: 'r1',
  game_id: 'acme:test',
  currency: 'EUR',
  provider: 'acme',
  ...more,
});
const betWin = (playerId: string, transactions: readonly object[], more = {}) =>
  send('Round/BetWin', JSON.stringify(round(playerId, { transactions, ...more })));
const rollback = (playerId: string, originals: readonly string[], more = {}) =>
  send(
    'Round/Rollback',
    JSON.stringify(
      round(playerId, {
        finished: false,
        transactions: originals.map((original) => ({ id: randomUUID(), original_id: original })),
        ...more,
      }),
    ),
  );
const balance = async (playerId: string, currency = 'EUR') =>
  (await send('Player/Balance', JSON.stringify({ player_id: playerId, currency }))).balance;
const cashOf = async (playerId: string): Promise<bigint> => {
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    playerId,
  ]);
  return BigInt(rows[0].cash);
};

test('the vectors of the contract are what we compute, and an unknown player behind one gets past the signature', async () => {
  const vectors = [
    [
      'Player/Balance',
      '{"player_id":"u1","currency":"EUR"}',
      '53d22c721397abe742700d4fc12f88d33e68ae02b5a156704ee901dfe8e616fe',
    ],
    [
      'Round/BetWin',
      '{"player_id":"u1","round_id":"r1","game_id":"acme:test","currency":"EUR","provider":"acme","transactions":[{"id":"t1","type":"bet","amount":"1.50"},{"id":"t2","type":"win","amount":"0.123456789012","bet_id":"t1"}]}',
      '83c66975f841663e16cf2871a901589ecd6d0004c76985e364c8d19543fc7e7e',
    ],
  ] as const;
  for (const [method, body, signature] of vectors) {
    expect(hmac(body)).toBe(signature);
    expect(await send(method, body, { signature })).toMatchObject({ http: 400, meta: { api_code: '101' } });
  }
});

test('bet and win in one batch to the twelfth decimal, with our ids in request order', async () => {
  const playerId = await playerWith(10n * euro);
  const placed = bet('1.50');
  const won = win('0.123456789012', placed.id);
  const answer = await betWin(playerId, [placed, won]);
  expect(answer).toMatchObject({ http: 200, balance: '8.623456789012' });
  expect(answer.transactions?.map(({ id }) => id)).toEqual([placed.id, won.id]);
  expect(new Set(answer.transactions?.map((one) => one.id_casino)).size).toBe(2);
  for (const one of answer.transactions ?? []) {
    expect(one).toMatchObject({
      bonus_amount: '0',
      processed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(Math.abs(Date.parse(one.processed_at) - Date.now())).toBeLessThan(60_000);
  }
  expect(answer.round_id_casino).toMatch(/^[0-9a-f-]{36}$/);
  expect(await balance(playerId)).toBe('8.623456789012');
});

test('a repeat gets the stored result and the live balance, even with another amount', async () => {
  const playerId = await playerWith(10n * euro);
  const placed = bet('2');
  const first = await betWin(playerId, [placed]);
  await betWin(playerId, [bet('1')]);
  const again = await betWin(playerId, [placed]);
  expect(again).toEqual({ ...first, balance: '7' });
  expect(await betWin(playerId, [{ ...placed, amount: '3' }])).toEqual(again);
  expect(await cashOf(playerId)).toBe(7n * euro);
});

test('an id used with another type or by another player is 409 and moves nothing', async () => {
  const [playerId, other] = [await playerWith(10n * euro), await playerWith(10n * euro)];
  const placed = bet('2');
  await betWin(playerId, [placed]);
  for (const answer of [
    await betWin(playerId, [win('2', undefined, placed.id)]),
    await betWin(other, [placed]),
  ]) {
    expect(answer).toMatchObject({ http: 409, code: 'already_exists', meta: { api_code: '409' } });
  }
  expect(await rollback(other, [placed.id])).toMatchObject({ http: 409, meta: { api_code: '409' } });
  expect(await cashOf(playerId)).toBe(8n * euro);
  expect(await cashOf(other)).toBe(10n * euro);
});

test('an earlier win pays for a later bet, never the other way round', async () => {
  const playerId = await playerWith(1n * euro);
  expect(await betWin(playerId, [win('5'), bet('6')])).toMatchObject({ http: 200, balance: '0' });
  expect(await betWin(playerId, [bet('1'), win('5')])).toMatchObject({
    http: 400,
    meta: { api_code: '100', balance: '0' },
  });
});

test('one refused step aborts the batch, and its ids can be used again', async () => {
  const playerId = await playerWith(2n * euro);
  const [won, one, tooMuch] = [win('1'), bet('1'), bet('100')];
  expect(await betWin(playerId, [won, one, tooMuch])).toMatchObject({
    http: 400,
    code: 'invalid_argument',
    meta: { api_code: '100', api_message: 'Not enough funds', balance: '2' },
  });
  expect(await cashOf(playerId)).toBe(2n * euro);
  expect(await betWin(playerId, [won, one])).toMatchObject({ http: 200, balance: '2' });
});

test('a win comes before its bet, without a bet and after its bet was rolled back', async () => {
  const playerId = await playerWith(10n * euro);
  const placed = bet('1');
  expect(await betWin(playerId, [win('2', placed.id)])).toMatchObject({ http: 200, balance: '12' });
  expect(await betWin(playerId, [win('0.5')])).toMatchObject({ http: 200, balance: '12.5' });
  expect(await betWin(playerId, [placed])).toMatchObject({ http: 200, balance: '11.5' });
  await rollback(playerId, [placed.id]);
  expect(await betWin(playerId, [win('1', placed.id)])).toMatchObject({ http: 200, balance: '13.5' });
});

test('rollbacks undo once; before the original they leave a mark, and the late original moves nothing', async () => {
  const playerId = await playerWith(10n * euro);
  const [placed, won] = [bet('4'), win('1')];
  await betWin(playerId, [placed, won]);
  expect(await rollback(playerId, [won.id, placed.id])).toMatchObject({ http: 200, balance: '10' });
  expect(await rollback(playerId, [placed.id])).toMatchObject({ http: 200, balance: '10' });

  const [late, lateWin] = [bet('3'), win('9')];
  const marked = await rollback(playerId, [late.id, lateWin.id]);
  expect(marked).toMatchObject({ http: 200, balance: '10' });
  expect(marked.transactions?.map((one) => one.id_casino)).toHaveLength(2);
  for (const _ of [1, 2]) {
    const answer = await betWin(playerId, [late, lateWin]);
    expect(answer).toMatchObject({ http: 200, balance: '10' });
    expect(answer.transactions?.every((one) => /^[0-9a-f-]{36}$/.test(one.id_casino))).toBe(true);
  }
  expect(await cashOf(playerId)).toBe(10n * euro);
});

test('a repeated rollback call gets the stored result', async () => {
  const playerId = await playerWith(10n * euro);
  const placed = bet('4');
  await betWin(playerId, [placed]);
  const body = JSON.stringify(
    round(playerId, { finished: true, transactions: [{ id: randomUUID(), original_id: placed.id }] }),
  );
  const first = await send('Round/Rollback', body);
  expect(await send('Round/Rollback', body)).toEqual(first);
  expect(first.balance).toBe('10');
});

test('taking back a spent win leaves a debt that is shown as 0 and repaid first', async () => {
  const playerId = await playerWith(0n);
  const won = win('5');
  await betWin(playerId, [won]);
  await betWin(playerId, [bet('4')]);
  expect(await rollback(playerId, [won.id])).toMatchObject({ http: 200, balance: '0' });
  expect(await betWin(playerId, [win('3')])).toMatchObject({ http: 200, balance: '0' });
  expect(await betWin(playerId, [win('3')])).toMatchObject({ http: 200, balance: '2' });
});

test('what bonus money paid or got is told per transaction', async () => {
  const playerId = await playerWith(1n * euro);
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
        playerId,
        asset: 'EUR',
        amount: 9n * euro,
        subject: `award:${awardId}`,
        transfer,
      }),
    );
  });
  const placed = bet('4');
  const answer = await betWin(playerId, [placed, win('2')]);
  expect(answer.transactions?.map((one) => one.bonus_amount)).toEqual(['3', '1.5']);
  expect(await betWin(playerId, [placed])).toMatchObject({ transactions: [{ bonus_amount: '3' }] });
  // In another call, and without naming the bet, the win still goes where the round's stake came from.
  expect((await betWin(playerId, [win('2')])).transactions?.map((one) => one.bonus_amount)).toEqual(['1.5']);
  expect(await betWin(playerId, [bet('5.01')])).toMatchObject({ http: 400, meta: { api_code: '106' } });
});

test('an excluded player stakes nothing (110); wins, rollbacks and repeats settle', async () => {
  const playerId = await playerWith(10n * euro);
  const placed = bet('1');
  await betWin(playerId, [placed]);
  await database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, playerId, { until: 'infinity', reason: 'self-exclusion' }));
  expect(await betWin(playerId, [bet('1')])).toMatchObject({ http: 400, meta: { api_code: '110' } });
  expect(await betWin(playerId, [placed, win('1')])).toMatchObject({ http: 200, balance: '10' });
  expect(await rollback(playerId, [placed.id])).toMatchObject({ http: 200, balance: '11' });
});

test('a withdrawn game takes no new stakes; what it owes settles', async () => {
  const playerId = await playerWith(10n * euro);
  const placed = bet('1');
  await betWin(playerId, [placed]);
  await database.pool.query("update games.game set enabled = false where code = 'acme:test'");
  const fresh = openDoors(database.db, wallet);
  const before = api;
  api = fresh;
  expect(await betWin(playerId, [bet('1')])).toMatchObject({ http: 400, meta: { api_code: '400' } });
  expect(await betWin(playerId, [placed, win('1')])).toMatchObject({ http: 200, balance: '10' });
  expect(await rollback(playerId, [placed.id])).toMatchObject({ http: 200, balance: '11' });
  api = before;
  await database.pool.query("update games.game set enabled = true where code = 'acme:test'");
});

test('a round ends by its finish or by the last call of it; an unknown one is nothing to do', async () => {
  const playerId = await playerWith(10n * euro);
  const stateOf = async (name: string) =>
    (
      await database.pool.query('select state from games.round where round_ref = $1 and player_id = $2', [
        name,
        playerId,
      ])
    ).rows[0]?.state;
  await betWin(playerId, [bet('1')], { round_id: 'f1' });
  expect(await stateOf('f1')).toBe('open');
  const finish = (name: string) =>
    send('Round/Finish', JSON.stringify({ player_id: playerId, round_id: name, currency: 'EUR' }));
  for (const _ of [1, 2]) expect(await finish('f1')).toEqual({ http: 200, balance: '9' });
  expect(await stateOf('f1')).toBe('settled');
  expect(await finish('never')).toEqual({ http: 200, balance: '9' });
  expect(await betWin(playerId, [win('1')], { round_id: 'f1' })).toMatchObject({ http: 200, balance: '10' });

  const placed = bet('1');
  await betWin(playerId, [bet('1'), placed], { round_id: 'f2' });
  await rollback(playerId, [placed.id], { round_id: 'f2', finished: true });
  expect(await stateOf('f2')).not.toBe('open');
});

test('free rounds are paid once per issue; an unknown issue is refused', async () => {
  const playerId = await playerWith(1n * euro);
  await database.db
    .insertInto('games.freeRoundIssue')
    .values({ integration: 'agg', issueId: 'issue-1', playerId, asset: 'EUR', gameCode: 'acme:test' })
    .execute();
  const finish = (issue: string, amount: string) =>
    send('Freespins/Finish', JSON.stringify({ issue_id: issue, amount }));
  expect(await finish('issue-1', '2.5')).toEqual({ http: 200, balance: '3.5' });
  expect(await finish('issue-1', '2.5')).toEqual({ http: 200, balance: '3.5' });
  expect(await finish('issue-2', '2.5')).toMatchObject({ http: 400, meta: { api_code: '400' } });
  expect(await finish('issue-1', '-1')).toMatchObject({ http: 400, meta: { api_code: '400' } });
  expect(await cashOf(playerId)).toBe(3_500_000_000_000n);
});

test('wei are exact and shown rounded down to the twelfth decimal', async () => {
  const playerId = await playerWith(10n ** 18n + 1_999_999n, { asset: 'ETH' });
  expect(await balance(playerId, 'ETH')).toBe('1.000000000001');
  expect(await betWin(playerId, [bet('0.000000000001')], { currency: 'ETH' })).toMatchObject({
    http: 200,
    balance: '1',
  });
  expect(await cashOf(playerId)).toBe(10n ** 18n + 999_999n);
});

test('players of another brand and currencies without a wallet are refused', async () => {
  const stranger = await playerWith(10n * euro, { brand: 'borealis' });
  expect(await betWin(stranger, [bet('1')])).toMatchObject({ http: 400, meta: { api_code: '101' } });
  const playerId = await playerWith(10n * euro);
  for (const currency of ['USD', 'ETH', 'DOGE']) {
    expect(await betWin(playerId, [bet('1')], { currency })).toMatchObject({
      http: 400,
      meta: { api_code: '154' },
    });
  }
});

test('signatures are checked over the raw bytes, before anything is parsed', async () => {
  const playerId = await playerWith(10n * euro);
  const body = JSON.stringify(round(playerId, { transactions: [bet('1')] }));
  const refused = { http: 403, code: 'permission_denied', meta: { api_code: '403' } };
  for (const signature of [
    null,
    '',
    hmac(body, 'another'),
    hmac(`${body} `),
    hmac(body).toUpperCase(),
    hmac(body).slice(2),
    'x'.repeat(64),
  ]) {
    expect(await send('Round/BetWin', body, { signature })).toMatchObject(refused);
  }
  expect(await send('Round/BetWin', '{broken', { signature: hmac('other') })).toMatchObject(refused);
  expect(await send('Round/BetWin', body, { base: '/wallet/a8r/v2/nobody' })).toMatchObject(refused);
  expect(await cashOf(playerId)).toBe(10n * euro);
  // Spaces change the bytes and not the meaning: a signature over exactly these bytes holds.
  expect(await send('Round/BetWin', ` ${body}\n`, { base: '/wallet/a8r/agg/v2' })).toMatchObject({
    http: 200,
    balance: '9',
  });
});

const plain = '"amount":"1"';
test.each([
  ['not JSON', () => '{broken'],
  ['a list', () => '[]'],
  ['not UTF-8 text', (text: string) => text.replace('"r1"', '"r\\ud800"')],
  ['a NUL', (text: string) => text.replace('"r1"', '"r\\u0000"')],
  ['an amount as a number', (text: string) => text.replace(plain, '"amount":1')],
  ['a negative amount', (text: string) => text.replace(plain, '"amount":"-1"')],
  ['an exponent', (text: string) => text.replace(plain, '"amount":"1e1"')],
  ['a bare point', (text: string) => text.replace(plain, '"amount":"1."')],
  ['thirteen decimals', (text: string) => text.replace(plain, '"amount":"0.1234567890123"')],
  ['nineteen digits', (text: string) => text.replace(plain, `"amount":"${'1'.repeat(19)}"`)],
  ['a trailing line end', (text: string) => text.replace(plain, '"amount":"1\\n"')],
  ['a repeated key', (text: string) => text.replace(plain, `${plain},${plain}`)],
  ['an unknown type', (text: string) => text.replace('"bet"', '"stake"')],
  ['a game without provider', (text: string) => text.replace('acme:test', 'test')],
  ['an unknown game', (text: string) => text.replace('acme:test', 'acme:nothing')],
  ['no transactions', (text: string) => text.replace(/\[.*\]/, '[]')],
  ['one id twice', (text: string) => text.replace(/\[(.*)\]/, '[$1,$1]')],
  ['an empty id', (text: string) => text.replace(/"id":"[^"]+"/, '"id":""')],
  ['an id of 256 characters', (text: string) => text.replace(/"id":"[^"]+"/, `"id":"${'x'.repeat(256)}"`)],
  ['no round', (text: string) => text.replace('"round_id":"r1",', '')],
])('%s moves nothing and is a validation error', async (_name, change) => {
  const playerId = await playerWith(10n * euro);
  const text = change(JSON.stringify(round(playerId, { transactions: [bet('1')] })));
  expect(await send('Round/BetWin', text)).toMatchObject({
    http: 400,
    code: 'invalid_argument',
    meta: { api_code: '400' },
  });
  expect(await cashOf(playerId)).toBe(10n * euro);
});

test('two rollbacks of one original in a call are a validation error', async () => {
  const playerId = await playerWith(1n * euro);
  const id = randomUUID();
  expect(await rollback(playerId, [id, id])).toMatchObject({ http: 400, meta: { api_code: '400' } });
});

test('a bet of zero is recorded', async () => {
  const playerId = await playerWith(0n);
  expect(await betWin(playerId, [bet('0.00')])).toMatchObject({ http: 200, balance: '0' });
});

test('fifty identical batches at the same time move money once', async () => {
  const playerId = await playerWith(10n * euro);
  const transactions = [bet('2'), win('1')];
  const answers = await Promise.all(Array.from({ length: 50 }, () => betWin(playerId, transactions)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer.transactions))).size).toBe(1);
  expect(await cashOf(playerId)).toBe(9n * euro);
});

test('a wallet that takes nothing is unavailable, and decides nothing', async () => {
  const closed = createWalletWriter({ pool: database.pool });
  await closed.close();
  const dead = openDoors(database.db, closed);
  const playerId = await playerWith(10n * euro);
  const before = api;
  api = dead;
  expect(await betWin(playerId, [bet('1')])).toMatchObject({
    http: 503,
    code: 'unavailable',
    meta: { api_code: '500' },
  });
  api = before;
});

test('a bug of ours is an internal error, and no promise that a repeat helps', async () => {
  const faulty = { ...wallet, submitBatch: () => Promise.reject(new TypeError('a bug')) };
  const broken = openDoors(database.db, faulty);
  const playerId = await playerWith(10n * euro);
  const before = api;
  api = broken;
  expect(await betWin(playerId, [bet('1')])).toMatchObject({
    http: 500,
    code: 'internal',
    meta: { api_code: '500' },
  });
  api = before;
});
