/** Totals per asset and account of one UTC day, to be held against the ledger's own. */
import type { ClickHouseClient } from '@clickhouse/client';

export type LedgerTotal = {
  readonly asset: string;
  readonly account: string;
  readonly units: bigint;
  readonly entries: number;
};

const query = `
select asset, if(player_id is null, account, concat('player:', account)) as name, toString(sum(units)) as units, count() as entries
from ledger_entry
where occurred_at >= toDateTime64({day: String}, 6, 'UTC') and occurred_at < toDateTime64({day: String}, 6, 'UTC') + interval 1 day
  and ({isOfAll: Bool} or brand in {brands: Array(String)})
group by asset, name order by asset, name`;

/** `day` is YYYY-MM-DD; `brands` null means all. */
export async function ledgerTotals(
  clickhouse: ClickHouseClient,
  day: string,
  brands: readonly string[] | null,
): Promise<LedgerTotal[]> {
  const result = await clickhouse.query({
    query,
    query_params: { day: `${day} 00:00:00`, isOfAll: brands === null, brands: [...(brands ?? [])] },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ asset: string; name: string; units: string; entries: string | number }>();
  return rows.map((row) => ({
    asset: row.asset,
    account: row.name,
    units: BigInt(row.units),
    entries: Number(row.entries),
  }));
}
