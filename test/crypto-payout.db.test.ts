/** Payouts on a real local chain through the signer's own process: kept before they go out, serial in their nonces, booked at their depth. */
import { randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import type { Address, Hash } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addCryptoDestination } from '#activities/payments/commands/crypto-addresses.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { createEvmConnector } from '#activities/payments/connectors/evm.ts';
import {
  broadcastTransfer,
  followTransfer,
  raise,
  signaturesOf,
  signTransfer,
} from '#activities/payments/evm/chain-transfers.ts';
import { createCollectActivities } from '#activities/payments/evm/collect-deposits.ts';
import { openEvm } from '#activities/payments/evm/evm-deps.ts';
import { createHotWalletActivities } from '#activities/payments/evm/hot-wallet-activities.ts';
import { cryptoDepositId } from '#activities/payments/evm/watch-blocks.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { testKeyRing } from '#test/support/integrations.ts';
import { openCryptoWorld, testSeed, usdt, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { signerSecret, startSigner } from '#test/support/signer-process.ts';
import { brand, fingerprintOf, paymentActivities, workItemsOf } from '#test/workflows/payment-world.ts';

describe.skipIf(anvilBinary === null && process.env['CI'] !== 'true')('a payout on a chain', () => {
  // Each waits for a chain, a signer and a database, on whatever machine there is.
  vi.setConfig({ testTimeout: 120_000 });

  let database: TestDatabase;
  let world: CryptoWorld;
  let signer: Awaited<ReturnType<typeof startSigner>>;
  let evm: ReturnType<typeof openEvm>;
  let payments: ReturnType<typeof paymentActivities>;
  let wallet: ReturnType<typeof createHotWalletActivities>;
  let collect: ReturnType<typeof createCollectActivities>;
  /** Tokens of the house in the hot wallet, in the chain's integers. */
  const funded = 2_000n * usdtRaw;

  beforeAll(async () => {
    database = await createTestDatabase({ connectionsMax: 8 });
    world = await openCryptoWorld(database.db);
    signer = await startSigner(testSeed, world.token);
    evm = openEvm({ ...world.offer, signer: { url: signer.url, secret: signerSecret } });
    const deps = { db: database.db, evm, log: world.log };
    payments = paymentActivities(database.db, new Map([['evm', createEvmConnector(database.db, evm)]]));
    wallet = createHotWalletActivities(deps);
    collect = createCollectActivities(deps);
    // So that destinations need not rest for a day.
    await database.ownerPool.query('alter table payments.crypto_destination disable trigger all');
    await world.anvil.mint(world.token, evm.hotWallet, funded);
    await world.anvil.payCoin(evm.hotWallet, '10');
    await world.anvil.mine(1);
    await world.watch();
  }, 90_000);
  afterAll(async () => {
    await signer?.stop();
    await world?.stop();
    await database?.drop();
  });

  const tend = () => wallet.tendHotWallet({ address: evm.hotWallet });

  /** Players with `tokens` each, credited from the chain. */
  async function rich(tokens: bigint, count = 1): Promise<{ playerId: string; address: Address }[]> {
    const players = [];
    const hashes: Hash[] = [];
    for (let n = 0; n < count; n += 1) {
      const player = await world.player();
      players.push(player);
      hashes.push(await world.anvil.pay(world.token, player.address, tokens * usdtRaw));
    }
    await world.anvil.mine(tokens > 1_000n ? 12 : 6);
    await world.watch();
    for (const hash of hashes) {
      const receipt = await world.anvil.node.getTransactionReceipt({ hash });
      const id = cryptoDepositId('ethereum', hash, receipt.logs[0]?.logIndex ?? -1);
      expect(await world.follow(id)).toBe('credited');
    }
    return players;
  }

  /** A destination that has rested. */
  async function destination(playerId: string): Promise<{ instrumentId: string; address: Address }> {
    const address = privateKeyToAddress(generatePrivateKey());
    const { instrumentId } = orThrow(
      await addCryptoDestination(database.db, testKeyRing, world.offer, { playerId, address }),
    );
    await database.ownerPool.query(
      "update payments.crypto_destination set usable_from = now() - interval '1 second' where instrument_id = $1",
      [instrumentId],
    );
    return { instrumentId, address };
  }

  const ask = (playerId: string, instrumentId: string, amount: string) =>
    requestWithdrawal(database.db, {
      withdrawalId: randomUUID(),
      playerId,
      brand,
      money: { amount, asset: 'USDT' },
      instrumentId,
      fingerprint: fingerprintOf(randomUUID()),
    });

  /** Approved and in the hot wallet's queue. */
  async function queued(playerId: string, amount: string) {
    const { instrumentId, address } = await destination(playerId);
    const { id: withdrawalId } = orThrow(await ask(playerId, instrumentId, amount));
    const { check } = await payments.money.checkWithdrawal({ withdrawalId });
    expect(check).toMatchObject({ kind: 'pass' });
    await payments.money.approveWithdrawal({ withdrawalId, approvals: 0 });
    await payments.provider.startPayout({ withdrawalId, number: 1 });
    const sent = await payments.provider.sendPayout({ withdrawalId, number: 1 });
    expect(sent.state).toBe('pending');
    return { withdrawalId, address, transfer: await transferOf(withdrawalId) };
  }
  const transferOf = (withdrawalId: string) =>
    database.db
      .selectFrom('payments.chainTransfer')
      .selectAll()
      .where('reference', '=', `withdrawal:${withdrawalId}:p1`)
      .executeTakeFirstOrThrow();
  const refresh = async (withdrawalId: string) =>
    (await payments.provider.refreshPayout({ withdrawalId, number: 1 })).state;

  test('is kept before it goes out and paid only at its depth', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(100n);
    const { withdrawalId, address, transfer } = await queued(playerId, '40.5');
    await tend();
    const [signature] = await signaturesOf(database.db, transfer.id);
    expect(signature).toMatchObject({ number: 1, broadcasts: 1 });
    await world.anvil.mine(1);
    expect(await world.anvil.tokenBalance(world.token, address)).toBe(40_500_000n);
    await tend();
    expect(await refresh(withdrawalId)).toBe('pending');
    await world.anvil.mine(5);
    expect(await tend()).toEqual({ open: 0, endedPayouts: [withdrawalId] });
    expect(await refresh(withdrawalId)).toBe('paid');
    expect(await payments.money.settleWithdrawal({ withdrawalId, number: 1 })).toEqual({ kind: 'paid' });
    expect(await world.cash(playerId)).toBe(59n * usdt + usdt / 2n);
  });

  test('a worker killed between keeping and sending is followed by the same bytes', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(50n);
    const { withdrawalId, transfer } = await queued(playerId, '10');
    const chain = JSON.stringify({ ...world.offer, signer: { url: signer.url, secret: signerSecret } });
    const died = spawnSync(
      process.execPath,
      ['test/support/sign-and-die.ts', database.writerUrl, chain, transfer.id],
      { encoding: 'utf8' },
    );
    expect([died.signal, died.stderr]).toEqual(['SIGKILL', '']);
    const [kept] = await signaturesOf(database.db, transfer.id);
    expect(kept).toMatchObject({ number: 1, broadcasts: 0 });
    await world.anvil.mine(1);
    expect(await evm.node.receipt(kept?.txHash ?? '')).toBeNull();
    await tend();
    await tend();
    await world.anvil.mine(6);
    await tend();
    expect(await signaturesOf(database.db, transfer.id)).toEqual([
      expect.objectContaining({ raw: kept?.raw, txHash: kept?.txHash, broadcasts: 2 }),
    ]);
    expect((await transferOf(withdrawalId)).txHash).toBe(kept?.txHash);
    expect(await refresh(withdrawalId)).toBe('paid');
    await payments.money.settleWithdrawal({ withdrawalId, number: 1 });
  });

  test('a higher fee keeps the nonce, and either of its hashes may be the one that a block holds', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(100n);
    const first = await queued(playerId, '10');
    await tend();
    const sign = async (id: string) => {
      const row = await database.db
        .selectFrom('payments.chainTransfer')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const newest = (await signaturesOf(database.db, id)).at(-1);
      if (newest !== undefined) await raise({ db: database.db, evm }, row, newest);
      return row;
    };
    await sign(first.transfer.id);
    await broadcastTransfer({ db: database.db, evm }, first.transfer.id);
    const second = await queued(playerId, '11');
    await tend();
    await sign(second.transfer.id);
    await world.anvil.mine(7);
    await tend();
    const [a1, a2] = await signaturesOf(database.db, first.transfer.id);
    const [b1, b2] = await signaturesOf(database.db, second.transfer.id);
    expect(BigInt(a2?.maxFeePerGas ?? 0)).toBeGreaterThan(BigInt(a1?.maxFeePerGas ?? 0));
    const [a, b] = [await transferOf(first.withdrawalId), await transferOf(second.withdrawalId)];
    expect(a).toMatchObject({ state: 'confirmed', txHash: a2?.txHash });
    expect(b).toMatchObject({ state: 'confirmed', txHash: b1?.txHash });
    expect(b.nonce).toBe((a.nonce ?? 0n) + 1n);
    expect(await evm.node.receipt(a1?.txHash ?? '')).toBeNull();
    expect(await evm.node.receipt(b2?.txHash ?? '')).toBeNull();
    expect(await world.anvil.tokenBalance(world.token, first.address)).toBe(10n * usdtRaw);
    for (const { withdrawalId } of [first, second]) {
      expect(await refresh(withdrawalId)).toBe('paid');
      await payments.money.settleWithdrawal({ withdrawalId, number: 1 });
    }
  });

  test('twenty at once, tended by several workers, take twenty nonces without a gap', async () => {
    const players = await rich(30n, 20);
    const all = [];
    for (const { playerId } of players) all.push(await queued(playerId, '25'));
    await Promise.all([tend(), tend(), tend(), tend()]);
    await world.anvil.mine(7);
    while ((await tend()).open > 0) await world.anvil.mine(1);
    const rows = await Promise.all(all.map(({ withdrawalId }) => transferOf(withdrawalId)));
    const nonces = rows.map(({ nonce }) => Number(nonce)).toSorted((x, y) => x - y);
    expect(rows.every(({ state }) => state === 'confirmed')).toBe(true);
    expect(nonces).toEqual(nonces.map((_, index) => (nonces[0] ?? 0) + index));
    for (const { address, withdrawalId } of all) {
      expect(await world.anvil.tokenBalance(world.token, address)).toBe(25n * usdtRaw);
      expect(await refresh(withdrawalId)).toBe('paid');
      await payments.money.settleWithdrawal({ withdrawalId, number: 1 });
    }
  });

  test('a transfer that the contract refuses gives the money back, its fee is booked, and the next nonce goes on', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(50n);
    const { withdrawalId, address } = await queued(playerId, '20');
    await world.anvil.setRefusing(world.token, true);
    await tend();
    await world.anvil.mine(7);
    await tend();
    await world.anvil.setRefusing(world.token, false);
    expect((await transferOf(withdrawalId)).state).toBe('reverted');
    expect(await refresh(withdrawalId)).toBe('declined');
    await payments.money.releaseWithdrawal({ withdrawalId, state: 'refused', reason: 'payout-declined' });
    expect(await world.cash(playerId)).toBe(50n * usdt);
    expect(await world.anvil.tokenBalance(world.token, address)).toBe(0n);
    const fee = await database.db
      .selectFrom('wallet.journal')
      .select(['code', 'asset'])
      .where('subject', '=', `chain-transfer:${(await transferOf(withdrawalId)).id}`)
      .executeTakeFirst();
    expect(fee).toEqual({ code: 'psp.fee', asset: 'ETH' });
  });

  test('more than the signer lets one payout move is refused without spending a nonce', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(1_500n);
    const { withdrawalId, transfer } = await queued(playerId, '1200');
    expect(await tend()).toMatchObject({ endedPayouts: [withdrawalId] });
    expect(await transferOf(withdrawalId)).toMatchObject({ state: 'refused', nonce: null });
    expect(await signaturesOf(database.db, transfer.id)).toEqual([]);
    expect(await refresh(withdrawalId)).toBe('declined');
    await payments.money.releaseWithdrawal({ withdrawalId, state: 'refused', reason: 'payout-declined' });
  });

  test('an address with a wrong checksum, one of ours, and one that has not rested are refused', async () => {
    const [{ playerId, address: ours } = { playerId: '', address: '0x' }] = await rich(10n);
    const add = (address: string) =>
      addCryptoDestination(database.db, testKeyRing, world.offer, { playerId, address });
    const good = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
    for (const wrong of [good.replace('C51812dc', 'c51812dc'), good.toLowerCase()])
      expect(await add(wrong)).toMatchObject({ failure: { code: 'invalid-address-checksum' } });
    for (const wrong of ['0x123', `${good}00`, 'DE89370400440532013000'])
      expect(await add(wrong)).toMatchObject({ failure: { code: 'invalid-request' } });
    for (const own of [ours, evm.hotWallet])
      expect(await add(own)).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
    const { instrumentId } = orThrow(await add(good));
    expect(await ask(playerId, instrumentId, '5')).toMatchObject({ failure: { code: 'address-resting' } });
  });

  test('the signer believes nobody without the key, and signs nothing but transfers to listed contracts', async () => {
    const order = {
      chainId: 31_337,
      branch: 1 as 0 | 1,
      index: 0,
      from: evm.hotWallet as string,
      contract: world.token as string | null,
      to: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      rawAmount: '1',
      nonce: 9_999,
      gas: '60000',
      maxFeePerGas: '2000000000',
      maxPriorityFeePerGas: '1000000000',
    };
    const stranger = openEvm({
      ...world.offer,
      signer: { url: signer.url, secret: 'another-secret-0123456789' },
    });
    expect(await stranger.signer?.sign(order)).toMatchObject({
      kind: 'away',
      reason: 'the signer answered 401',
    });
    const refusals: [object, string][] = [
      [{ contract: world.fake }, 'unlisted-contract'],
      [{ chainId: 1 }, 'wrong-chain'],
      [{ branch: 0, from: (await world.player()).address }, 'not-a-sweep'],
      [{ index: 1 }, 'unknown-wallet'],
      [{ from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' }, 'other-keys'],
      [{ rawAmount: '1000000001' }, 'above-cap'],
      [{ maxFeePerGas: '900000000000' }, 'fee-too-high'],
      [{ gas: '900000' }, 'gas-too-high'],
    ];
    for (const [change, error] of refusals)
      expect(await evm.signer?.sign({ ...order, ...change })).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining(error),
      });
    const day = await startSigner(testSeed, world.token, { SIGNER_DAY_MAX: 'USDT=100' });
    const thrifty = openEvm({ ...world.offer, signer: { url: day.url, secret: signerSecret } });
    const spend = (nonce: number, tokens: bigint) =>
      thrifty.signer?.sign({ ...order, nonce, rawAmount: (tokens * usdtRaw).toString() });
    expect(await spend(1, 60n)).toMatchObject({ kind: 'signed' });
    expect(await spend(1, 60n)).toMatchObject({ kind: 'signed' });
    expect(await spend(2, 60n)).toMatchObject({ kind: 'refused' });
    expect(await spend(2, 40n)).toMatchObject({ kind: 'signed' });
    await day.stop();
  });

  test('a signer that is away leaves the queue as it is', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(30n);
    const { withdrawalId, transfer } = await queued(playerId, '5');
    const gone = openEvm({ ...world.offer, signer: { url: 'http://127.0.0.1:1', secret: signerSecret } });
    expect(await signTransfer({ db: database.db, evm: gone }, transfer.id)).toBe('away');
    expect(await transferOf(withdrawalId)).toMatchObject({ state: 'queued', nonce: null });
    await tend();
    await world.anvil.mine(7);
    await tend();
    expect(await refresh(withdrawalId)).toBe('paid');
    await payments.money.settleWithdrawal({ withdrawalId, number: 1 });
  });

  test('a nonce that somebody else has spent is shown to a person and nothing is sent again', async () => {
    const [{ playerId } = { playerId: '' }] = await rich(30n);
    const { withdrawalId, transfer } = await queued(playerId, '5');
    const snapshot = await world.anvil.node.snapshot();
    expect(await signTransfer({ db: database.db, evm }, transfer.id)).toBe('done');
    const row = await transferOf(withdrawalId);
    await world.anvil.node.setNonce({ address: evm.hotWallet, nonce: Number(row.nonce) + 1 });
    await world.anvil.mine(1);
    expect(await followTransfer({ db: database.db, evm }, row)).toBe('signed');
    expect(await workItemsOf(database.db, `chain-transfer:${row.id}`)).toEqual(['stuck-chain-transfer:open']);
    expect(await refresh(withdrawalId)).toBe('pending');
    await world.anvil.node.revert({ id: snapshot });
    await tend();
    await world.anvil.mine(7);
    await tend();
    expect(await refresh(withdrawalId)).toBe('paid');
    await payments.money.settleWithdrawal({ withdrawalId, number: 1 });
  });

  test('a hot wallet outside of its levels becomes a work item, once', async () => {
    await wallet.checkHotWalletLevels({ address: evm.hotWallet });
    await wallet.checkHotWalletLevels({ address: evm.hotWallet });
    expect(await workItemsOf(database.db, 'hot-wallet:ethereum:USDT')).toEqual(['hot-wallet-level:open']);
    expect(await workItemsOf(database.db, 'hot-wallet:ethereum:ETH')).toEqual([]);
  });

  test('a sweep sends gas ahead and brings everything home, and then the chain holds what the ledger says', async () => {
    await world.watch();
    const rows = await database.db.selectFrom('payments.cryptoAddress').select('address').execute();
    let waiting = rows.map(({ address }) => address);
    for (let rounds = 0; rounds < 30 && waiting.length > 0; rounds += 1) {
      const before = waiting;
      waiting = [];
      for (const address of before)
        if ((await collect.collectDeposits({ address, asset: 'USDT' })) !== 'done') waiting.push(address);
      await tend();
      await world.anvil.mine(12);
    }
    expect(waiting).toEqual([]);
    await world.anvil.mine(40);
    await tend();
    await world.watch();
    let atPlayers = 0n;
    for (const { address } of rows) atPlayers += await world.anvil.tokenBalance(world.token, address);
    // Below the amount that is worth a fee it stays.
    expect(atPlayers).toBe(10n * usdtRaw);
    const sumOf = async (account: string, asset: string) => {
      const { sum } = await database.db
        .selectFrom('wallet.entry')
        .select(({ fn }) => fn.sum<string>('amount').as('sum'))
        .where('account', '=', account)
        .where('asset', '=', asset)
        .executeTakeFirstOrThrow();
      return BigInt(sum ?? 0);
    };
    const inHotWallet = await world.anvil.tokenBalance(world.token, evm.hotWallet);
    expect((inHotWallet + atPlayers - funded) * (usdt / usdtRaw)).toBe(
      -(await sumOf('psp:evm:clearing', 'USDT')),
    );
    // Ether: what was given less what is left, here and as change at the swept addresses, is what miners took.
    let ether = await evm.node.balance(evm.hotWallet, null);
    for (const { address } of rows) ether += await evm.node.balance(address, null);
    expect(10n * 10n ** 18n - ether).toBe(-(await sumOf('house:psp-fees', 'ETH')));
    expect((await verifyLedger(database.db)).flatMap(({ findings }) => findings)).toEqual([]);
    const open = await database.db
      .selectFrom('payments.chainTransfer')
      .select('id')
      .where('closedAt', 'is', null)
      .execute();
    expect(open).toEqual([]);
  });
});
