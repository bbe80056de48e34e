/** The hot wallet on bad days: short of a token, with a fee that nobody signs, with a node that refuses, with fees beyond what lies there. */
import { randomUUID } from 'node:crypto';
import { getAddress, type Address } from 'viem';
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addCryptoDestination } from '#activities/payments/commands/crypto-addresses.ts';
import {
  followTransfer,
  raise,
  signaturesOf,
  signTransfer,
} from '#activities/payments/evm/chain-transfers.ts';
import { queueTransfer } from '#activities/payments/evm/chain-transfers.ts';
import { createCollectActivities } from '#activities/payments/evm/collect-deposits.ts';
import { openEvm, type Evm } from '#activities/payments/evm/evm-deps.ts';
import { createHotWalletActivities } from '#activities/payments/evm/hot-wallet-activities.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { testKeyRing } from '#test/support/integrations.ts';
import { openCryptoWorld, testSeed, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';
import { signerSecret, startSigner } from '#test/support/signer-process.ts';
import { workItemsOf } from '#test/workflows/payment-world.ts';

const gwei = 10n ** 9n;

describe.skipIf(anvilBinary === null && process.env['CI'] !== 'true')('the hot wallet', () => {
  vi.setConfig({ testTimeout: 120_000 });

  let database: TestDatabase;
  let world: CryptoWorld;
  let signer: Awaited<ReturnType<typeof startSigner>>;
  let evm: Evm;

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await openCryptoWorld(database.db);
    // Whatever the market asks, no more than this is signed.
    signer = await startSigner(testSeed, world.token, { SIGNER_FEE_MAX_GWEI: '10' });
    evm = openEvm({ ...world.offer, signer: { url: signer.url, secret: signerSecret } });
    await world.anvil.mint(world.token, evm.hotWallet, 100n * usdtRaw);
    await world.anvil.payCoin(evm.hotWallet, '1');
    await world.anvil.mine(1);
    await world.watch();
  }, 90_000);
  afterAll(async () => {
    await signer?.stop();
    await world?.stop();
    await database?.drop();
  });

  /** In the queue, without the withdrawal that it would be of. */
  async function queued(
    asset: string,
    raw: bigint,
    toAddress: Address = privateKeyToAddress(generatePrivateKey()),
  ) {
    const reference = `gas:of-a-test:${randomUUID()}`;
    const { hotWallet: fromAddress } = evm;
    await queueTransfer(database.db, evm, {
      reference,
      purpose: 'gas',
      fromAddress,
      derivationIndex: null,
      toAddress,
      asset,
      raw,
    });
    return () =>
      database.db
        .selectFrom('payments.chainTransfer')
        .selectAll()
        .where('reference', '=', reference)
        .executeTakeFirstOrThrow();
  }

  const withFees = (maxFeePerGas: bigint): Evm => ({
    ...evm,
    node: { ...evm.node, fees: async () => ({ maxFeePerGas, maxPriorityFeePerGas: gwei }) },
  });

  test('signs no more of a token than it holds, and meanwhile sends what is in another asset', async () => {
    const { address } = await world.player();
    const wallet = createHotWalletActivities({ db: database.db, evm, log: world.log });
    const tend = () => wallet.tendHotWallet({ address: evm.hotWallet });
    const first = await queued('USDT', 70n * usdtRaw, address);
    const short = await queued('USDT', 60n * usdtRaw, address);
    const gas = await queued('ETH', 10n ** 15n, address);
    await tend();
    await tend();
    expect((await first()).state).toBe('signed');
    expect(await short()).toMatchObject({ state: 'queued', nonce: null });
    expect((await gas()).state).toBe('signed');
    await world.anvil.mine(12);
    await tend();
    expect([(await first()).state, (await short()).state, (await gas()).state]).toEqual([
      'confirmed',
      'queued',
      'confirmed',
    ]);
    await world.anvil.mint(world.token, evm.hotWallet, 30n * usdtRaw);
    await tend();
    await world.anvil.mine(7);
    await tend();
    expect((await short()).state).toBe('confirmed');
  });

  test('tells a person when the signer will not sign a higher fee, and no longer once a block has taken it', async () => {
    const { address } = await world.player();
    const transfer = await queued('ETH', 10n ** 15n, address);
    const dear = { db: database.db, evm: withFees(10n * gwei) };
    const { id } = await transfer();
    expect(await signTransfer(dear, id)).toBe('done');
    const [newest] = await signaturesOf(database.db, id);
    if (newest === undefined) throw new Error('nothing was signed');
    await raise(dear, await transfer(), newest);
    expect(await signaturesOf(database.db, id)).toHaveLength(1);
    expect(await workItemsOf(database.db, `chain-transfer:${id}`)).toEqual(['stuck-chain-transfer:open']);
    await followTransfer({ db: database.db, evm }, await transfer());
    await world.anvil.mine(7);
    expect(await followTransfer({ db: database.db, evm }, await transfer())).toBe('confirmed');
    expect(await workItemsOf(database.db, `chain-transfer:${id}`)).toEqual(['stuck-chain-transfer:closed']);
  });

  test('loses no more in fees than a day’s cap of them, whatever the thief of our key asks the signer for', async () => {
    const thrifty = await startSigner(testSeed, world.token, { SIGNER_FEE_DAY_MAX: '0.25' });
    const asked = openEvm({ ...world.offer, signer: { url: thrifty.url, secret: signerSecret } });
    const sign = (nonce: number) =>
      asked.signer?.sign({
        chainId: 31_337,
        branch: 1,
        index: 0,
        from: evm.hotWallet,
        contract: null,
        to: evm.hotWallet,
        rawAmount: '1',
        nonce,
        gas: '250000',
        maxFeePerGas: (400n * gwei).toString(),
        maxPriorityFeePerGas: (400n * gwei).toString(),
      });
    expect(await sign(1)).toMatchObject({ kind: 'signed' });
    expect(await sign(2)).toMatchObject({ kind: 'signed' });
    expect(await sign(2)).toMatchObject({ kind: 'signed' });
    expect(await sign(3)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('above-fee-cap'),
    });
    await thrifty.stop();
  });

  test('keeps the address of its node, which may carry a key, out of what people read', async () => {
    const account = privateKeyToAccount(generatePrivateKey());
    const raw = await account.signTransaction({
      type: 'eip1559',
      chainId: 31_337,
      nonce: 0,
      to: evm.hotWallet,
      value: 10n ** 18n,
      gas: 21_000n,
      maxFeePerGas: 5n * gwei,
      maxPriorityFeePerGas: gwei,
    });
    const keyed = openEvm({ ...world.offer, rpcUrl: `${world.anvil.url}/?key=of-the-node`, signer: null });
    const outcome = await keyed.node.broadcast(raw);
    expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringMatching(/insufficient funds/i) });
    expect(JSON.stringify(outcome)).not.toMatch(/of-the-node|http/);
  });

  test('does not collect a coin while its fee is more than what lies there', async () => {
    const { address } = await world.player();
    await world.anvil.payCoin(address, '0.02');
    await world.anvil.mine(1);
    const collect = createCollectActivities({
      db: database.db,
      evm: withFees(1_000n * gwei),
      log: world.log,
    });
    expect(await collect.collectDeposits({ address, asset: 'ETH' })).toBe('done');
  });

  test('pays to no contract of a listed token, where the money would be lost', async () => {
    const { playerId } = await world.player();
    const added = await addCryptoDestination(database.db, testKeyRing, world.offer, {
      playerId,
      address: getAddress(world.token),
    });
    expect(added).toMatchObject({ ok: false, failure: { code: 'payment-method-unavailable' } });
  });
});
