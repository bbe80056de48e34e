/** Holds the ledger's sums of every closed minute against those in ClickHouse, to the last unit. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { sql } from 'kysely';
import { ledgerMinutes, type MinuteTotal } from '#analytics/queries/ledger-minutes.ts';
import { isClickHouseUnavailable } from '#analytics/queries/or-unavailable.ts';
import type { Database } from '#db/connect.ts';

export type MinuteComparison = {
  /** First minute that was not compared, `2026-11-24 12:00:00` UTC; null when there is no journal yet. */
  readonly next: string | null;
  readonly minutes: number;
  readonly entries: number;
  readonly findings: readonly string[];
  /** Why nothing, or not all, could be compared; null when every closed minute was. */
  readonly unseen: string | null;
};

/** A minute's last commits may still be under way when it ends. */
const settleS = 5;
/** After a pause of the audit the rest comes with the next runs. */
const minutesMax = 1_440;
const journalsMax = 200_000;
/** Within this a commit that came between the two readings has reached both. */
const secondLookMs = 2_000;

type Span = { readonly from: string; readonly to: string };

/** Compares from `from` on, or from the first journal; reads the log's leaves by time, so that old minutes cost nothing. */
export async function compareMinutes(
  db: Database,
  clickhouse: ClickHouseClient,
  from: string | null,
): Promise<MinuteComparison> {
  const nothing = { next: from, minutes: 0, entries: 0, findings: [], unseen: null };
  const span = await closedSpan(db, from);
  if (span === null) return nothing;
  try {
    let seen = await readBoth(db, clickhouse, span);
    if (differences(seen.ledger, seen.copy).length > 0) {
      await delay(secondLookMs);
      seen = await readBoth(db, clickhouse, span);
    }
    // Asked after the reading: a commit that only one of the two can have seen is still to be delivered now.
    const open = await oldestUndelivered(db);
    const to = open !== null && open < span.to ? open : span.to;
    if (to <= span.from) return { ...nothing, unseen: `facts from ${to} on are still on their way` };
    const isClosed = ({ minute }: MinuteTotal) => minute < to;
    const ledger = seen.ledger.filter(isClosed);
    return {
      next: to,
      minutes: Math.round((Date.parse(`${to}Z`) - Date.parse(`${span.from}Z`)) / 60_000),
      entries: ledger.reduce((sum, { entries }) => sum + entries, 0),
      findings: differences(ledger, seen.copy.filter(isClosed)),
      unseen: null,
    };
  } catch (error) {
    if (!isClickHouseUnavailable(error)) throw error;
    return { ...nothing, unseen: 'ClickHouse does not answer' };
  }
}

const minuteText = (expression: string) =>
  sql<string>`to_char(date_trunc('minute', ${sql.raw(expression)} at time zone 'UTC'), 'YYYY-MM-DD HH24:MI:SS')`;

async function closedSpan(db: Database, from: string | null): Promise<Span | null> {
  const { rows } = await sql<{ from: string | null; to: string; limit: string | null }>`
    with start as (
      select coalesce((${from}::text || '+00')::timestamptz,
        (select date_trunc('minute', occurred_at) from wallet.log_leaf order by index limit 1)) as at
    )
    select ${minuteText('start.at')} as "from",
      ${minuteText(`least(now() - interval '${settleS} s', start.at + interval '${minutesMax} min')`)} as "to",
      (select ${minuteText('l.occurred_at')} from wallet.log_leaf l
       where l.occurred_at >= start.at order by l.occurred_at offset ${journalsMax} limit 1) as "limit"
    from start`.execute(db);
  const row = rows[0];
  if (row === undefined || row.from === null) return null;
  // One minute at least, however much it holds.
  const to = row.limit !== null && row.limit > row.from && row.limit < row.to ? row.limit : row.to;
  return to > row.from ? { from: row.from, to } : null;
}

async function readBoth(
  db: Database,
  clickhouse: ClickHouseClient,
  { from, to }: Span,
): Promise<{ ledger: MinuteTotal[]; copy: MinuteTotal[] }> {
  const { rows } = await sql<MinuteTotal>`
    select ${minuteText('l.occurred_at')} as minute, e.asset,
      case when e.player_id is null then 'house' else 'player' end as side, e.account,
      sum(greatest(e.amount, 0))::text as credits, sum(least(e.amount, 0))::text as debits, count(*)::int as entries
    from wallet.log_leaf l
    cross join lateral (select * from wallet.entry w where w.journal_id = l.journal_id) e
    where l.occurred_at >= (${from}::text || '+00')::timestamptz and l.occurred_at < (${to}::text || '+00')::timestamptz
    group by 1, 2, 3, 4`.execute(db);
  return { ledger: rows, copy: await ledgerMinutes(clickhouse, from, to) };
}

/** The minute of the oldest fact that ClickHouse or the log has not been given, or null. */
async function oldestUndelivered(db: Database): Promise<string | null> {
  const { rows } = await sql<{ minute: string | null }>`
    select min(${minuteText('o.occurred_at')}) as minute
    from (values ('clickhouse'), ('ledger-log')) as s(sink)
    left join compliance.relay_cursor c on c.sink = s.sink
    cross join lateral (
      select x.occurred_at from compliance.outbox x
      where (x.xid, x.id) > (coalesce(c.xid, '0'::xid8), coalesce(c.last_id, 0)) order by x.xid, x.id limit 10000
    ) o`.execute(db);
  return rows[0]?.minute ?? null;
}

function differences(ledger: readonly MinuteTotal[], copy: readonly MinuteTotal[]): string[] {
  const nameOf = ({ minute, asset, side, account }: MinuteTotal) => `${minute}\n${asset}\n${side}:${account}`;
  const say = (total: MinuteTotal | undefined) =>
    total === undefined
      ? 'nothing'
      : `${total.credits} and ${total.debits} units in ${total.entries} entries`;
  const [left, right] = [ledger, copy].map((list) => new Map(list.map((total) => [nameOf(total), total])));
  return [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])]
    .toSorted()
    .map((name) => ({ name, ours: say(left?.get(name)), theirs: say(right?.get(name)) }))
    .filter(({ ours, theirs }) => ours !== theirs)
    .map(({ name, ours, theirs }) => {
      const [minute, asset, account] = name.split('\n');
      return `${minute} ${asset} ${account}: the ledger has ${ours}, ClickHouse ${theirs}`;
    });
}
