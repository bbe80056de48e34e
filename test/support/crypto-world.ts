/** A chain with two tokens, one of them false, our keys on it, and players with addresses: what tests of crypto stand on. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { Address } from 'viem';
import { HDKey } from 'viem/accounts';
import { issueDepositAddress } from '#activities/payments/commands/crypto-addresses.ts';
import { createCryptoDepositActivities } from '#activities/payments/evm/crypto-deposits.ts';
import { openEvm } from '#activities/payments/evm/evm-deps.ts';
import type { SignerAccount } from '#activities/payments/evm/signer-client.ts';
import { cryptoDepositId, watchBlock } from '#activities/payments/evm/watch-blocks.ts';
import { seedAssets } from '#activities/wallet/assets.ts';
import type { Database } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { brand, fingerprintOf, makePlayer, seedWorld } from '#test/workflows/payment-world.ts';
import { testKeyRing } from './integrations.ts';
import { startAnvil } from './anvil.ts';

/** Of a phrase that everybody knows; the signer of tests is given the same. */
export const testSeed = Buffer.alloc(32, 11);
export const testAccount = HDKey.fromMasterSeed(testSeed).derive("m/44'/60'/0'");
export const testXpub = testAccount.publicExtendedKey;

/** One USDT in the chain's integers, and in the ledger's. */
export const usdtRaw = 10n ** 6n;
export const usdt = 10n ** 12n;

export async function openCryptoWorld(db: Database, signer: SignerAccount | null = null) {
  const anvil = await startAnvil();
  const token = await anvil.deploy('USDT', 6);
  const fake = await anvil.deploy('USDT', 6);
  for (const contract of [token, fake]) await anvil.mint(contract, anvil.faucet, 10_000_000n * usdtRaw);
  await seedAssets(db);
  await seedWorld(db);
  const chain = { chain: 'ethereum', chainId: 31_337, rpcUrl: anvil.url, xpub: testXpub } as const;
  const offer = { ...chain, tokens: [{ asset: 'USDT', contract: token }] };
  const evm = openEvm({ ...offer, signer });
  const log = pino({ level: 'silent' });
  const deposits = createCryptoDepositActivities({ db, evm, keyRing: testKeyRing });

  /** Of a day, in ledger units. */
  const setLimit = (playerId: string, asset: string, amount: bigint) =>
    db
      .insertInto('responsibleGambling.limit')
      .values({
        id: randomUUID(),
        playerId,
        brand,
        jurisdiction: 'MT',
        profileVersion: 1,
        kind: 'deposit',
        window: 'day',
        asset,
        amount: amount.toString(),
        fingerprint: fingerprintOf(playerId),
      })
      .execute();

  return {
    anvil,
    token,
    fake,
    offer,
    evm,
    log,
    deposits,
    limit: setLimit,
    /** An active player with limits in USDT and ETH and an address to pay to. */
    async player(limit = 1_000_000n): Promise<{ playerId: string; address: Address }> {
      const playerId = await makePlayer(db);
      await setLimit(playerId, 'USDT', limit * usdt);
      await setLimit(playerId, 'ETH', limit * 10n ** 18n);
      const request = { playerId, brand, jurisdiction: 'MT', asset: 'USDT' };
      const { address } = orThrow(await issueDepositAddress(db, offer, request));
      return { playerId, address: address as Address };
    },
    /** Reads blocks until there is no news; what was touched on the way. */
    async watch(): Promise<readonly string[]> {
      const touched: string[] = [];
      for (let steps = 0; steps < 2_000; steps += 1) {
        const step = await watchBlock({ db, evm });
        touched.push(...step.touched);
        if (step.kind === 'at-head') return touched;
      }
      throw new Error('the watcher did not come to rest');
    },
    async follow(id: string): Promise<string> {
      return (await deposits.followCryptoDeposit({ cryptoDepositId: id })).state;
    },
    /** The row of the one log of a token transfer. */
    idOf: async (txHash: string): Promise<string> => {
      const receipt = await anvil.node.getTransactionReceipt({ hash: txHash as `0x${string}` });
      return cryptoDepositId('ethereum', txHash, receipt.logs[0]?.logIndex ?? -1);
    },
    cash: async (playerId: string, asset = 'USDT'): Promise<bigint> => {
      const row = await db
        .selectFrom('wallet.playerWallet')
        .select(['cash', 'receivable'])
        .where('playerId', '=', playerId)
        .where('asset', '=', asset)
        .executeTakeFirstOrThrow();
      return BigInt(row.cash) + BigInt(row.receivable);
    },
    stop: () => anvil.stop(),
  };
}

export type CryptoWorld = Awaited<ReturnType<typeof openCryptoWorld>>;
