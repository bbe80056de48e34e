/** The workflows of crypto on a real local chain, under skipped time: a deposit, the hot wallet with a withdrawal, a collection. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addCryptoDestination } from '#activities/payments/commands/crypto-addresses.ts';
import { addListEntry, endListEntry } from '#activities/payments/commands/list-entries.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { createEvmConnector } from '#activities/payments/connectors/evm.ts';
import { createCollectActivities } from '#activities/payments/evm/collect-deposits.ts';
import { openEvm } from '#activities/payments/evm/evm-deps.ts';
import { createHotWalletActivities } from '#activities/payments/evm/hot-wallet-activities.ts';
import { orThrow } from '#domain/failures.ts';
import { sweepCryptoDeposits, sweepCryptoWallets, tellCryptoDeposits } from '#workers/sweep-crypto.ts';
import { cryptoDepositWorkflowId } from '#workflows/crypto-deposit.contract.ts';
import { cryptoSweepStart } from '#workflows/crypto-sweep.contract.ts';
import type { cryptoSweep } from '#workflows/crypto-sweep.ts';
import { hotWalletWorkflowId } from '#workflows/hot-wallet.contract.ts';
import { withdrawalStart } from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { testKeyRing } from '#test/support/integrations.ts';
import { openCryptoWorld, testSeed, usdt, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { signerSecret, startSigner } from '#test/support/signer-process.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { brand, fingerprintOf, paymentActivities } from './payment-world.ts';

describeWorkflows('crypto', () => {
  let database: TestDatabase;
  let workflows: WorkflowEnvironment;
  let world: CryptoWorld;
  let signer: Awaited<ReturnType<typeof startSigner>>;
  let evm: ReturnType<typeof openEvm>;
  let activities: Record<'money' | 'provider', object>;

  beforeAll(async () => {
    [database, workflows] = await Promise.all([
      createTestDatabase({ connectionsMax: 8 }),
      createWorkflowEnvironment(),
    ]);
    if (anvilBinary === null) return;
    world = await openCryptoWorld(database.db);
    signer = await startSigner(testSeed, world.token);
    evm = openEvm({ ...world.offer, signer: { url: signer.url, secret: signerSecret } });
    const deps = { db: database.db, evm, log: world.log };
    const payments = paymentActivities(database.db, new Map([['evm', createEvmConnector(database.db, evm)]]));
    activities = {
      money: payments.money,
      provider: {
        ...payments.provider,
        ...world.deposits,
        ...createHotWalletActivities(deps),
        ...createCollectActivities(deps),
      },
    };
    await world.anvil.mint(world.token, evm.hotWallet, 1_000n * usdtRaw);
    await world.anvil.payCoin(evm.hotWallet, '10');
    await world.anvil.mine(1);
    await world.watch();
  }, 120_000);
  afterAll(async () => {
    await signer?.stop();
    await world?.stop();
    await workflows?.close();
    await database?.drop();
  });

  const run = (fn: (client: Client) => Promise<void>) => workflows.runWorkflows({ activities }, fn);

  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 40_000; Date.now() < deadline; await delay(100))
      if (await isSo()) return;
    throw new Error(`It did not come to pass: ${what}`);
  }

  const stateOf = async (id: string) =>
    (
      await database.db
        .selectFrom('payments.cryptoDeposit')
        .select('state')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).state;

  /** Pays, mines one block, reads it and tells the workflow, as the watcher does. */
  async function pay(client: Client, address: string, tokens: bigint) {
    const txHash = await world.anvil.pay(world.token, address, tokens * usdtRaw);
    await world.anvil.mine(1);
    const id = await world.idOf(txHash);
    const touched = await world.watch();
    await tellCryptoDeposits(client, database.db, touched);
    const { logIndex } = await database.db
      .selectFrom('payments.cryptoDeposit')
      .select('logIndex')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const handle = client.workflow.getHandle(
      cryptoDepositWorkflowId({ chain: 'ethereum', txHash, logIndex }),
    );
    return { id, handle };
  }
  const tell = async (client: Client) => tellCryptoDeposits(client, database.db, await world.watch());

  test.skipIf(anvilBinary === null)('a deposit is credited and followed to its final depth', () =>
    run(async (client) => {
      const { playerId, address } = await world.player();
      const { id, handle } = await pay(client, address, 120n);
      await until('confirming', async () => (await stateOf(id)) === 'confirming');
      await world.anvil.mine(6);
      await tellCryptoDeposits(client, database.db, [id]);
      await until('credited', async () => (await stateOf(id)) === 'credited');
      await world.anvil.mine(60);
      expect(await handle.result()).toBe('credited');
      expect(await world.cash(playerId)).toBe(120n * usdt);
      await workflows.exportHistory(handle, 'crypto-deposit.credited');
    }),
  );

  test.skipIf(anvilBinary === null)('dust ends parked', () =>
    run(async (client) => {
      const { address } = await world.player();
      const hash = await world.anvil.pay(world.token, address, 5n);
      await world.anvil.mine(1);
      await tell(client);
      const receipt = await world.anvil.node.getTransactionReceipt({ hash });
      const handle = client.workflow.getHandle(
        cryptoDepositWorkflowId({
          chain: 'ethereum',
          txHash: hash,
          logIndex: receipt.logs[0]?.logIndex ?? -1,
        }),
      );
      expect(await handle.result()).toBe('parked');
      await workflows.exportHistory(handle, 'crypto-deposit.parked');
    }),
  );

  test.skipIf(anvilBinary === null)(
    'a reorganisation after the credit reaches the workflow, and the money can come again',
    () =>
      run(async (client) => {
        const { playerId, address } = await world.player();
        const snapshot = await world.anvil.node.snapshot();
        const { id, handle } = await pay(client, address, 70n);
        const txHash = handle.workflowId.split(':')[2] ?? '';
        const raw = await world.anvil.node.request({
          method: 'eth_getRawTransactionByHash',
          params: [txHash],
        } as never);
        await world.anvil.mine(6);
        await tellCryptoDeposits(client, database.db, [id]);
        await until('credited', async () => (await stateOf(id)) === 'credited');
        await world.anvil.node.revert({ id: snapshot });
        await world.anvil.mine(9);
        await tell(client);
        await until('orphaned', async () => (await stateOf(id)) === 'orphaned');
        expect(await world.cash(playerId)).toBe(0n);
        await world.anvil.node.sendRawTransaction({ serializedTransaction: raw });
        await world.anvil.mine(70);
        await tell(client);
        await until('credited again', async () => (await stateOf(id)) === 'credited');
        expect(await handle.result()).toBe('credited');
        expect(await world.cash(playerId)).toBe(70n * usdt);
        await workflows.exportHistory(handle, 'crypto-deposit.orphaned-and-credited-again');
      }),
  );

  test.skipIf(anvilBinary === null)('a collection waits for its gas and brings the tokens home', () =>
    run(async (client) => {
      const { address } = await world.player();
      await world.anvil.mint(world.token, address, 90n * usdtRaw);
      await world.watch();
      // Gas is there already, so that the hot wallet is not needed.
      await world.anvil.payCoin(address, '0.1');
      await world.anvil.mine(1);
      const before = await world.anvil.tokenBalance(world.token, evm.hotWallet);
      const handle = await client.workflow.start<typeof cryptoSweep>(
        'cryptoSweep',
        cryptoSweepStart({ chain: 'ethereum', address, asset: 'USDT' }),
      );
      const mining = setInterval(() => void world.anvil.mine(1), 200);
      try {
        await handle.result();
      } finally {
        clearInterval(mining);
      }
      expect(await world.anvil.tokenBalance(world.token, evm.hotWallet)).toBe(before + 90n * usdtRaw);
      expect(await world.anvil.tokenBalance(world.token, address)).toBe(0n);
      await workflows.exportHistory(handle, 'crypto-sweep.collected');
    }),
  );

  // The server that skips time stops skipping once a workflow was terminated, so these two come last.
  test.skipIf(anvilBinary === null)(
    'what was parked for a reason that passes is taken up by the sweep when its workflow is lost',
    () =>
      run(async (client) => {
        const { playerId, address } = await world.player();
        const operatorId = randomUUID();
        const { id: entryId } = await database.db.transaction().execute(async (trx) =>
          orThrow(
            await addListEntry(trx, testKeyRing, {
              entryId: randomUUID(),
              brand,
              list: 'black',
              kind: 'player',
              value: playerId,
              skips: [],
              reason: 'a test',
              expiresAt: null,
              operatorId,
              fingerprint: Buffer.alloc(32),
            }),
          ),
        );
        const { id, handle } = await pay(client, address, 40n);
        await world.anvil.mine(6);
        await tellCryptoDeposits(client, database.db, [id]);
        await until('parked', async () => (await stateOf(id)) === 'parked');
        await handle.terminate('the server has lost it');
        await database.db
          .transaction()
          .execute((trx) => endListEntry(trx, { entryId, operatorId, reason: 'a test is over' }));
        // The sweep leaves alone what has just changed.
        await database.ownerPool.query(
          "update payments.crypto_deposit set changed_at = now() - interval '1 minute' where id = $1",
          [id],
        );
        await sweepCryptoDeposits(client, database.db);
        await until('credited', async () => (await stateOf(id)) === 'credited');
        expect(await world.cash(playerId)).toBe(40n * usdt);
      }),
  );

  test.skipIf(anvilBinary === null)('a withdrawal runs through the hot wallet and is paid', () =>
    run(async (client) => {
      const { playerId, address } = await world.player();
      const { id } = await pay(client, address, 80n);
      await world.anvil.mine(6);
      await tellCryptoDeposits(client, database.db, [id]);
      await until('credited', async () => (await stateOf(id)) === 'credited');
      const { instrumentId } = orThrow(
        await addCryptoDestination(database.db, testKeyRing, world.offer, {
          playerId,
          address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
        }),
      );
      await database.ownerPool.query('alter table payments.crypto_destination disable trigger all');
      await database.ownerPool.query(
        "update payments.crypto_destination set usable_from = now() - interval '1 second'",
      );
      const withdrawalId = randomUUID();
      const money = { amount: '30', asset: 'USDT' };
      orThrow(
        await requestWithdrawal(database.db, {
          withdrawalId,
          playerId,
          brand,
          money,
          instrumentId,
          fingerprint: fingerprintOf(withdrawalId),
        }),
      );
      // Everything above the band of the jurisdiction needs a person; here one has decided already.
      await database.ownerPool.query('alter table payments.withdrawal disable trigger user');
      await database.ownerPool.query(
        "update payments.withdrawal set state = 'approved', approvals_required = 0 where id = $1",
        [withdrawalId],
      );
      await database.ownerPool.query('alter table payments.withdrawal enable trigger user');
      const payout = await client.workflow.start<typeof withdrawal>(
        'withdrawal',
        withdrawalStart({ withdrawalId, playerId, brand, jurisdiction: 'MT', money }),
      );
      const queued = async () =>
        (await database.db.selectFrom('payments.chainTransfer').select('state').execute()).map(
          ({ state }) => state,
        );
      await until('queued', async () => (await queued()).includes('queued'));
      expect(await sweepCryptoWallets(client, database.db)).toBe(1);
      await until('signed', async () => (await queued()).includes('signed'));
      await until('broadcast', async () => (await world.anvil.node.getTxpoolStatus()).pending > 0);
      await world.anvil.mine(8);
      await sweepCryptoWallets(client, database.db);
      expect(await payout.result()).toMatchObject({ state: 'paid' });
      expect(await world.cash(playerId)).toBe(50n * usdt);
      const handle = client.workflow.getHandle(
        hotWalletWorkflowId({ chain: 'ethereum', address: evm.hotWallet }),
      );
      await handle.terminate('the test is over');
      await workflows.exportHistory(handle, 'hot-wallet.payout');
    }),
  );
});
