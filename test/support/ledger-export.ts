/** The ledger of some players as the judge of histories reads it, in one snapshot. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { pools } from '#domain/wallet/chart.ts';
import type { Ledger } from './wallet-history.ts';

type JournalRow = {
  id: string;
  integration: string;
  externalId: string;
  code: string;
  reverses: string | null;
};
type EntryRow = {
  journalId: string;
  asset: string;
  account: string;
  playerId: string | null;
  seq: bigint | null;
  amount: string;
  balanceAfter: string | null;
};

export async function exportLedger(db: Database, playerIds: readonly string[]): Promise<Ledger> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (snapshot) => {
      const { rows: journals } = await sql<JournalRow>`
        select id, integration, external_id, code, reverses from wallet.journal
        where player_id = any(${[...playerIds]}::uuid[]) order by id`.execute(snapshot);
      const { rows: entries } = await sql<EntryRow>`
        select e.journal_id, e.asset, e.account, e.player_id, e.seq, e.amount, e.balance_after
        from wallet.entry e join wallet.journal j on j.id = e.journal_id
        where j.player_id = any(${[...playerIds]}::uuid[])`.execute(snapshot);
      const wallets = await snapshot
        .selectFrom('wallet.playerWallet')
        .selectAll()
        .where('playerId', 'in', [...playerIds])
        .execute();
      return {
        journals,
        entries: entries.map((entry) => ({
          ...entry,
          seq: entry.seq === null ? null : Number(entry.seq),
          amount: BigInt(entry.amount),
          balanceAfter: entry.balanceAfter === null ? null : BigInt(entry.balanceAfter),
        })),
        projections: wallets.flatMap((wallet) =>
          pools.map((account) => ({
            playerId: wallet.playerId,
            account,
            seq: Number(wallet[`${account}Seq`]),
            balance: BigInt(wallet[account]),
          })),
        ),
      };
    });
}
