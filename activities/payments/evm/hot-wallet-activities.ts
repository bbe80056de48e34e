/** What the `hotWallet` workflow does: sign and send what is queued, one nonce after the other, and follow what is out. */
import { sql } from 'kysely';
import { assets } from '#domain/assets.ts';
import { rescale } from '#domain/money.ts';
import { levelOf } from '#domain/payments/crypto/hot-wallet.ts';
import { isWithdrawalStopped } from '#activities/wallet/audit/withdrawal-stop.ts';
import type { ActivityDeps } from '../../deps.ts';
import { closeWorkItems, openWorkItem } from '../commands/work-items.ts';
import {
  broadcastTransfer,
  followTransfer,
  openTransfers,
  signTransfer,
  type TransferDeps,
} from './chain-transfers.ts';

export type WalletRound = {
  /** Transfers that still have no end. */
  readonly open: number;
  /** Withdrawals whose payout has found its end in this round. */
  readonly endedPayouts: readonly string[];
};

export function createHotWalletActivities(deps: Pick<ActivityDeps, 'db' | 'evm' | 'log'>) {
  const { db, evm } = deps;
  return {
    /** One round over the queue. Repeating it is harmless; while an audit has stopped withdrawals nothing is signed. */
    async tendHotWallet({ address }: { readonly address: string }): Promise<WalletRound> {
      if (evm === null || evm.hotWallet !== address) return { open: 0, endedPayouts: [] };
      const parts = { db, evm };
      const mayStart = evm.signer !== null && !(await isWithdrawalStopped(db));
      let maySign = mayStart;
      const held = new Set<string>();
      const ended: string[] = [];
      const rows = await openTransfers(parts, address);
      for (const row of rows) {
        if (row.state === 'signed') {
          const state = await followTransfer(parts, row);
          if (state !== 'signed') ended.push(row.reference);
          continue;
        }
        // In the order of the queue: what cannot be signed now holds up those of its asset behind it, and no others, or a
        // wallet that is short of a token could not send the gas that brings more of it.
        if (!maySign || held.has(row.asset)) continue;
        const signing = await signTransfer(parts, row.id);
        maySign = signing !== 'away';
        if (signing === 'held') held.add(row.asset);
        if (signing !== 'done') continue;
        await broadcastTransfer(parts, row.id);
        if (await isRefused(parts, row.id)) ended.push(row.reference);
      }
      if (ended.length > 0) deps.log.info({ ended }, 'transfers of the hot wallet have ended');
      return {
        open: rows.length - ended.length,
        endedPayouts: ended.flatMap(
          (reference) => /^withdrawal:([0-9a-f-]{36}):p\d+$/.exec(reference)?.[1] ?? [],
        ),
      };
    },

    /** Compares what the hot wallet holds with what it should; a person moves the difference from or to cold storage. */
    async checkHotWalletLevels({ address }: { readonly address: string }): Promise<void> {
      if (evm === null || evm.hotWallet !== address) return;
      for (const asset of [evm.chain.coin, ...evm.contractOf.keys()]) {
        const known = assets.get(asset);
        if (known === undefined) continue;
        const units = (raw: bigint) => rescale(raw, known.payableScale, known.ledgerScale);
        const held = units(await evm.node.balance(address, evm.contractOf.get(asset) ?? null));
        const { owed } = await db
          .selectFrom('payments.chainTransfer')
          .select(sql<string>`coalesce(sum(raw_amount), 0)::text`.as('owed'))
          .where('chain', '=', evm.chain.name)
          .where('fromAddress', '=', address)
          .where('asset', '=', asset)
          .where('closedAt', 'is', null)
          .executeTakeFirstOrThrow();
        const level = levelOf(asset, held, units(BigInt(owed)));
        const subject = `hot-wallet:${evm.chain.name}:${asset}`;
        if (level === 'low' || level === 'high')
          await openWorkItem(db, {
            kind: 'hot-wallet-level',
            subject,
            brand: null,
            reason: `the hot wallet is ${level} in ${asset}`,
          });
        else
          await db
            .transaction()
            .execute((trx) => closeWorkItems(trx, subject, ['hot-wallet-level'], 'within its levels'));
      }
    },
  };
}

async function isRefused({ db }: TransferDeps, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('payments.chainTransfer')
    .select('state')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return row.state === 'refused';
}
