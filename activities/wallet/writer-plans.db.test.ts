/** What a bet makes PostgreSQL read, on plans that were made while the ledger was empty: a new operator's first hour. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, oneEuro, type TestPlayer } from '#test/support/factories.ts';
import { betOf } from '#test/support/ledger-world.ts';
import { createWalletWriter, type WalletWriter } from './writer.ts';

const playersAtOnce = 20;
let database: TestDatabase;
/** One connection, so that its plans are the ones that it made at first, and its counts are of it alone. */
let pool: pg.Pool;
let wallet: WalletWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.writerUrl, applicationName: 'counted', connectionsMax: 1, byIndex: true });
  // It remembers hardly anybody, so that wallets are read, too.
  wallet = createWalletWriter({ pool, walletsCachedMax: playersAtOnce / 2 });
});

afterAll(async () => {
  await wallet?.close();
  await pool?.end();
  await database?.drop();
});

/** Rows that the statements of this connection have read so far, by table. */
async function rowsRead(): Promise<Record<string, number>> {
  await pool.query('select pg_stat_force_next_flush()');
  const { rows } = await pool.query<{ name: string; read: number }>(
    `select schemaname || '.' || relname as name, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read
       from pg_stat_user_tables where schemaname in ('wallet', 'games', 'compliance')`,
  );
  return Object.fromEntries(rows.map(({ name, read }) => [name, read]));
}

test('what a bet reads is the same with two thousand bets and players as with none', async () => {
  const players: TestPlayer[] = [];
  for (let index = 0; index < playersAtOnce; index += 1) {
    const player = await makePlayer(database.db);
    await makeDeposit(database.db, player, oneEuro);
    players.push(player);
  }
  const betOfEach = async () => {
    for (const result of await Promise.all(players.map((player) => wallet.submit(betOf(player, 1n)))))
      orThrow(result);
  };
  await betOfEach();
  await database.ownerPool.query(
    `insert into wallet.player_wallet (player_id, asset, brand, jurisdiction)
       select gen_random_uuid(), 'EUR', 'aurora', 'MT' from generate_series(1, 2000)`,
  );
  for (let round = 0; round < 100; round += 1) await betOfEach();

  const before = await rowsRead();
  await betOfEach();
  const after = await rowsRead();
  const read = Object.entries(after)
    .map(([name, rows]) => [name, rows - (before[name] ?? 0)] as const)
    .filter(([, rows]) => rows > 0);
  expect(read.map(([name]) => name)).toContain('wallet.player_wallet');
  // A wallet is read and written, its journal looked at; a little for what else goes on.
  expect(read.filter(([, rows]) => rows > 4 * playersAtOnce)).toEqual([]);
});
