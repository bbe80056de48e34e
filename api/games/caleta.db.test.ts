/** The Caleta wire on a real ledger: its own header, paths, words and tokens on top of what it shares with Hub88. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGameSession } from '#activities/games/commands/game-sessions.ts';
import { expireGameSessions, setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { orThrow } from '#domain/failures.ts';
import { makeFundedWallet } from '#test/support/factories.ts';
import { openDoors, type DoorRequests } from '#test/support/door-requests.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeIntegration } from '#test/support/integrations.ts';

const euro = 10n ** 12n;
const caller = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

let database: TestDatabase;
let wallet: WalletWriter;
let api: DoorRequests;

beforeAll(async () => {
  database = await createTestDatabase();
  wallet = createWalletWriter({ pool: database.pool });
  await database.db
    .insertInto('wallet.asset')
    .values({ code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 })
    .onConflict((oc) => oc.doNothing())
    .execute();
  await makeIntegration(database.db, {
    id: 'studio',
    dialect: 'caleta',
    callerPublicKey: caller.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  });
  await database.db
    .insertInto('games.game')
    .values([
      { integration: 'studio', code: 'slot', title: 'Slot', category: 'slots' },
      { integration: 'studio', code: 'withdrawn', title: 'Gone', category: 'slots', enabled: false },
    ])
    .execute();
  api = openDoors(database.db, wallet);
});

afterAll(async () => {
  await wallet?.close();
  await database?.drop();
});

type Player = { readonly playerId: string; readonly token: string };

async function playerWith(amount: bigint): Promise<Player> {
  const playerId = await makeFundedWallet(database.db, amount);
  const session = orThrow(
    await openGameSession(database.db, {
      playerId,
      playerSessionId: randomUUID(),
      brand: 'aurora',
      integration: 'studio',
      game: 'slot',
      asset: 'EUR',
    }),
  );
  return { playerId, token: session.token };
}

async function send(
  path: string,
  body: string,
  options: { key?: typeof caller; signature?: string | null; integration?: string } = {},
) {
  const raw = Buffer.from(body);
  const signature =
    options.signature === undefined
      ? sign('RSA-SHA256', raw, (options.key ?? caller).privateKey).toString('base64')
      : options.signature;
  const response = await api.request(`/wallet/caleta/${options.integration ?? 'studio'}/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature === null ? {} : { 'x-auth-signature': signature }),
    },
    body: raw,
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  return {
    text,
    ...(JSON.parse(text) as { status: string; balance?: number; user?: string; request_uuid?: string }),
  };
}

const betBody = (player: Player, more: Record<string, unknown> = {}) => ({
  request_uuid: randomUUID(),
  token: player.token,
  supplier_user: player.playerId,
  currency: 'EUR',
  amount: 100_000,
  transaction_uuid: randomUUID(),
  round: 'r1',
  round_closed: false,
  is_free: false,
  game_code: 'slot',
  ...more,
});
const bet = (body: object) => send('wallet/bet', JSON.stringify(body));
const win = (body: object) => send('wallet/win', JSON.stringify(body));
const rollback = (body: object) => send('wallet/rollback', JSON.stringify(body));
const balance = (player: Player, more: Record<string, unknown> = {}) =>
  send(
    'wallet/balance',
    JSON.stringify({
      request_uuid: randomUUID(),
      token: player.token,
      game_code: 'slot',
      supplier_user: player.playerId,
      ...more,
    }),
  );
const check = async (token: string) =>
  (await send('wallet/check', JSON.stringify({ token }))) as {
    text: string;
    status?: string;
    token?: string;
  };

test('bet, win with a jackpot share, balance and rollback by the dialect’s own paths and field', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player, { amount: 356_001 });
  expect(await bet(placed)).toMatchObject({
    status: 'RS_OK',
    user: player.playerId,
    currency: 'EUR',
    balance: 643_999,
    request_uuid: placed.request_uuid,
  });
  const won = betBody(player, {
    amount: 5,
    jackpot_win: 3,
    reference_transaction_uuid: placed.transaction_uuid,
    round_closed: true,
  });
  expect(await win(won)).toMatchObject({ status: 'RS_OK', balance: 644_004 });
  expect(
    await win(betBody(player, { jackpot_win: '3', reference_transaction_uuid: placed.transaction_uuid })),
  ).toMatchObject({ status: 'RS_ERROR_WRONG_TYPES' });
  expect(await balance(player)).toMatchObject({ status: 'RS_OK', balance: 644_004 });
  const undo = betBody(player, {
    amount: undefined,
    currency: undefined,
    supplier_user: undefined,
    reference_transaction_uuid: won.transaction_uuid,
  });
  expect(await rollback(undo)).toMatchObject({ status: 'RS_OK', balance: 643_999 });
});

test('no error shows user, currency or balance, whatever the integration says', async () => {
  const player = await playerWith(1n * euro);
  const tooMuch = betBody(player, { amount: 100_001 });
  const refused = await bet(tooMuch);
  expect(JSON.parse(refused.text)).toEqual({
    status: 'RS_ERROR_NOT_ENOUGH_MONEY',
    request_uuid: tooMuch.request_uuid,
  });
});

test('a limit has the dialect’s own name', async () => {
  const player = await playerWith(10n * euro);
  await database.pool.query(
    'update wallet.player_wallet set play_limits = $2, version = version + 1 where player_id = $1',
    [player.playerId, JSON.stringify([{ kind: 'stake', window: 'day', amount: euro.toString() }])],
  );
  expect(await bet(betBody(player, { amount: 100_001 }))).toMatchObject({
    status: 'RS_ERROR_BET_LIMIT_EXCEEDED',
  });
  expect(await bet(betBody(player, { amount: 100_000 }))).toMatchObject({ status: 'RS_OK' });
});

test('a check answers a new token; the old one ends for bets only', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player);
  await bet(placed);
  const checked = await check(player.token);
  expect(Object.keys(JSON.parse(checked.text))).toEqual(['token']);
  const renewed = { ...player, token: checked.token ?? '' };
  expect(renewed.token).not.toBe(player.token);

  expect(await bet(betBody(player))).toMatchObject({ status: 'RS_ERROR_TOKEN_EXPIRED' });
  expect(await bet(betBody(renewed))).toMatchObject({ status: 'RS_OK', balance: 800_000 });
  expect(await balance(player)).toMatchObject({ status: 'RS_OK', balance: 800_000 });
  expect(await win(betBody(player, { reference_transaction_uuid: placed.transaction_uuid }))).toMatchObject({
    status: 'RS_OK',
    balance: 900_000,
  });
  expect(
    await rollback(betBody(player, { reference_transaction_uuid: placed.transaction_uuid })),
  ).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });

  expect(await check(player.token)).toMatchObject({ status: 'RS_ERROR_TOKEN_EXPIRED' });
  expect(await check('nothing')).toMatchObject({ status: 'RS_ERROR_INVALID_TOKEN' });
});

test('of two checks with one token at the same time, one gets the new token', async () => {
  const player = await playerWith(0n);
  const answers = await Promise.all([check(player.token), check(player.token)]);
  expect(answers.filter((answer) => answer.token !== undefined)).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 'RS_ERROR_TOKEN_EXPIRED')).toHaveLength(1);
});

test('a new token does not survive a log-out of the old one', async () => {
  const player = await playerWith(10n * euro);
  await database.db.transaction().execute((trx) => expireGameSessions(trx, player.playerId));
  const checked = await check(player.token);
  expect(await bet(betBody({ ...player, token: checked.token ?? '' }))).toMatchObject({
    status: 'RS_ERROR_TOKEN_EXPIRED',
  });
});

test('an excluded player stakes nothing; what was staked settles', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player);
  await bet(placed);
  await database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, player.playerId, { until: 'infinity', reason: 'self-exclusion' }));
  expect(await bet(betBody(player))).toMatchObject({ status: 'RS_ERROR_USER_DISABLED' });
  expect(await win(betBody(player, { reference_transaction_uuid: placed.transaction_uuid }))).toMatchObject({
    status: 'RS_OK',
    balance: 1_000_000,
  });
});

test('repeats and rollbacks in both orders', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player);
  await bet(placed);
  expect(await bet(placed)).toMatchObject({ status: 'RS_OK', balance: 900_000 });
  for (const other of [{ amount: 100_001 }, { round: 'r2' }]) {
    expect(await bet({ ...placed, ...other })).toMatchObject({ status: 'RS_ERROR_DUPLICATE_TRANSACTION' });
  }
  const undo = () => rollback(betBody(player, { reference_transaction_uuid: placed.transaction_uuid }));
  expect(await undo()).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });
  expect(await undo()).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });
  expect(await win(betBody(player, { reference_transaction_uuid: placed.transaction_uuid }))).toMatchObject({
    status: 'RS_ERROR_TRANSACTION_ROLLED_BACK',
  });
  expect(await win(betBody(player, { reference_transaction_uuid: randomUUID() }))).toMatchObject({
    status: 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST',
  });

  const late = betBody(player);
  expect(
    await rollback(betBody(player, { reference_transaction_uuid: late.transaction_uuid })),
  ).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });
  for (const _ of [1, 2])
    expect(await bet(late)).toMatchObject({ status: 'RS_ERROR_TRANSACTION_ROLLED_BACK' });
});

test('signatures are checked over the raw bytes, under the dialect’s own header', async () => {
  const player = await playerWith(1n * euro);
  const body = JSON.stringify(betBody(player));
  for (const options of [{ key: stranger }, { signature: null }, { signature: 'no base64!' }]) {
    expect(await send('wallet/bet', body, options)).toMatchObject({ status: 'RS_ERROR_INVALID_SIGNATURE' });
  }
  const signature = sign('RSA-SHA256', Buffer.from(body), caller.privateKey).toString('base64');
  expect(await send('wallet/bet', `${body} `, { signature })).toMatchObject({
    status: 'RS_ERROR_INVALID_SIGNATURE',
  });
  const wrongHeader = await api.request('/wallet/caleta/studio/wallet/bet', {
    method: 'POST',
    headers: { 'x-hub88-signature': signature },
    body,
  });
  expect(await wrongHeader.json()).toMatchObject({ status: 'RS_ERROR_INVALID_SIGNATURE' });
  expect(await send('wallet/bet', body, { integration: 'nobody' })).toMatchObject({
    status: 'RS_ERROR_INVALID_PARTNER',
  });
});

test.each([
  ['not JSON', '{broken', 'RS_ERROR_WRONG_SYNTAX'],
  ['a list', '[]', 'RS_ERROR_WRONG_TYPES'],
  [
    'Hub88’s name for the player',
    (text: string) => text.replace('"supplier_user"', '"user"'),
    'RS_ERROR_WRONG_SYNTAX',
  ],
  [
    'an amount as text',
    (text: string) => text.replace('"amount":100000', '"amount":"100000"'),
    'RS_ERROR_WRONG_TYPES',
  ],
  ['an exponent', (text: string) => text.replace('"amount":100000', '"amount":1e5'), 'RS_ERROR_WRONG_TYPES'],
  [
    'a negative amount',
    (text: string) => text.replace('"amount":100000', '"amount":-1'),
    'RS_ERROR_WRONG_TYPES',
  ],
  [
    'an id that cannot be kept',
    (text: string) => text.replace('"round":"r1"', '"round":"r\\u0000"'),
    'RS_ERROR_WRONG_TYPES',
  ],
  [
    'a repeated key',
    (text: string) => text.replace('"amount":100000', '"amount":1,"amount":100000'),
    'RS_ERROR_WRONG_SYNTAX',
  ],
  ['another currency', (text: string) => text.replace('"EUR"', '"USD"'), 'RS_ERROR_WRONG_CURRENCY'],
  ['an unknown game', (text: string) => text.replace('"slot"', '"nothing"'), 'RS_ERROR_INVALID_GAME'],
  [
    'an unknown token',
    (text: string) => text.replace(/"token":"[^"]+"/, '"token":"nothing"'),
    'RS_ERROR_INVALID_TOKEN',
  ],
  [
    'another player',
    (text: string) => text.replace(/"supplier_user":"[^"]+"/, '"supplier_user":"somebody"'),
    'RS_ERROR_INVALID_TOKEN',
  ],
])('%s moves nothing and is answered in the dialect', async (_name, change, status) => {
  const player = await playerWith(10n * euro);
  const text = JSON.stringify(betBody(player));
  const answer = await send('wallet/bet', typeof change === 'string' ? change : change(text));
  expect(answer).toMatchObject({ status });
  for (const field of ['user', 'currency', 'balance'])
    expect(JSON.parse(answer.text)).not.toHaveProperty(field);
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    player.playerId,
  ]);
  expect(rows[0].cash).toBe(String(10n * euro));
});

test('a partner of the other dialect has no door here', async () => {
  await database.pool.query("update games.integration set dialect = 'hub88' where id = 'studio'");
  const other = openDoors(database.db, wallet);
  const response = await other.request('/wallet/caleta/studio/wallet/balance', {
    method: 'POST',
    body: '{}',
  });
  expect(await response.json()).toEqual({ status: 'RS_ERROR_INVALID_PARTNER' });
  await database.pool.query("update games.integration set dialect = 'caleta' where id = 'studio'");
});
