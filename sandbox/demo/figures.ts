/** What the analysts' figures and the ledger say since a day, to hold how one player's money life has moved both. */
import { signInOperator, type Cast } from './cast.ts';
import type { Json } from './http.ts';

/** In whole units of the smallest digit that the API shows, so that sums are exact. */
export type Standing = {
  /** The first day that the figures are of, in UTC: a money life that goes over midnight is counted whole. */
  readonly since: string;
  /** From ClickHouse. */
  readonly kpis: {
    readonly ftd: bigint;
    readonly deposits: bigint;
    readonly ggr: bigint;
    readonly ngr: bigint;
  };
  /** From the ledger's own balances; revenue is positive, cost negative. */
  readonly ledger: { readonly gaming: bigint; readonly costs: bigint };
};

const places = 12;

/** Exact, with as many places as the finest amount has. */
export function units({ amount }: Json): bigint {
  const [whole = '0', fraction = ''] = String(amount).split('.');
  return BigInt(whole + fraction.padEnd(places, '0'));
}

/** A day in UTC, so many days from today. */
export const day = (offset = 0): string =>
  new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

/**
 * The brand's figures from a day on. The costs are those between GGR and NGR that the demo can cause: it plays no bonus
 * money.
 */
export async function readStanding(
  cast: Cast,
  brand: string,
  asset: string,
  since = day(),
): Promise<Standing> {
  const analyst = await signInOperator(cast, 'admin');
  const query = `from=${since}&to=${day(1)}&brand=${brand}&asset=${asset}`;
  const kpis = await analyst(`/admin/v1/kpis?${query}`);
  const { lines } = await analyst('/admin/v1/ledger/trial-balance');
  const sum = (accounts: readonly string[]): bigint =>
    lines
      .filter(({ account, balance }: Json) => accounts.includes(account) && balance.asset === asset)
      .reduce((total: bigint, { balance }: Json) => total + units(balance), 0n);
  return {
    since,
    kpis: {
      ftd: BigInt(kpis.ftd),
      deposits: units(kpis.deposits),
      ggr: units(kpis.ggr),
      ngr: units(kpis.ngr),
    },
    ledger: {
      gaming: sum(['house:casino:gaming', 'house:sportsbook:gaming']),
      costs: sum(['house:psp-fees', 'house:jackpot-cost']),
    },
  };
}
