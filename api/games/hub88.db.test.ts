/** The Hub88 wire on a real ledger: real signatures over raw bytes, the dialect's own answers, exact integers. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openGameSession } from '#activities/games/commands/game-sessions.ts';
import { expireGameSessions, openWallet, setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { orThrow } from '#domain/failures.ts';
import { makeFundedWallet } from '#test/support/factories.ts';
import { openDoors, type DoorRequests } from '#test/support/door-requests.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer } from '#test/support/factories.ts';
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
    .values([
      { code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 },
      { code: 'USD', kind: 'fiat', ledgerScale: 12, payableScale: 2 },
    ])
    .onConflict((oc) => oc.doNothing())
    .execute();
  await makeIntegration(database.db, {
    id: 'studio',
    dialect: 'hub88',
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
  const response = await api.request(`/wallet/hub88/${options.integration ?? 'studio'}/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature === null ? {} : { 'x-hub88-signature': signature }),
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
  user: player.playerId,
  currency: 'EUR',
  amount: 100_000,
  transaction_uuid: randomUUID(),
  round: 'r1',
  round_closed: false,
  is_free: false,
  game_code: 'slot',
  ...more,
});
const bet = (body: object) => send('transaction/bet', JSON.stringify(body));
const win = (body: object) => send('transaction/win', JSON.stringify(body));
const rollback = (body: object) => send('transaction/rollback', JSON.stringify(body));

test('bet, win and balance with the dialect’s own scale', async () => {
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
    amount: 1,
    reference_transaction_uuid: placed.transaction_uuid,
    round_closed: true,
  });
  expect(await win(won)).toMatchObject({ status: 'RS_OK', balance: 644_000 });
  const asked = { request_uuid: randomUUID(), token: player.token, game_code: 'slot', user: player.playerId };
  expect(await send('user/balance', JSON.stringify(asked))).toMatchObject({
    status: 'RS_OK',
    balance: 644_000,
  });
});

test('a balance beyond 2^53 is written to the last digit', async () => {
  const player = await playerWith(123_456_789_012_345n * euro);
  const answer = await bet(betBody(player, { amount: 1 }));
  expect(answer.text).toContain('"balance":12345678901234499999}');
});

test('the same transaction again is answered with the live balance; with other content it is refused', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player);
  await bet(placed);
  expect(await bet(placed)).toMatchObject({ status: 'RS_OK', balance: 900_000 });
  expect(await bet({ ...placed, request_uuid: randomUUID() })).toMatchObject({
    status: 'RS_OK',
    balance: 900_000,
  });
  for (const other of [{ amount: 100_001 }, { round: 'r2' }]) {
    expect(await bet({ ...placed, ...other })).toMatchObject({ status: 'RS_ERROR_DUPLICATE_TRANSACTION' });
  }
});

test('a rollback undoes once, and before its bet it leaves a permanent mark', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player);
  await bet(placed);
  const undo = () =>
    rollback(
      betBody(player, {
        amount: undefined,
        currency: undefined,
        reference_transaction_uuid: placed.transaction_uuid,
      }),
    );
  expect(await undo()).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });
  expect(await undo()).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });
  const won = betBody(player, { reference_transaction_uuid: placed.transaction_uuid });
  expect(await win(won)).toMatchObject({ status: 'RS_ERROR_TRANSACTION_ROLLED_BACK' });

  const late = betBody(player);
  expect(
    await rollback(betBody(player, { reference_transaction_uuid: late.transaction_uuid })),
  ).toMatchObject({ status: 'RS_OK', balance: 1_000_000 });
  for (const _ of [1, 2])
    expect(await bet(late)).toMatchObject({ status: 'RS_ERROR_TRANSACTION_ROLLED_BACK' });
});

test('too little money carries the balance where the integration wants it', async () => {
  const player = await playerWith(1n * euro);
  expect(await bet(betBody(player, { amount: 100_001 }))).toMatchObject({
    status: 'RS_ERROR_NOT_ENOUGH_MONEY',
    balance: 100_000,
  });
});

test('a win without its bet is refused; a zero bet and a free bet are recorded and move nothing', async () => {
  const player = await playerWith(1n * euro);
  expect(await win(betBody(player, { reference_transaction_uuid: randomUUID() }))).toMatchObject({
    status: 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST',
  });
  expect(await bet(betBody(player, { amount: 0 }))).toMatchObject({ status: 'RS_OK', balance: 100_000 });
  expect(await bet(betBody(player, { amount: 500_000, is_free: true }))).toMatchObject({
    status: 'RS_OK',
    balance: 100_000,
  });
});

test('after exclusion and log-out bets are refused and wins still settle', async () => {
  const player = await playerWith(10n * euro);
  const placed = betBody(player);
  await bet(placed);
  await database.db.transaction().execute((trx) => expireGameSessions(trx, player.playerId));
  expect(await bet(betBody(player))).toMatchObject({ status: 'RS_ERROR_TOKEN_EXPIRED' });
  await database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, player.playerId, { until: 'infinity', reason: 'self-exclusion' }));
  expect(await bet(betBody(player))).toMatchObject({ status: 'RS_ERROR_USER_DISABLED' });
  expect(await win(betBody(player, { reference_transaction_uuid: placed.transaction_uuid }))).toMatchObject({
    status: 'RS_OK',
    balance: 1_000_000,
  });
});

/** The same player's sitting in dollars, beside the one in euro. */
async function inDollars({ playerId }: Player): Promise<Player> {
  await database.db
    .transaction()
    .execute((trx) => openWallet(trx, { playerId, asset: 'USD', brand: 'aurora', jurisdiction: 'MT' }));
  const opened = await openGameSession(database.db, {
    playerId,
    playerSessionId: randomUUID(),
    brand: 'aurora',
    integration: 'studio',
    game: 'slot',
    asset: 'USD',
  });
  return { playerId, token: orThrow(opened).token };
}

describe('under the token of a sitting in another currency', () => {
  test('a rollback undoes the bet in the bet’s own currency, and its repeats are answered', async () => {
    const euros = await playerWith(10n * euro);
    const dollars = await inDollars(euros);
    const placed = betBody(euros);
    expect(await bet(placed)).toMatchObject({ status: 'RS_OK', balance: 900_000 });
    const undo = betBody(dollars, {
      transaction_uuid: randomUUID(),
      reference_transaction_uuid: placed.transaction_uuid,
    });
    const back = { status: 'RS_OK', currency: 'EUR', balance: 1_000_000 };
    expect(await rollback(undo)).toMatchObject(back);
    expect(await rollback({ ...undo, request_uuid: randomUUID() })).toMatchObject(back);
    expect(await rollback({ ...undo, request_uuid: randomUUID(), token: euros.token })).toMatchObject(back);
    const second = { ...undo, request_uuid: randomUUID(), transaction_uuid: randomUUID() };
    expect(await rollback(second)).toMatchObject(back);
  });

  test('a rollback before its bet marks it, under whichever token the bet and the repeats come', async () => {
    const euros = await playerWith(10n * euro);
    const dollars = await inDollars(euros);
    const late = betBody(euros);
    const undo = betBody(dollars, {
      transaction_uuid: randomUUID(),
      reference_transaction_uuid: late.transaction_uuid,
    });
    expect(await rollback(undo)).toMatchObject({ status: 'RS_OK' });
    expect(await bet(late)).toMatchObject({ status: 'RS_ERROR_TRANSACTION_ROLLED_BACK' });
    expect(await rollback({ ...undo, request_uuid: randomUUID(), token: euros.token })).toMatchObject({
      status: 'RS_OK',
    });
  });

  test('a rollback that races its bet leaves no stake taken', async () => {
    for (let round = 0; round < 10; round += 1) {
      const euros = await playerWith(10n * euro);
      const dollars = await inDollars(euros);
      const placed = betBody(euros);
      const undo = betBody(dollars, {
        transaction_uuid: randomUUID(),
        reference_transaction_uuid: placed.transaction_uuid,
      });
      const [, undone] = await Promise.all([bet(placed), rollback(undo)]);
      expect(undone).toMatchObject({ status: 'RS_OK' });
      expect(orThrow(await wallet.balance({ playerId: euros.playerId, asset: 'EUR' }))).toBe(10n * euro);
    }
  });

  test('a win is paid in its own currency; one that contradicts its bet, or has no wallet, is refused', async () => {
    const euros = await playerWith(10n * euro);
    const dollars = await inDollars(euros);
    const placed = betBody(euros);
    await bet(placed);
    const won = betBody(dollars, { amount: 500_000, reference_transaction_uuid: placed.transaction_uuid });
    const paid = { status: 'RS_OK', currency: 'EUR', balance: 1_400_000 };
    expect(await win(won)).toMatchObject(paid);
    expect(await win({ ...won, request_uuid: randomUUID(), token: euros.token })).toMatchObject(paid);
    const contrary = { ...won, request_uuid: randomUUID(), transaction_uuid: randomUUID() };
    expect(await win({ ...contrary, currency: 'USD' })).toMatchObject({
      status: 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST',
    });
    for (const currency of ['GBP', 'ZZZ'])
      expect(await win({ ...contrary, currency })).toMatchObject({ status: 'RS_ERROR_WRONG_CURRENCY' });
  });

  test('a bet is refused: a sitting has one currency', async () => {
    const euros = await playerWith(10n * euro);
    const dollars = await inDollars(euros);
    expect(await bet(betBody(dollars))).toMatchObject({ status: 'RS_ERROR_WRONG_CURRENCY' });
  });
});

test('a player is told about to the providers of his own brand, and to no others', async () => {
  const infoOf = (user: string) => send('user/info', JSON.stringify({ request_uuid: randomUUID(), user }));
  const ours = await makePlayer(database.db, { brand: 'aurora', country: 'MT' });
  expect(await infoOf(ours.id)).toMatchObject({
    status: 'RS_OK',
    user: ours.id,
    country: 'MT',
    sub_partner_id: 'aurora',
  });
  const others = await makePlayer(database.db, { brand: 'borealis' });
  const answer = await infoOf(others.id);
  expect(answer).toMatchObject({ status: 'RS_ERROR_INVALID_TOKEN' });
  expect(answer.text).not.toMatch(/borealis|country|jurisdiction/);
});

test('a sitting ends by the database’s clock, however wrong that of this machine is', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2001, 0, 1) });
  const player = await playerWith(1n * euro).finally(() => vi.useRealTimers());
  expect(await bet(betBody(player))).toMatchObject({ status: 'RS_OK' });
});

test('a balance is shown to the end of the sitting by the database’s clock, whatever this machine’s says', async () => {
  const player = await playerWith(1n * euro);
  const ask = () =>
    send(
      'user/balance',
      JSON.stringify({ request_uuid: randomUUID(), token: player.token, game_code: 'slot' }),
    );
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2101, 0, 1) });
  const early = await ask().finally(() => vi.useRealTimers());
  expect(early).toMatchObject({ status: 'RS_OK', balance: 100_000 });

  const ended = await playerWith(1n * euro);
  await database.ownerPool.query(
    "update games.game_session set expires_at = clock_timestamp() - interval '1 second' where player_id = $1",
    [ended.playerId],
  );
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2001, 0, 1) });
  const asked = { request_uuid: randomUUID(), token: ended.token, game_code: 'slot' };
  const late = await send('user/balance', JSON.stringify(asked)).finally(() => vi.useRealTimers());
  expect(late).toMatchObject({ status: 'RS_ERROR_TOKEN_EXPIRED' });
});

test('a promotion that answers no bet reaches players of the own brand only', async () => {
  const player = await playerWith(1n * euro);
  const promo = { is_free: true, is_supplier_promo: true, reference_transaction_uuid: undefined };
  const friend = await playerWith(1n * euro);
  expect(await win(betBody(player, { ...promo, user: friend.playerId }))).toMatchObject({
    status: 'RS_OK',
    user: friend.playerId,
    balance: 200_000,
  });
  const stranger = await makePlayer(database.db, { brand: 'borealis' });
  expect(await win(betBody(player, { ...promo, user: stranger.id }))).toMatchObject({
    status: 'RS_ERROR_INVALID_TOKEN',
  });
  expect(orThrow(await wallet.balance({ playerId: stranger.id, asset: 'EUR' }))).toBe(0n);
});

test('signatures are checked over the raw bytes, before anything is parsed', async () => {
  const player = await playerWith(1n * euro);
  const body = JSON.stringify(betBody(player));
  for (const options of [
    { key: stranger },
    { signature: null },
    { signature: 'no base64!' },
    { signature: 'AAAA' },
  ]) {
    expect(await send('transaction/bet', body, options)).toMatchObject({
      status: 'RS_ERROR_INVALID_SIGNATURE',
    });
  }
  const signature = sign('RSA-SHA256', Buffer.from(body), caller.privateKey).toString('base64');
  expect(await send('transaction/bet', body.replace('"r1"', '"r2"'), { signature })).toMatchObject({
    status: 'RS_ERROR_INVALID_SIGNATURE',
  });
  expect(await send('transaction/bet', '{broken', { key: stranger })).toMatchObject({
    status: 'RS_ERROR_INVALID_SIGNATURE',
  });
  expect(await send('transaction/bet', body, { integration: 'nobody' })).toMatchObject({
    status: 'RS_ERROR_INVALID_PARTNER',
  });
});

test.each([
  ['not JSON', '{broken', 'RS_ERROR_WRONG_SYNTAX'],
  ['a list', '[]', 'RS_ERROR_WRONG_TYPES'],
  ['a missing amount', (text: string) => text.replace('"amount":100000,', ''), 'RS_ERROR_WRONG_SYNTAX'],
  [
    'an amount as text',
    (text: string) => text.replace('"amount":100000', '"amount":"100000"'),
    'RS_ERROR_WRONG_TYPES',
  ],
  ['a fraction', (text: string) => text.replace('"amount":100000', '"amount":1.5'), 'RS_ERROR_WRONG_TYPES'],
  ['an exponent', (text: string) => text.replace('"amount":100000', '"amount":1e5'), 'RS_ERROR_WRONG_TYPES'],
  [
    'a whole number with a point',
    (text: string) => text.replace('"amount":100000', '"amount":100000.0'),
    'RS_ERROR_WRONG_TYPES',
  ],
  [
    'a negative amount',
    (text: string) => text.replace('"amount":100000', '"amount":-1'),
    'RS_ERROR_WRONG_TYPES',
  ],
  [
    'more than int64',
    (text: string) => text.replace('"amount":100000', '"amount":9223372036854775808'),
    'RS_ERROR_WRONG_TYPES',
  ],
  [
    'a repeated key',
    (text: string) => text.replace('"amount":100000', '"amount":1,"amount":100000'),
    'RS_ERROR_WRONG_SYNTAX',
  ],
  ['another currency', (text: string) => text.replace('"EUR"', '"USD"'), 'RS_ERROR_WRONG_CURRENCY'],
  ['an unknown game', (text: string) => text.replace('"slot"', '"nothing"'), 'RS_ERROR_INVALID_GAME'],
  ['a withdrawn game', (text: string) => text.replace('"slot"', '"withdrawn"'), 'RS_ERROR_INVALID_GAME'],
  [
    'an unknown token',
    (text: string) => text.replace(/"token":"[^"]+"/, '"token":"nothing"'),
    'RS_ERROR_INVALID_TOKEN',
  ],
  [
    'another player',
    (text: string) => text.replace(/"user":"[^"]+"/, '"user":"somebody"'),
    'RS_ERROR_INVALID_TOKEN',
  ],
])('%s moves nothing and is answered in the dialect', async (_name, change, status) => {
  const player = await playerWith(10n * euro);
  const text = JSON.stringify(betBody(player));
  expect(await send('transaction/bet', typeof change === 'string' ? change : change(text))).toMatchObject({
    status,
  });
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    player.playerId,
  ]);
  expect(rows[0].cash).toBe(String(10n * euro));
});
