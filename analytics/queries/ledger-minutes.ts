/** The ledger's sums per minute as ClickHouse has them, to be held against the ledger's own. */
import type { ClickHouseClient } from '@clickhouse/client';

/** Credits and debits apart, so that two errors of opposite sign do not cancel out. Units as text. */
export type MinuteTotal = {
  /** UTC, `2026-11-24 12:00:00`. */
  readonly minute: string;
  readonly asset: string;
  readonly side: string;
  readonly account: string;
  readonly credits: string;
  /** Zero or negative. */
  readonly debits: string;
  readonly entries: number;
};

const query = `
select toString(m.minute) as minute, m.asset as asset, m.side as side, m.account as account, toString(sum(m.credits)) as credits,
  toString(sum(m.debits)) as debits, toUInt32(sum(m.entries)) as entries
from ledger_minute as m
where m.minute >= toDateTime({from: String}, 'UTC') and m.minute < toDateTime({to: String}, 'UTC')
group by m.minute, m.asset, m.side, m.account`;

/** `from` and `to` are whole minutes in UTC, `2026-11-24 12:00:00`; `to` is exclusive. */
export async function ledgerMinutes(
  clickhouse: ClickHouseClient,
  from: string,
  to: string,
): Promise<MinuteTotal[]> {
  const result = await clickhouse.query({ query, query_params: { from, to }, format: 'JSONEachRow' });
  return result.json<MinuteTotal>();
}
