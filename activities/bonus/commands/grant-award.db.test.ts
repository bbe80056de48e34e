/** The end of an award that staff grant is counted from the database's clock. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, oneEuro } from '#test/support/factories.ts';
import { grantAward } from './grant-award.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test('an award lives its days by the database’s clock, whatever the clock of this host shows', async () => {
  const player = await makePlayer(database.db);
  const terms = { amount: 10n * oneEuro, wageringTimes: 2, betMax: null, days: 7 };
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 30 * 86_400_000);
  try {
    const granted = await grantAward(database.db, {
      ...terms,
      awardId: randomUUID(),
      playerId: player.id,
      brand: player.brand,
      asset: 'EUR',
      operatorId: randomUUID(),
      reason: 'a test of its life',
      fingerprint: Buffer.from('one'),
    });
    orThrow(granted);
  } finally {
    vi.restoreAllMocks();
  }
  const { rows } = await database.pool.query<{ award: number; wallet: number }>(
    `select round(extract(epoch from a.expires_at - now()) / 86400)::int as award,
       round(extract(epoch from w.award_expires_at - now()) / 86400)::int as wallet
     from bonus.award a join wallet.player_wallet w on w.award_id = a.id where a.player_id = $1`,
    [player.id],
  );
  expect(rows).toEqual([{ award: 7, wallet: 7 }]);
});
