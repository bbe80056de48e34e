/** What the `cryptoSweep` workflow does: bring what lies at a player's address into the hot wallet, with gas sent ahead where it is a token. */
import { sql } from 'kysely';
import { assets } from '#domain/assets.ts';
import { rescale } from '#domain/money.ts';
import { collectMinimum } from '#domain/payments/crypto/hot-wallet.ts';
import type { ActivityDeps } from '../../deps.ts';
import {
  broadcastTransfer,
  followTransfer,
  openTransfers,
  queueTransfer,
  signTransfer,
} from './chain-transfers.ts';
import type { Evm } from './evm-deps.ts';

export type CollectStep = 'done' | 'wait' | 'needs-gas' | 'sent';

export type CollectInput = { readonly address: string; readonly asset: string };

/** Gas of a token's transfer with room for one that costs more than usual, and of a plain one. */
const tokenGas = 120_000n;
const coinGas = 21_000n;

export function createCollectActivities(deps: Pick<ActivityDeps, 'db' | 'evm' | 'log'>) {
  const { db, evm } = deps;
  return {
    /** Takes the one step that is due. Repeating it is harmless: an address has one open transfer at a time. */
    async collectDeposits({ address, asset }: CollectInput): Promise<CollectStep> {
      const known = assets.get(asset);
      const minimum = collectMinimum(asset);
      if (evm === null || evm.signer === null || known === undefined || minimum === null) return 'done';
      const parts = { db, evm };
      const [open] = await openTransfers(parts, address);
      if (open !== undefined) {
        if (open.state === 'signed')
          return (await followTransfer(parts, open)) === 'signed' ? 'wait' : 'sent';
        if ((await signTransfer(parts, open.id)) !== 'done') return 'wait';
        await broadcastTransfer(parts, open.id);
        return 'sent';
      }
      const contract = evm.contractOf.get(asset) ?? null;
      const balance = await evm.node.balance(address, contract);
      if (rescale(balance, known.payableScale, known.ledgerScale) < minimum) return 'done';
      const fee = await feeOf(evm, contract === null ? coinGas : tokenGas);
      if (contract !== null && (await evm.node.balance(address, null)) < fee)
        return sendGas(evm, address, fee);
      const raw = contract === null ? balance - fee : balance;
      // While fees are as high as that, it stays where it is.
      if (raw <= 0n) return 'done';
      const { derivationIndex } = await db
        .selectFrom('payments.cryptoAddress')
        .select('derivationIndex')
        .where('chain', '=', evm.chain.name)
        .where('address', '=', address)
        .executeTakeFirstOrThrow();
      await queueTransfer(db, evm, {
        reference: `sweep:${evm.chain.name}:${address}:${asset}:${await countOf(address, 'fromAddress')}`,
        purpose: 'sweep',
        fromAddress: address,
        derivationIndex,
        toAddress: evm.hotWallet,
        asset,
        raw,
      });
      return 'wait';
    },
  };

  /** Through the hot wallet's own queue; one at a time for an address. */
  async function sendGas(chain: Evm, address: string, fee: bigint): Promise<CollectStep> {
    const waiting = await db
      .selectFrom('payments.chainTransfer')
      .select('id')
      .where('purpose', '=', 'gas')
      .where('toAddress', '=', address)
      .where('closedAt', 'is', null)
      .executeTakeFirst();
    if (waiting === undefined)
      await queueTransfer(db, chain, {
        reference: `gas:${chain.chain.name}:${address}:${await countOf(address, 'toAddress')}`,
        purpose: 'gas',
        fromAddress: chain.hotWallet,
        derivationIndex: null,
        toAddress: address,
        asset: chain.chain.coin,
        raw: fee,
      });
    return 'needs-gas';
  }

  async function countOf(address: string, side: 'fromAddress' | 'toAddress'): Promise<number> {
    const { count } = await db
      .selectFrom('payments.chainTransfer')
      .select(sql<number>`count(*)::int`.as('count'))
      .where(side, '=', address)
      .executeTakeFirstOrThrow();
    return count;
  }
}

/** Half more than the market asks, so that the fee still fits when the transfer is signed a moment later. */
async function feeOf(evm: Evm, gas: bigint): Promise<bigint> {
  const { maxFeePerGas } = await evm.node.fees();
  return (gas * maxFeePerGas * 3n) / 2n;
}
