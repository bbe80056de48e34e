/** Sweeps that need the database alone go on while Temporal is away: a hold that has run out gives its money back. */
import { createHash, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeHold } from '#activities/wallet/holds.ts';
import { readBalances } from '#activities/wallet/player-wallet.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, oneEuro } from '#test/support/factories.ts';
import { createMetrics } from './metrics.ts';
import { runSweeps } from './sweeps.ts';

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
