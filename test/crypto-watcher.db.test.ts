/** The watcher as a process: killed in the middle of a chain it loses nothing, and nothing is credited twice. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programPath } from '#platform/joined-programs.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { openCryptoWorld, testXpub, usdt, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { freePort } from '#test/support/ports.ts';
import { answersOk, startProcess } from '#test/support/processes.ts';

describe.skipIf(anvilBinary === null && process.env['CI'] !== 'true')('the chain watcher', () => {
  let database: TestDatabase;
  let world: CryptoWorld;

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await openCryptoWorld(database.db);
  }, 60_000);
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  async function startWatcher() {
    const port = await freePort();
    const key = Buffer.alloc(32, 3).toString('base64');
    return startProcess({
      args: [programPath('workers/chain-watcher.ts')],
      env: {
        PITBOSS_MODE: 'test',
        DATABASE_WRITER_URL: database.writerUrl,
        DATABASE_READER_URL: database.readerUrl,
        // Nobody there: what is found is written down all the same, and the sweep starts its workflows later.
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        CLICKHOUSE_URL: 'http://nobody:nobody@127.0.0.1:1',
        KEY_ENCRYPTION_KEY: key,
        BLIND_INDEX_KEY: key,
        PAYLOAD_CODEC_KEY: key,
        LOG_LEVEL: 'warn',
        EVM_CHAIN_ID: '31337',
        EVM_RPC_URL: world.anvil.url,
        EVM_XPUB: testXpub,
        EVM_TOKENS: `USDT=${world.token}`,
        METRICS_PORT: String(port),
      },
      isReady: () => answersOk(`http://127.0.0.1:${port}/readyz`),
      readyTimeoutMs: 120_000,
    });
  }

  const seen = async () =>
    (await database.db.selectFrom('payments.cryptoDeposit').select('id').execute()).map(({ id }) => id);
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await delay(50))
      if (await isSo()) return;
    throw new Error('It did not come to pass.');
  }

  test('killed in the middle and started again it has seen every transfer once', async () => {
    const players = await Promise.all(Array.from({ length: 2 }, () => world.player()));
    let watcher = await startWatcher();
    await until(
      async () =>
        (await database.db.selectFrom('payments.chainCursor').select('chain').execute()).length === 1,
    );
    const rounds = 8;
    for (let round = 0; round < rounds; round += 1) {
      for (const { address } of players) await world.anvil.pay(world.token, address, 5n * usdtRaw);
      await world.anvil.mine(1);
      // A retried block of a lost step, and blocks that come while nobody watches.
      if (round === 2 || round === 5) {
        await until(async () => (await seen()).length > round);
        await watcher.kill9();
      }
      if (round === 3 || round === 6) watcher = await startWatcher();
    }
    await world.anvil.mine(6);
    await until(async () => (await seen()).length === rounds * players.length);
    await watcher.kill9();
    for (const id of await seen()) {
      await world.follow(id);
      await world.follow(id);
    }
    for (const { playerId } of players) expect(await world.cash(playerId)).toBe(BigInt(rounds) * 5n * usdt);
    const journals = await database.db
      .selectFrom('wallet.journal')
      .select('id')
      .where('code', '=', 'deposit.capture')
      .execute();
    expect(journals).toHaveLength(rounds * players.length);
  }, 400_000);
});
