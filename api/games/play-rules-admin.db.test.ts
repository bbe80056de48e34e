/** Operators set what stakes must obey, and the next bet obeys it; pools hold what their entries say, rolled up or not. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJackpotPools, rollUpJackpotPools } from '#activities/wallet/jackpot-pools.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  betBody,
  euro,
  openWalletDoors,
  type DoorPlayer,
  type WalletDoors,
} from '#test/support/wallet-doors.ts';

let database: TestDatabase;
let doors: WalletDoors;
let admin: string;
const reason = 'agreed with the compliance officer';
/** Journals that a test wrote past the one door, to have old ones: the proof of the log must find just these. */
const smuggled: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  doors = await openWalletDoors(database);
  admin = await doors.app.signInAs(['admin']);
});

afterAll(async () => {
  const checks = await verifyLedger(database.db);
  await doors?.close();
  await database?.drop();
  expect(checks.flatMap(({ findings }) => findings)).toEqual(
    smuggled.map((id) => `journal ${id} is in the ledger and was never posted`),
  );
});

const send = (method: string, path: string, body?: object, options: { token?: string; key?: string } = {}) =>
  doors.app.send(method, path, body, { token: admin, ...options });
const bet = async (door: WalletDoors, player: DoorPlayer, more: Record<string, unknown> = {}) =>
  (await door.call('hub88', 'transaction/bet', betBody('hub88', player, more))).body['status'];

test('caps and the pool of a game hold for the next process that reads the catalogue', async () => {
  const rules = {
    stakeCaps: [
      { money: { amount: '5.00', asset: 'EUR' } },
      { money: { amount: '2.00', asset: 'EUR' }, jurisdiction: 'GB' },
    ],
    jackpot: { pool: 'mega', contributionBps: 200 },
    reason,
  };
  expect((await send('PUT', '/admin/v1/games/hub88/slot/play-rules', rules)).status).toBe(204);
  const later = await openWalletDoors(database, {}, { isFirst: false });
  try {
    const player = await later.player();
    expect(await bet(later, player, { amount: 500_001 })).toBe('RS_ERROR_LIMIT_REACHED');
    expect(await bet(later, player, { amount: 500_000 })).toBe('RS_OK');
  } finally {
    await later.close();
  }
  expect((await send('GET', '/admin/v1/jackpots')).body).toEqual({
    items: [{ pool: 'mega', balance: { amount: '0.10', asset: 'EUR' }, entries: 1 }],
    next: null,
  });
  const { rows } = await database.ownerPool.query(
    "select actor, reason, details from compliance.audit where action = 'games.play-rules.set'",
  );
  expect(rows).toEqual([
    expect.objectContaining({ reason, details: expect.objectContaining({ jackpot: rules.jackpot }) }),
  ]);
});

test('twice the same cap, another’s brand, an unknown game and a role without the right are refused', async () => {
  const cap = { money: { amount: '5.00', asset: 'EUR' } };
  const put = (path: string, body: object, token = admin) => send('PUT', path, body, { token });
  const path = '/admin/v1/games/hub88/slot/play-rules';
  expect(await put(path, { stakeCaps: [cap, cap], reason })).toMatchObject({ status: 400 });
  const unknown = '/admin/v1/games/hub88/nothing/play-rules';
  expect(await put(unknown, { stakeCaps: [], reason })).toMatchObject({
    body: { code: 'unknown-game' },
  });
  const support = await doors.app.signInAs(['support']);
  expect(await put(path, { stakeCaps: [], reason }, support)).toMatchObject({ status: 403 });
  const elsewhere = await doors.app.signInAs(['risk'], ['borealis']);
  expect(await put(path, { stakeCaps: [], reason }, elsewhere)).toMatchObject({ status: 404 });
});

test('a cap of a player holds from the answer on, in a process that remembers him, until it is lifted', async () => {
  const player = await doors.player();
  const path = `/admin/v1/players/${player.id}/stake-cap`;
  expect(await bet(doors, player, { game_code: 'capped', amount: 200_000 })).toBe('RS_OK');
  expect((await send('PUT', path, { asset: 'EUR', amount: '1.00', reason })).status).toBe(204);
  expect(await bet(doors, player, { game_code: 'capped', amount: 100_001 })).toBe('RS_ERROR_LIMIT_REACHED');
  expect(await bet(doors, player, { game_code: 'capped', amount: 100_000 })).toBe('RS_OK');
  expect((await send('PUT', path, { asset: 'EUR', reason })).status).toBe(204);
  expect(await bet(doors, player, { game_code: 'capped', amount: 200_000 })).toBe('RS_OK');
  expect((await send('PUT', path, { asset: 'USD', amount: '1.00', reason })).status).toBe(404);
});

test('the house funds a pool once per key', async () => {
  const before = (await readJackpotPools(database.db))[0]?.balance ?? 0n;
  const key = randomUUID();
  const funds = { brand: 'aurora', money: { amount: '1000.00', asset: 'EUR' }, reason };
  const first = await send('POST', '/admin/v1/jackpots/mega/funds', funds, { key });
  expect(first.status).toBe(201);
  expect((await send('POST', '/admin/v1/jackpots/mega/funds', funds, { key })).body).toEqual(first.body);
  const other = { ...funds, money: { amount: '1.00', asset: 'EUR' } };
  expect((await send('POST', '/admin/v1/jackpots/mega/funds', other, { key })).body['code']).toBe(
    'idempotency-key-reused',
  );
  expect((await send('POST', '/admin/v1/jackpots/nobody/funds', funds, { key: randomUUID() })).status).toBe(
    404,
  );
  expect((await readJackpotPools(database.db))[0]?.balance).toBe(before + 1_000n * euro);
});

test('a roll-up takes what is old, leaves what is new, and changes no balance', async () => {
  const old = (minutes: number): string => {
    const hex = (Date.now() - minutes * 60_000).toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${randomUUID().slice(-12)}`;
  };
  for (const minutes of [30, 20]) {
    const id = old(minutes);
    smuggled.push(id);
    await database.ownerPool.query(
      `with j as (insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, occurred_at, fingerprint)
         values ($1::uuid, 'pitboss', $1::text, 'jackpot.contribute', 'EUR', 'aurora', 7, now(), '\\x00') returning id)
       insert into wallet.entry (journal_id, line, asset, account, amount)
       select id, v.line, 'EUR', v.account, v.amount from j, (values (0, 'house:jackpot-cost', -7), (1, 'jackpot:mega', 7)) v(line, account, amount)`,
      [id],
    );
  }
  const before = await readJackpotPools(database.db);
  expect(await rollUpJackpotPools(database.db)).toBe(1);
  expect(await readJackpotPools(database.db)).toEqual(before);
  expect(await rollUpJackpotPools(database.db)).toBe(0);
  const { rows } = await database.pool.query('select balance, entries from wallet.jackpot_rollup');
  expect(rows).toEqual([{ balance: '14', entries: 2n }]);
  const funds = { brand: 'aurora', money: { amount: '1.00', asset: 'EUR' }, reason };
  await send('POST', '/admin/v1/jackpots/mega/funds', funds, { key: randomUUID() });
  expect((await readJackpotPools(database.db))[0]?.balance).toBe((before[0]?.balance ?? 0n) + euro);
});

test('a pool that no game feeds any more can still be funded by the brand that has fed it', async () => {
  const path = '/admin/v1/games/hub88/slot/play-rules';
  expect((await send('PUT', path, { stakeCaps: [], reason })).status).toBe(204);
  const before = (await readJackpotPools(database.db))[0]?.balance ?? 0n;
  const funds = { brand: 'aurora', money: { amount: '2.00', asset: 'EUR' }, reason };
  const fund = (pool: string, body = funds) =>
    send('POST', `/admin/v1/jackpots/${pool}/funds`, body, { key: randomUUID() });
  expect((await fund('mega')).status).toBe(201);
  expect((await fund('mega', { ...funds, brand: 'borealis' })).status).toBe(404);
  expect((await fund('nobody')).status).toBe(404);
  expect((await readJackpotPools(database.db))[0]?.balance).toBe(before + 2n * euro);
});
