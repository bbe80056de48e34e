/** What is remembered of wallets against their rows. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assert } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeAsset, makeFundedWallet, oneEuro } from '#test/support/factories.ts';
import { readWallet, writeWallet } from './loaded-wallet.ts';
import { openWallet } from './player-wallet.ts';
import { loadWallets, refreshWallets, walletKey, type Execute } from './wallet-rows.ts';

let database: TestDatabase;
let execute: Execute;

beforeAll(async () => {
  database = await createTestDatabase();
  await makeAsset(database.db, 'EUR');
  await makeAsset(database.db, 'USD');
  execute = async (name, text, values) =>
    (await database.pool.query({ name, text, values: [...values] })).rows;
});
afterAll(() => database?.drop());

test('what has not moved stays the object that was remembered; nobody but who was asked for comes back', async () => {
  const [still, moved] = [
    await makeFundedWallet(database.db, oneEuro),
    await makeFundedWallet(database.db, oneEuro),
  ];
  await database.db
    .transaction()
    .execute((trx) =>
      openWallet(trx, { playerId: still, asset: 'USD', brand: 'aurora', jurisdiction: 'MT' }),
    );
  const ids = [still, moved].map((playerId) => ({ playerId, asset: 'EUR' }));
  const before = await loadWallets(execute, ids, false);
  await database.pool.query(
    "update wallet.player_wallet set stake_max = 7, version = version + 1 where player_id = $1 and asset = 'EUR'",
    [moved],
  );
  const stranger = { playerId: randomUUID(), asset: 'USD' };
  const looks = [...ids, stranger].map((id) => ({
    ...id,
    remembered: before.get(walletKey(id.playerId, id.asset)) ?? null,
  }));
  const now = await refreshWallets(execute, looks);
  expect([...now.keys()].toSorted()).toEqual([...before.keys()].toSorted());
  expect(now.get(walletKey(still, 'EUR'))).toBe(before.get(walletKey(still, 'EUR')));
  expect(now.get(walletKey(moved, 'EUR'))?.state.stakeMax).toBe(7n);
});

test('a word that would shift the cells behind it is refused, whatever it says', async () => {
  const playerId = await makeFundedWallet(database.db, oneEuro);
  await database.pool.query('update wallet.player_wallet set play_block_reason = $2 where player_id = $1', [
    playerId,
    'a reason\x1f0',
  ]);
  await expect(loadWallets(execute, [{ playerId, asset: 'EUR' }], false)).rejects.toThrow('separator');
});

test('what is remembered as a text is what its row says, with brakes, limits and an award', async () => {
  const playerId = await makeFundedWallet(database.db, oneEuro);
  await database.pool.query(
    `update wallet.player_wallet set play_blocked_until = 'infinity', play_block_reason = 'cool-off',
       play_limits = '[{"kind": "stake", "window": "day", "amount": "700"}]', stake_max = 5, award_id = $2,
       award_wagering_left = 9, award_expires_at = '2027-01-02T03:04:05.678901Z' where player_id = $1`,
    [playerId, randomUUID()],
  );
  const [wallet] = (await loadWallets(execute, [{ playerId, asset: 'EUR' }], false)).values();
  assert(wallet, 'the wallet is there');
  expect(wallet.state).toMatchObject({
    playBlockedUntilMs: Number.POSITIVE_INFINITY,
    sessionsValidFromMs: Number.NEGATIVE_INFINITY,
    award: { expiresAtMs: Date.parse('2027-01-02T03:04:05.678Z') + 0.901, betMax: null },
    limits: [{ kind: 'stake', window: 'day', amount: 700n }],
  });
  expect(readWallet(writeWallet(wallet))).toEqual(wallet);
});
