import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBalances } from '#activities/wallet/player-wallet.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { makeDeposit, makePlayer, oneEuro } from './factories.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a made player has a wallet, and a made deposit is on the ledger', async () => {
  const player = await makePlayer(database.db);
  await makeDeposit(database.db, player, 25n * oneEuro);
  const [balances] = await readBalances(database.db, player.id);
  expect(balances).toMatchObject({ asset: 'EUR', cash: 25n * oneEuro });
  const { rows } = await database.pool.query<{ total: string }>(
    'select sum(amount)::text as total from wallet.entry',
  );
  expect(rows).toEqual([{ total: '0' }]);
});
