/**
 * A player's statement of a period: where each pool stood at its beginning and end, and every entry in between. Which
 * entries belong to the period is decided by seq and not by time: the ends are found once, and what lies between them
 * in the chains explains the difference of the balances whatever a clock did.
 */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import type { Units } from '#domain/money.ts';
import { pools, type Pool } from '#domain/wallet/chart.ts';
import { standingsBefore, type PoolStanding } from './balances-at.ts';

export type StatementLine = {
  readonly journalId: string;
  readonly code: string;
  readonly account: Pool;
  readonly seq: bigint;
  readonly amount: Units;
  readonly balanceAfter: Units;
  readonly hash: string;
  /** ISO text with microseconds. */
  readonly occurredAt: string;
  /** Why, where a person decided it. */
  readonly reason: string | null;
};

export type StatementTotal = {
  readonly code: string;
  readonly account: Pool;
  readonly entries: number;
  readonly amount: Units;
};

export type Statement = {
  readonly opening: readonly PoolStanding[];
  readonly closing: readonly PoolStanding[];
  readonly lines: readonly StatementLine[];
  /** Of the whole period, with its first page only, and only up to `summedEntriesMax` entries. */
  readonly totals: readonly StatementTotal[] | null;
  readonly next: string | null;
};

export type StatementQuery = {
  readonly playerId: string;
  readonly asset: string;
  /** The first instant of the period, ISO text. */
  readonly from: string;
  /** The first instant after it. */
  readonly to: string;
  readonly limit: number;
  /** Of the page before; it carries the ends of the period, so that later entries do not move them. */
  readonly cursor: string | null;
};

/** Totals are summed while a reader waits: beyond this a report is asked, not the ledger. */
const summedEntriesMax = 250_000n;

/** Last seq that was shown and last seq of the period, of each pool. */
type Position = { readonly shown: bigint; readonly last: bigint };

const cursorForm = /^(?:\d{1,18}-\d{1,18}\.){3}\d{1,18}-\d{1,18}$/;
export const isStatementCursor = (text: string): boolean => cursorForm.test(text);

/** Null when the player has no wallet in the asset. The cursor must have passed `isStatementCursor`. */
export async function readStatement(db: Database, query: StatementQuery): Promise<Statement | null> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      const { playerId, asset } = query;
      const opening = (await standingsBefore(snapshot, playerId, query.from, asset)).get(asset);
      if (!opening) return null;
      const whole = await wholePeriod(snapshot, query, opening);
      const positions = query.cursor === null ? whole : positionsOf(query.cursor, whole);
      const lines = await readLines(snapshot, query, positions);
      const page = lines.slice(0, query.limit);
      const reached = positions.map((position, index) => ({
        ...position,
        shown: page.findLast(({ account }) => account === pools[index])?.seq ?? position.shown,
      }));
      return {
        opening,
        closing: await standingsAt(snapshot, query, positions),
        lines: page,
        totals: isSummed(query, positions) ? await readTotals(snapshot, query, positions) : null,
        next: lines.length > query.limit ? cursorOf(reached) : null,
      };
    });
}

async function wholePeriod(
  db: Database,
  { playerId, asset, to }: StatementQuery,
  opening: readonly PoolStanding[],
): Promise<Position[]> {
  const closing = (await standingsBefore(db, playerId, to, asset)).get(asset) ?? [];
  return opening.map(({ seq }, index) => ({ shown: seq, last: later(seq, closing[index]?.seq ?? seq) }));
}

const isSummed = ({ cursor }: StatementQuery, positions: readonly Position[]): boolean =>
  cursor === null && positions.reduce((sum, { shown, last }) => sum + last - shown, 0n) <= summedEntriesMax;

const later = (one: bigint, other: bigint): bigint => (one > other ? one : other);
const sooner = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/** Kept inside the period: a cursor of somebody's own making reaches nothing that its query does not. */
const positionsOf = (cursor: string, whole: readonly Position[]): Position[] => {
  const parts = cursor.split('.');
  return whole.map(({ shown: first, last: end }, index) => {
    const [shown = 0n, last = 0n] = (parts[index] ?? '').split('-').map(BigInt);
    const ends = later(first, sooner(last, end));
    return { shown: sooner(ends, later(first, shown)), last: ends };
  });
};

const cursorOf = (positions: readonly Position[]): string =>
  positions.map(({ shown, last }) => `${shown}-${last}`).join('.');

/**
 * The next entries of all pools in order of time. Each chain is in that order by itself, so a page needs at most a page
 * of each, whatever the period's length. An entry counts as no older than the ones before it in its chain: the order of
 * a chain is kept whatever a clock did.
 */
async function readLines(
  db: Database,
  { playerId, asset, limit }: StatementQuery,
  positions: readonly Position[],
): Promise<StatementLine[]> {
  const { rows } = await sql<
    Omit<StatementLine, 'amount' | 'balanceAfter'> & {
      amount: string;
      balanceAfter: string;
    }
  >`
    select e.journal_id, j.code, e.account, e.seq, e.amount, e.balance_after, encode(e.hash, 'hex') as hash,
      to_char(j.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at,
      (select r.title from wallet.adjustment a join wallet.adjustment_reason r on r.code = a.reason_code
       where a.journal_id = j.id) as reason
    from unnest(${pools}::text[], ${positions.map(({ shown }) => shown.toString())}::bigint[],
                ${positions.map(({ last }) => last.toString())}::bigint[]) with ordinality as p(account, shown, last, place)
    cross join lateral (
      select * from wallet.entry e
      where e.player_id = ${playerId} and e.asset = ${asset} and e.account = p.account
        and e.seq > p.shown and e.seq <= p.last
      order by e.seq limit ${limit + 1}
    ) e
    join wallet.journal j on j.id = e.journal_id
    order by max(j.occurred_at) over (partition by p.place order by e.seq), p.place, e.seq limit ${limit + 1}`.execute(
    db,
  );
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount), balanceAfter: BigInt(row.balanceAfter) }));
}

async function standingsAt(
  db: Database,
  { playerId, asset }: StatementQuery,
  positions: readonly Position[],
): Promise<PoolStanding[]> {
  const { rows } = await sql<{ account: Pool; seq: bigint; balance: string }>`
    select p.account, p.last as seq, coalesce(e.balance_after, 0)::text as balance
    from unnest(${pools}::text[], ${positions.map(({ last }) => last.toString())}::bigint[])
      with ordinality as p(account, last, place)
    left join wallet.entry e on e.player_id = ${playerId} and e.asset = ${asset} and e.account = p.account and e.seq = p.last
    order by p.place`.execute(db);
  return rows.map(({ account, seq, balance }) => ({ account, seq, balance: BigInt(balance) }));
}

async function readTotals(
  db: Database,
  { playerId, asset }: StatementQuery,
  positions: readonly Position[],
): Promise<StatementTotal[]> {
  const { rows } = await sql<{ code: string; account: Pool; entries: number; amount: string }>`
    select j.code, e.account, count(*)::int as entries, sum(e.amount)::text as amount
    from unnest(${pools}::text[], ${positions.map(({ shown }) => shown.toString())}::bigint[],
                ${positions.map(({ last }) => last.toString())}::bigint[]) as p(account, shown, last)
    join wallet.entry e on e.player_id = ${playerId} and e.asset = ${asset} and e.account = p.account
      and e.seq > p.shown and e.seq <= p.last
    join wallet.journal j on j.id = e.journal_id
    group by 1, 2 order by 1, 2`.execute(db);
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount) }));
}
