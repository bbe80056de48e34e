/** Transactions that a reorganisation brings again, and a node that lags by a block: what came is credited once, and not forgotten. */
import { encodeFunctionData, erc20Abi, type Address, type Hash, type Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { watchBlock } from '#activities/payments/evm/watch-blocks.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { openCryptoWorld, usdt, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';

/** The second of anvil's well-known accounts, which it signs for. */
const neighbour: Address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

describe.skipIf(anvilBinary === null && process.env['CI'] !== 'true')('a transfer on a moving chain', () => {
  vi.setConfig({ testTimeout: 120_000 });

  let database: TestDatabase;
  let world: CryptoWorld;

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await openCryptoWorld(database.db);
    await world.anvil.mint(world.token, neighbour, 1_000n * usdtRaw);
    await world.watch();
  }, 60_000);
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const rawOf = (hash: Hash): Promise<Hex> =>
    world.anvil.node.request({ method: 'eth_getRawTransactionByHash', params: [hash] } as never);

  /** Somebody else's transfer, which goes first into the next block. */
  const goFirst = (): Promise<Hash> =>
    world.anvil.node.request({
      method: 'eth_sendTransaction',
      params: [
        {
          from: neighbour,
          to: world.token,
          gas: '0x30d40',
          maxFeePerGas: '0x174876e800',
          maxPriorityFeePerGas: '0x12a05f2000',
          data: encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [neighbour, 1n] }),
        },
      ],
    } as never);

  const stateOf = async (id: string): Promise<string> =>
    (
      await database.db
        .selectFrom('payments.cryptoDeposit')
        .select('state')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).state;

  test('that comes again at another place of its block is credited once', async () => {
    const { playerId, address } = await world.player();
    const snapshot = await world.anvil.node.snapshot();
    const hash = await world.anvil.pay(world.token, address, 30n * usdtRaw);
    const raw = await rawOf(hash);
    await world.anvil.mine(6);
    await world.watch();
    const before = await world.idOf(hash);
    expect(await world.follow(before)).toBe('credited');

    await world.anvil.node.revert({ id: snapshot });
    await goFirst();
    await world.anvil.node.sendRawTransaction({ serializedTransaction: raw });
    await world.anvil.mine(12);
    expect(await world.watch()).toContain(before);
    const after = await world.idOf(hash);
    expect(after).not.toBe(before);

    // Whichever is followed first: never both at a time.
    await world.follow(after);
    expect(await world.cash(playerId)).toBeLessThanOrEqual(30n * usdt);
    expect(await world.follow(before)).toBe('orphaned');
    expect(await world.follow(after)).toBe('credited');
    expect(await world.cash(playerId)).toBe(30n * usdt);
    expect([await stateOf(before), await stateOf(after)]).toEqual(['orphaned', 'credited']);
  });

  test('in the chain’s coin is not forgotten because a node has no receipt of it yet', async () => {
    const { playerId, address } = await world.player();
    await world.anvil.payCoin(address, '0.25');
    await world.anvil.mine(6);
    const { node } = world.evm;
    const lagging = { ...world.evm, node: { ...node, receipt: async () => null } };
    await expect(watchBlock({ db: database.db, evm: lagging })).rejects.toThrow('dependency-unavailable');
    const [id = ''] = await world.watch();
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId, 'ETH')).toBe(25n * 10n ** 16n);
  });

  test('that came before anybody read the chain is seen when somebody does', async () => {
    const { playerId, address } = await world.player();
    const hash = await world.anvil.pay(world.token, address, 45n * usdtRaw);
    await world.anvil.mine(6);
    await database.ownerPool.query('delete from payments.chain_cursor');
    await database.ownerPool.query('delete from payments.chain_block');
    const id = await world.idOf(hash);
    expect(await world.watch()).toContain(id);
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId)).toBe(45n * usdt);
  });
});
