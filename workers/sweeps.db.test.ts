/** Sweeps that need the database alone go on while Temporal is away; the others come to every row in turn. */
import { createHash, randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeHold } from '#activities/wallet/holds.ts';
import { readBalances } from '#activities/wallet/player-wallet.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, oneEuro } from '#test/support/factories.ts';
import { createMetrics } from './metrics.ts';
import { runSweeps, sweeps } from './sweeps.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test('an expired hold is given back without Temporal', async () => {
  const player = await makePlayer(database.db);
  await makeDeposit(database.db, player);
  const holdId = randomUUID();
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await placeHold(trx, {
        holdId,
        playerId: player.id,
        asset: 'EUR',
        amount: 30n * oneEuro,
        reason: 'legal-order',
        captureTo: 'suspense:legal-orders',
        subject: null,
        note: 'Order 17',
        expiresAt: new Date(Date.now() + 300),
        actor: { kind: 'workflow', id: 'dispute:1' },
        fingerprint: createHash('sha256').update('x').digest(),
      }),
    ),
  );
  const stop = new AbortController();
  const swept = runSweeps(
    {
      db: database.db,
      temporal: () => Promise.reject(new Error('Temporal is away')),
      metrics: createMetrics(),
      log: pino({ level: 'silent' }),
    },
    stop.signal,
  );
  const cash = async () => (await readBalances(database.db, player.id))[0]?.cash;
  await expect.poll(cash, { timeout: 15_000, interval: 200 }).toBe(100n * oneEuro);
  stop.abort();
  await swept;
  const row = await database.db
    .selectFrom('wallet.hold')
    .select('state')
    .where('id', '=', holdId)
    .executeTakeFirst();
  expect(row).toEqual({ state: 'expired' });
});

/** Tells which workflows a sweep starts, as if all of them had been lost. */
function forgetfulTemporal() {
  const started: string[] = [];
  const start = (_type: string, { workflowId }: { workflowId: string }) => {
    started.push(workflowId);
    return Promise.resolve();
  };
  return { started, client: { workflow: { start } } as unknown as Client };
}

const sweepNamed = (name: string) => {
  const sweep = sweeps.find((one) => one.name === name);
  if (sweep === undefined || !('run' in sweep)) throw new Error(`There is no such sweep: ${name}`);
  return sweep.run;
};

test('every open exclusion gets its clock again, however many there are and however old it is', async () => {
  await database.ownerPool.query(`
    insert into responsible_gambling.exclusion
      (player_id, number, brand, jurisdiction, profile_version, kind, started_at, until, reinstatable_from)
    select gen_random_uuid(), 1 + n % 2, 'aurora', 'MT', 1, 'self-exclusion', now() - interval '1 day' * n,
      now() + interval '5 years', now() + interval '5 years'
    from generate_series(1, 450) n`);
  const { started, client } = forgetfulTemporal();
  const sweep = sweepNamed('exclusions');
  for (let turns = 0; turns < 3; turns += 1) await sweep(client, database.db);
  expect(new Set(started).size).toBe(450);
  // After the last page comes the first one again.
  await sweep(client, database.db);
  await sweep(client, database.db);
  expect(started.length).toBeGreaterThan(450);
  expect(new Set(started).size).toBe(450);
});
