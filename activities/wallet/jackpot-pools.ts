/**
 * What jackpot pools hold. A pool is the sum of its entries and no bet updates a row of it; a roll-up keeps the sum up
 * to a journal, so that reading a pool adds only what has come since.
 */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import type { Units } from '#domain/money.ts';
import { isOfParty } from './party-entries.ts';

export type PoolBalance = {
  readonly pool: string;
  readonly asset: string;
  readonly balance: Units;
  readonly entries: number;
};

/**
 * Journals of the last two minutes are left to the next roll-up: ids are made before their commit, and one that
 * commits late must not fall behind the bound. No statement or transaction of ours lives that long.
 */
const unsettledS = 120;

/** Every pool that games feed or have fed, in every asset in which it has entries. */
const pools = sql`(select distinct jackpot_pool as pool from games.game where jackpot_pool is not null
  union select pool from wallet.jackpot_rollup)`;

const nil = '00000000-0000-0000-0000-000000000000';

/** Balances by pool and asset: the roll-up and what has come after it. */
export async function readJackpotPools(db: Database): Promise<PoolBalance[]> {
  const { rows } = await sql<{ pool: string; asset: string; balance: string; entries: bigint }>`
    select p.pool, a.code as asset, (coalesce(r.balance, 0) + since.units)::text as balance,
      coalesce(r.entries, 0) + since.entries as entries
    from ${pools} p cross join wallet.asset a
    left join wallet.jackpot_rollup r on r.pool = p.pool and r.asset = a.code
    cross join lateral (
      select coalesce(sum(e.amount), 0) as units, count(*) as entries from wallet.entry e
      where ${isOfParty} and e.account = 'jackpot:' || p.pool and e.asset = a.code
        and e.journal_id > coalesce(r.through_journal_id, ${nil}::uuid)
    ) since
    where r.pool is not null or since.entries > 0
    order by 1, 2`.execute(db);
  return rows.map((row) => ({ ...row, balance: BigInt(row.balance), entries: Number(row.entries) }));
}

/** Brings the roll-ups up to two minutes ago; the number of pools that had something new. */
export async function rollUpJackpotPools(db: Database): Promise<number> {
  const { rows } = await sql<{ pool: string }>`
    with bound as (
      select (lpad(to_hex((extract(epoch from now() - make_interval(secs => ${unsettledS})) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid as id
    ),
    news as (
      select p.pool, a.code as asset, since.units, since.entries, bound.id
      from bound, ${pools} p cross join wallet.asset a
      left join wallet.jackpot_rollup r on r.pool = p.pool and r.asset = a.code
      cross join lateral (
        select sum(e.amount) as units, count(*) as entries from bound b, wallet.entry e
        where ${isOfParty} and e.account = 'jackpot:' || p.pool and e.asset = a.code
          and e.journal_id > coalesce(r.through_journal_id, ${nil}::uuid) and e.journal_id <= b.id
      ) since
      where since.entries > 0
    )
    insert into wallet.jackpot_rollup as r (pool, asset, balance, entries, through_journal_id)
    select pool, asset, units, entries, id from news
    on conflict (pool, asset) do update set balance = r.balance + excluded.balance,
      entries = r.entries + excluded.entries, through_journal_id = excluded.through_journal_id, rolled_up_at = now()
      where r.through_journal_id < excluded.through_journal_id
    returning r.pool`.execute(db);
  return rows.length;
}
