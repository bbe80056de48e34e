/** Balances of a player at an instant, read from the chains: the entry that an instant falls on says what was there. */
import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#db/connect.ts';
import type { Units } from '#domain/money.ts';
import { pools, type Pool } from '#domain/wallet/chart.ts';

export type PoolStanding = {
  readonly account: Pool;
  /** Seq of the last entry before the instant; zero when there was none. */
  readonly seq: bigint;
  readonly balance: Units;
};

/**
 * Where each pool of the wallets stood just before `instant` (ISO text, up to microseconds). Time is the journal's
 * `occurred_at`, and `wallet.seq_before` finds the place by halving the chain. With `asset` only that wallet.
 */
export async function standingsBefore(
  db: Database,
  playerId: string,
  instant: string,
  asset: string | null = null,
): Promise<Map<string, PoolStanding[]>> {
  const { rows } = await sql<{ asset: string; account: Pool; seq: bigint; balance: string }>`
    select w.asset, p.account, b.seq, coalesce(e.balance_after, 0)::text as balance
    from wallet.player_wallet w
    cross join unnest(${pools}::text[]) with ordinality as p(account, place)
    cross join lateral (
      -- Without the offset, which keeps it apart, the function would be called for every entry that is joined below.
      select wallet.seq_before(w.player_id, w.asset, p.account, ${instant}::timestamptz) as seq offset 0
    ) b
    left join wallet.entry e on e.player_id = w.player_id and e.asset = w.asset and e.account = p.account and e.seq = b.seq
    where w.player_id = ${playerId} and (${asset}::text is null or w.asset = ${asset})
    order by w.asset, p.place`.execute(db);
  const standings = new Map<string, PoolStanding[]>();
  for (const { asset: code, account, seq, balance } of rows) {
    const list = standings.get(code) ?? [];
    list.push({ account, seq, balance: BigInt(balance) });
    standings.set(code, list);
  }
  return standings;
}

/**
 * Brings an asked-for period to the database's clock: its end is now at the latest, and without one it is now. Answers
 * with ISO texts in microseconds.
 */
export async function resolvePeriod(
  db: Database,
  period: { readonly from: string; readonly to: string | null },
): Promise<{ readonly from: string; readonly to: string; readonly days: number }> {
  const { rows } = await sql<{ from: string; to: string; days: number }>`
    with asked as (
      select ${period.from}::timestamptz as began, least(coalesce(${period.to}::timestamptz, now()), now()) as ended
    )
    select ${isoOf(sql`began`)} as "from", ${isoOf(sql`ended`)} as "to",
      extract(epoch from ended - began)::float8 / 86400 as days
    from asked`.execute(db);
  const [resolved] = rows;
  if (!resolved) throw new Error('Invariant broken: a select without a table has one row');
  return resolved;
}

/**
 * Balances as of an instant, entries of that very microsecond included; null is now, and so is the future. Answers with
 * the instant that was meant.
 */
export async function balancesAt(
  db: Database,
  playerId: string,
  at: string | null,
): Promise<{ readonly at: string; readonly wallets: ReadonlyMap<string, readonly PoolStanding[]> }> {
  const { rows } = await sql<{ at: string; after: string }>`
    with asked as (select least(coalesce(${at}::timestamptz, now()), now()) as meant)
    select ${isoOf(sql`meant`)} as at, ${isoOf(sql`meant + interval '1 microsecond'`)} as after from asked`.execute(
    db,
  );
  const [instant] = rows;
  if (!instant) throw new Error('Invariant broken: a select without a table has one row');
  return { at: instant.at, wallets: await standingsBefore(db, playerId, instant.after) };
}

const isoOf = (instant: RawBuilder<unknown>) =>
  sql<string>`to_char((${instant}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
