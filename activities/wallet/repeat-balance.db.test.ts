/** What an answer says when another process or a slow machine comes between its reads and its write. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Trx } from '#db/connect.ts';
import type { BetCommand } from '#domain/wallet/commands.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeAsset, makeDeposit, makePlayer, oneEuro, type TestPlayer } from '#test/support/factories.ts';
import { betOf } from '#test/support/ledger-world.ts';
import { openWallet } from './player-wallet.ts';
import { postExchange } from './post-exchange.ts';
import { postCommand } from './post.ts';
import { createWalletWriter } from './writer.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

async function fundedPlayer(): Promise<TestPlayer> {
  const player = await makePlayer(database.db);
  await makeDeposit(database.db, player, 100n * oneEuro);
  return player;
}

const betOfThree = (player: TestPlayer): BetCommand => betOf(player, 3n * oneEuro);

/** The pool of a process to which something happens right after it has read a wallet, the first time, the second and so on. */
function interruptedPool(...happenings: (() => Promise<unknown>)[]): pg.Pool {
  return {
    async query(query: { readonly name: string; readonly text: string; readonly values: unknown[] }) {
      const result = await database.pool.query(query);
      if (query.name === 'wallet-load-moved') await happenings.shift()?.();
      return result;
    },
  } as unknown as pg.Pool;
}

test('a repeat shows the balance after its first time, also when that was written while the wallet was being read', async () => {
  const player = await fundedPlayer();
  const bet = betOfThree(player);
  const other = createWalletWriter({ pool: database.pool });
  const late = createWalletWriter({ pool: interruptedPool(() => other.submit(bet)) });
  const reply = await late.submit(bet);
  expect(reply).toMatchObject({ ok: true, value: { repeated: true, balance: 97n * oneEuro } });
  // And again from what it remembers now.
  expect(await late.submit(bet)).toMatchObject({ ok: true, value: { balance: 97n * oneEuro } });
  await Promise.all([other.close(), late.close()]);
});

test('also where its first time came between the second reading of the wallet and the look at what was processed', async () => {
  const player = await fundedPlayer();
  const bet = betOfThree(player);
  const other = createWalletWriter({ pool: database.pool });
  const late = createWalletWriter({
    pool: interruptedPool(
      () => other.submit(betOfThree(player)),
      () => other.submit(bet),
    ),
  });
  const reply = await late.submit(bet);
  expect(reply).toMatchObject({ ok: true, value: { repeated: true, balance: 94n * oneEuro } });
  await Promise.all([other.close(), late.close()]);
});

/** The transaction of a machine that stands still `times` times, right after it has read the clock. */
function stallingTransaction(trx: Trx, times: number): Trx {
  let due = times;
  return new Proxy(trx, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'executeQuery' || typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        const result: unknown = await value.apply(target, args);
        const { sql } = args[0] as { readonly sql: string };
        if (due > 0 && sql.startsWith('select extract(epoch from clock_timestamp())')) {
          due -= 1;
          await new Promise((resolve) => setTimeout(resolve, 1_100));
        }
        return result;
      };
    },
  });
}

test('a transaction that stood still between its reading of the clock and its write decides again', async () => {
  const player = await fundedPlayer();
  const posted = await database.db
    .transaction()
    .execute((trx) => postCommand(stallingTransaction(trx, 1), betOfThree(player)));
  expect(posted).toMatchObject({ ok: true, value: { repeated: false, cash: 97n * oneEuro } });
});

test('so does an exchange, and one that never comes in time moves nothing and says that it may be repeated', async () => {
  const player = await fundedPlayer();
  await makeAsset(database.db, 'USD');
  await database.db.transaction().execute((trx) =>
    openWallet(trx, {
      playerId: player.id,
      asset: 'USD',
      brand: player.brand,
      jurisdiction: player.jurisdiction,
    }),
  );
  const exchange = {
    playerId: player.id,
    asset: 'EUR',
    boughtAsset: 'USD',
    amount: 10n * oneEuro,
    rate: { numerator: 2n, denominator: 1n },
    subject: 'exchange:stalled',
  };
  const exchanged = (times: number) =>
    database.db
      .transaction()
      .execute((trx) =>
        postExchange(stallingTransaction(trx, times), { ...exchange, key: `exchange:${player.id}` }),
      );
  expect(await exchanged(3)).toMatchObject({ ok: false, failure: { code: 'dependency-unavailable' } });
  expect(await exchanged(1)).toMatchObject({
    ok: true,
    value: { repeated: false, bought: 20n * oneEuro },
  });
  expect(await exchanged(0)).toMatchObject({ ok: true, value: { repeated: true } });
});
