/** The sums of the ledger per asset and account, of all journals or of those of some brands. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';

type TrialLine = {
  readonly asset: string | null;
  readonly account: string | null;
  readonly balance: string | null;
  readonly entries: bigint | null;
};

/** `brands` null means all. */
export async function trialBalance(
  db: Database,
  brands: readonly string[] | null,
): Promise<readonly TrialLine[]> {
  if (brands === null)
    return db.selectFrom('wallet.trialBalance').selectAll().orderBy('asset').orderBy('account').execute();
  const { rows } = await sql<TrialLine>`
    select e.asset, case when e.player_id is null then e.account else 'player:' || e.account end as account,
      sum(e.amount) as balance, count(*) as entries
    from wallet.journal j join wallet.entry e on e.journal_id = j.id
    where j.brand = any(${brands}) group by 1, 2 order by 1, 2`.execute(db);
  return rows;
}
