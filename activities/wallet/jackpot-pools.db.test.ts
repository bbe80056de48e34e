/** What a jackpot pool holds does not depend on the clock of the host that funded it. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, oneEuro } from '#test/support/factories.ts';
import { readJackpotPools, rollUpJackpotPools } from './jackpot-pools.ts';
import { fundJackpotPool } from './post-house.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await makePlayer(database.db);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => database?.drop());

/** A roll-up of nothing up to two minutes ago, as the sweep leaves one. */
const rollUpNothing = (pool: string) =>
  database.ownerPool.query(
    `insert into wallet.jackpot_rollup (pool, asset, balance, entries, through_journal_id)
     select $1, 'EUR', 0, 0, (lpad(to_hex((extract(epoch from now() - interval '2 min') * 1000)::bigint), 12, '0')
       || '70008000000000000000')::uuid`,
    [pool],
  );

test('funds from a host whose clock is slow are in the pool behind the roll-up', async () => {
  await rollUpNothing('mega');
  const slowByMs = 600_000;
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now - slowByMs);
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await fundJackpotPool(trx, {
        key: `jackpot:mega:fund:${randomUUID()}`,
        brand: 'aurora',
        pool: 'mega',
        asset: 'EUR',
        amount: 1_000n * oneEuro,
        fingerprint: Buffer.alloc(32, 1),
        actor: { kind: 'operator', id: randomUUID() },
        reason: 'the seed of the pool',
      }),
    ),
  );
  expect(await readJackpotPools(database.db)).toEqual([
    { pool: 'mega', asset: 'EUR', balance: 1_000n * oneEuro, entries: 1 },
  ]);
});

test('pools are read through the index that leaves out the accounts of the house', async () => {
  const { scans, probes } = await database.db.transaction().execute(async (trx) => {
    // A table of some rows would be read whole where it could be.
    await sql`set local enable_seqscan = off`.execute(trx);
    await readJackpotPools(trx);
    await rollUpJackpotPools(trx);
    const { rows } = await sql<{ scans: bigint; probes: bigint }>`
      select seq_scan as scans, idx_scan as probes from pg_stat_xact_user_tables
      where schemaname = 'wallet' and relname = 'entry'`.execute(trx);
    return rows[0]!;
  });
  expect(scans).toBe(0n);
  expect(probes).toBeGreaterThan(0n);
});
