/** Deposits on a real local chain: watched, credited once at their depth, taken back when the chain takes them back. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createCryptoDepositActivities } from '#activities/payments/evm/crypto-deposits.ts';
import { issueDepositAddress } from '#activities/payments/commands/crypto-addresses.ts';
import { openEvm } from '#activities/payments/evm/evm-deps.ts';
import { watchBlock } from '#activities/payments/evm/watch-blocks.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { testKeyRing } from '#test/support/integrations.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { openCryptoWorld, usdt, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';
import { brand, workItemsOf } from '#test/workflows/payment-world.ts';

describe.skipIf(anvilBinary === null && process.env['CI'] !== 'true')('a deposit on a chain', () => {
  vi.setConfig({ testTimeout: 120_000 });

  let database: TestDatabase;
  let world: CryptoWorld;

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await openCryptoWorld(database.db);
    await world.watch();
  }, 60_000);
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const rowOf = (id: string) =>
    database.db
      .selectFrom('payments.cryptoDeposit')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  const creditsOf = (id: string) =>
    database.db.selectFrom('payments.cryptoCredit').selectAll().where('cryptoDepositId', '=', id).execute();

  /** Pays, mines one block and reads it. */
  async function pay(address: string, tokens: bigint): Promise<string> {
    const hash = await world.anvil.pay(world.token, address, tokens * usdtRaw);
    await world.anvil.mine(1);
    await world.watch();
    return world.idOf(hash);
  }

  test('is credited once, when as many blocks lie on it as its amount asks for', async () => {
    const { playerId, address } = await world.player();
    const id = await pay(address, 250n);
    expect(await rowOf(id)).toMatchObject({ state: 'seen', asset: 'USDT', depthRequired: 6, playerId });
    expect(await world.follow(id)).toBe('confirming');
    await world.anvil.mine(4);
    expect(await world.follow(id)).toBe('confirming');
    expect(await world.cash(playerId)).toBe(0n);
    await world.anvil.mine(1);
    expect(await world.follow(id)).toBe('credited');
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId)).toBe(250n * usdt);
    const [credit] = await creditsOf(id);
    expect(credit).toMatchObject({ number: 1, blockHash: (await rowOf(id)).blockHash });
    expect(
      await database.db
        .selectFrom('payments.deposit')
        .select(['state', 'method', 'capturedPsp', 'first'])
        .where('id', '=', credit?.depositId ?? '')
        .executeTakeFirst(),
    ).toEqual({ state: 'captured', method: 'crypto', capturedPsp: 'evm', first: true });
  });

  test('followed by many at once is still credited once', async () => {
    const { playerId, address } = await world.player();
    const id = await pay(address, 10n);
    await world.anvil.mine(10);
    await Promise.all(Array.from({ length: 8 }, () => world.follow(id)));
    expect(await world.cash(playerId)).toBe(10n * usdt);
    expect(await creditsOf(id)).toHaveLength(1);
  });

  test('a larger amount waits for more blocks', async () => {
    const { playerId, address } = await world.player();
    const id = await pay(address, 5_000n);
    await world.anvil.mine(10);
    expect(await world.follow(id)).toBe('confirming');
    await world.anvil.mine(1);
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId)).toBe(5_000n * usdt);
  });

  test('the coin of the chain counts, too, when a plain transaction sends it', async () => {
    const { playerId, address } = await world.player();
    await world.anvil.payCoin(address, '0.25');
    await world.anvil.mine(6);
    const [id = ''] = await world.watch();
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId, 'ETH')).toBe(25n * 10n ** 16n);
  });

  test('a token of another contract is not even seen', async () => {
    const { playerId, address } = await world.player();
    await world.anvil.pay(world.fake, address, 1_000n * usdtRaw);
    await world.anvil.mine(10);
    expect(await world.watch()).toEqual([]);
    expect(await world.cash(playerId)).toBe(0n);
  });

  test('dust is parked, without a person to look at it', async () => {
    const { playerId, address } = await world.player();
    const hash = await world.anvil.pay(world.token, address, usdtRaw - 1n);
    await world.anvil.mine(40);
    await world.watch();
    const id = await world.idOf(hash);
    expect(await world.deposits.followCryptoDeposit({ cryptoDepositId: id })).toMatchObject({
      state: 'parked',
      isOver: true,
    });
    expect(await world.cash(playerId)).toBe(0n);
    expect(await workItemsOf(database.db, `crypto-deposit:${id}`)).toEqual([]);
  });

  test('what the player’s own limit forbids is parked with a work item, and credited once the limit allows it', async () => {
    const { playerId, address } = await world.player(100n);
    const id = await pay(address, 150n);
    await world.anvil.mine(6);
    expect(await world.deposits.followCryptoDeposit({ cryptoDepositId: id })).toMatchObject({
      state: 'parked',
      isOver: false,
    });
    expect(await world.cash(playerId)).toBe(0n);
    expect(await workItemsOf(database.db, `crypto-deposit:${id}`)).toEqual(['parked-crypto-deposit:open']);
    await database.db
      .updateTable('responsibleGambling.limit')
      .set({ active: false, endedAt: new Date() })
      .where('playerId', '=', playerId)
      .where('asset', '=', 'USDT')
      .execute();
    await world.limit(playerId, 'USDT', 1_000n * usdt);
    expect(await world.follow(id)).toBe('credited');
    expect(await workItemsOf(database.db, `crypto-deposit:${id}`)).toEqual(['parked-crypto-deposit:closed']);
  });

  test('money for a locked account is parked', async () => {
    const { playerId, address } = await world.player();
    await database.db
      .updateTable('pam.player')
      .set({ status: 'locked' })
      .where('id', '=', playerId)
      .execute();
    const id = await pay(address, 20n);
    await world.anvil.mine(6);
    expect(await world.follow(id)).toBe('parked');
    expect(await workItemsOf(database.db, `crypto-deposit:${id}`)).toEqual(['parked-crypto-deposit:open']);
  });

  test('a reorganisation before the credit puts it back to seen, and its new block counts anew', async () => {
    const { playerId, address } = await world.player();
    const snapshot = await world.anvil.node.snapshot();
    const hash = await world.anvil.pay(world.token, address, 30n * usdtRaw);
    const raw = await world.anvil.node.request({
      method: 'eth_getRawTransactionByHash',
      params: [hash],
    } as never);
    await world.anvil.mine(4);
    await world.watch();
    const id = await world.idOf(hash);
    expect(await world.follow(id)).toBe('confirming');
    await world.anvil.node.revert({ id: snapshot });
    await world.anvil.mine(9);
    expect(await world.watch()).toContain(id);
    expect(await rowOf(id)).toMatchObject({ blockHash: null, blockHeight: null });
    expect(await world.follow(id)).toBe('seen');
    expect(await world.cash(playerId)).toBe(0n);
    await world.anvil.node.sendRawTransaction({ serializedTransaction: raw });
    await world.anvil.mine(3);
    expect(await world.watch()).toContain(id);
    expect(await world.follow(id)).toBe('confirming');
    await world.anvil.mine(3);
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId)).toBe(30n * usdt);
  });

  test('no credit when the block has just left the chain, though no watcher has noticed', async () => {
    const { playerId, address } = await world.player();
    const id = await pay(address, 40n);
    await world.anvil.mine(6);
    await world.anvil.reorg(7);
    await world.anvil.mine(3);
    expect(await world.follow(id)).toBe('seen');
    expect(await world.cash(playerId)).toBe(0n);
    await world.watch();
  });

  test('a reorganisation after the credit takes it back, what was spent is owed, and it can come again', async () => {
    const { playerId, address } = await world.player();
    const snapshot = await world.anvil.node.snapshot();
    const hash = await world.anvil.pay(world.token, address, 60n * usdtRaw);
    const raw = await world.anvil.node.request({
      method: 'eth_getRawTransactionByHash',
      params: [hash],
    } as never);
    await world.anvil.mine(6);
    await world.watch();
    const id = await world.idOf(hash);
    expect(await world.follow(id)).toBe('credited');
    await database.db.transaction().execute(async (trx) => {
      await postTransfer(trx, {
        key: `spent:${playerId}`,
        playerId,
        asset: 'USDT',
        amount: 45n * usdt,
        subject: `spent:${playerId}`,
        transfer: { code: 'adjustment.post', direction: 'debit', mayOwe: false },
      });
    });
    await world.anvil.node.revert({ id: snapshot });
    await world.anvil.mine(12);
    expect(await world.watch()).toContain(id);
    expect(await world.follow(id)).toBe('orphaned');
    expect(await world.follow(id)).toBe('orphaned');
    expect(await world.cash(playerId)).toBe(-45n * usdt);
    expect(await workItemsOf(database.db, `crypto-deposit:${id}`)).toEqual(['orphaned-credit:open']);
    await world.anvil.node.sendRawTransaction({ serializedTransaction: raw });
    await world.anvil.mine(6);
    await world.watch();
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId)).toBe(15n * usdt);
    expect((await creditsOf(id)).map(({ number, reversedAt }) => [number, reversedAt !== null])).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  test('a node that is behind, or of another branch for a moment, takes nothing back', async () => {
    const { playerId, address } = await world.player();
    const snapshot = await world.anvil.node.snapshot();
    const id = await pay(address, 65n);
    await world.anvil.mine(6);
    await world.watch();
    expect(await world.follow(id)).toBe('credited');
    // What a load balancer does that asks a slower node: blocks that were shown are not known.
    const whole = world.evm.node;
    const behind = async (height: bigint) => ({
      ...world.evm,
      node: {
        ...whole,
        head: async () => (await whole.block(height)) ?? (await whole.head()),
        block: async (at: bigint) => (at > height ? null : whole.block(at)),
        receipt: async () => null,
      },
    });
    const row = await rowOf(id);
    const slow = await behind((row.blockHeight ?? 0n) - 1n);
    const before = await cursorOf();
    expect(await watchBlock({ db: database.db, evm: slow })).toMatchObject({ kind: 'at-head', touched: [] });
    expect(await cursorOf()).toEqual(before);
    const slowly = createCryptoDepositActivities({ db: database.db, evm: slow, keyRing: testKeyRing });
    expect((await slowly.followCryptoDeposit({ cryptoDepositId: id })).state).toBe('credited');
    expect(await world.cash(playerId)).toBe(65n * usdt);

    // A real reorganisation: the watcher must have come to it before the money is taken back.
    await world.anvil.node.revert({ id: snapshot });
    await world.anvil.mine(14);
    expect(await world.follow(id)).toBe('credited');
    expect(await world.watch()).toContain(id);
    expect(await world.follow(id)).toBe('orphaned');
    expect(await world.cash(playerId)).toBe(0n);
  });

  const cursorOf = () => database.db.selectFrom('payments.chainCursor').selectAll().executeTakeFirstOrThrow();

  test('a node that is away leaves everything as it was', async () => {
    const { playerId, address } = await world.player();
    const id = await pay(address, 70n);
    const gone = openEvm({ ...world.offer, rpcUrl: 'http://127.0.0.1:1', signer: null });
    const deposits = createCryptoDepositActivities({
      db: database.db,
      evm: gone,
      keyRing: testKeyRing,
    });
    await expect(deposits.followCryptoDeposit({ cryptoDepositId: id })).rejects.toThrow(
      'dependency-unavailable',
    );
    expect(await rowOf(id)).toMatchObject({ state: 'seen' });
    expect(await world.cash(playerId)).toBe(0n);
  });

  test('each player has one address, of the next index, and asking at once gives the same', async () => {
    const { playerId, address } = await world.player();
    const request = { playerId, brand, jurisdiction: 'MT', asset: 'ETH' };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => issueDepositAddress(database.db, world.offer, request)),
    );
    for (const answer of answers)
      expect(answer).toEqual({ ok: true, value: { chain: 'ethereum', address, contract: null } });
    const rows = await database.db
      .selectFrom('payments.cryptoAddress')
      .select('derivationIndex')
      .orderBy('derivationIndex')
      .execute();
    expect(rows.map(({ derivationIndex }) => derivationIndex)).toEqual(rows.map((_, index) => index));
    expect(await issueDepositAddress(database.db, world.offer, { ...request, asset: 'BTC' })).toMatchObject({
      failure: { code: 'unsupported-asset' },
    });
  });

  test('the ledger owes what the chain holds for it, and verifies', async () => {
    const addresses = await database.db.selectFrom('payments.cryptoAddress').select('address').execute();
    let onChain = 0n;
    for (const { address } of addresses) onChain += await world.anvil.tokenBalance(world.token, address);
    const { clearing } = await database.db
      .selectFrom('wallet.entry')
      .select(({ fn }) => fn.sum<string>('amount').as('clearing'))
      .where('account', '=', 'psp:evm:clearing')
      .where('asset', '=', 'USDT')
      .executeTakeFirstOrThrow();
    const uncredited = await database.db
      .selectFrom('payments.cryptoDeposit')
      .select(['amount'])
      .where('asset', '=', 'USDT')
      .where('blockHash', 'is not', null)
      .where('state', '<>', 'credited')
      .execute();
    const waiting = uncredited.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    expect(onChain * (usdt / usdtRaw)).toBe(-BigInt(clearing) + waiting);
    expect(onChain).toBeGreaterThan(0n);
    const checks = await verifyLedger(database.db);
    // The correction that played the spending has no request of its own.
    const findings = checks.flatMap(({ findings: found }) => found);
    expect(findings.filter((finding) => !finding.startsWith('correction '))).toEqual([]);
  });
});
