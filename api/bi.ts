/** Figures for analysts: KPIs from ClickHouse, their comparison with the ledger, and how far the relay has come. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { orUnavailable } from '#analytics/queries/or-unavailable.ts';
import { kpiFigures } from '#analytics/queries/kpis.ts';
import { ledgerTotals } from '#analytics/queries/ledger-totals.ts';
import { ngrWaterfall } from '#domain/bi/kpi-dictionary.ts';
import { toMoneyText, assetOf } from '#domain/money.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from './app.ts';
import { brandScope, requireBrand, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { problemResponses } from './problem.ts';
import { calendarDay, moneyOutput, timestamp } from './schemas.ts';

const day = calendarDay.openapi({ example: '2026-11-24' });
const failures = [
  'invalid-request',
  'unknown-asset',
  'not-authenticated',
  'forbidden',
  'not-found',
  'dependency-unavailable',
] as const;

const kpiSchema = z
  .strictObject({
    brand: z.string(),
    from: day,
    to: day,
    ftd: z.int().openapi({ description: 'Players whose first settled deposit lies in the period.' }),
    depositsCount: z.int(),
    deposits: moneyOutput.openapi({ description: 'Captured in the period.' }),
    refunds: moneyOutput,
    chargebacks: moneyOutput.openapi({ description: 'Taken back by banks, less disputes won.' }),
    netDeposits: moneyOutput.openapi({ description: 'Deposits less refunds and chargebacks.' }),
    withdrawals: moneyOutput,
    playerFees: moneyOutput.openapi({ description: 'Paid by players for withdrawals.' }),
    activePlayers: z.int(),
    turnover: moneyOutput.openapi({ description: 'Stakes that were not rolled back.' }),
    bonusTurnover: moneyOutput.openapi({ description: 'Of the turnover, what was staked from bonus money.' }),
    wins: moneyOutput,
    ggr: moneyOutput,
    ngr: moneyOutput.openapi({
      description: 'Last step of the waterfall: bonus money counts when it becomes cash.',
    }),
    ngrByIssuedBonus: moneyOutput.openapi({
      description: 'The other school: GGR less bonus money given and not forfeited.',
    }),
    waterfall: z.array(z.strictObject({ step: z.string(), money: moneyOutput })),
  })
  .openapi('Kpis');

const comparisonSchema = z
  .strictObject({
    day,
    accounts: z.int(),
    entries: z.int(),
    differences: z.array(
      z.strictObject({
        account: z.string(),
        ledger: moneyOutput,
        clickhouse: moneyOutput,
        ledgerEntries: z.int(),
        clickhouseEntries: z.int(),
      }),
    ),
  })
  .openapi('LedgerComparison');

const relaySchema = z
  .strictObject({
    sinks: z.array(
      z.strictObject({
        sink: z.string(),
        backlogRows: z.int().openapi({ description: 'Counted to 100,000.' }),
        lagS: z.number(),
        deliveredAt: timestamp.nullable(),
      }),
    ),
  })
  .openapi('RelayState');

const analystRoute = (deps: ApiDeps) => ({
  method: 'get' as const,
  tags: ['bi'],
  security: [{ operatorSession: [] as string[] }],
  middleware: requireOperator(deps, 'bi:kpi:read'),
});

export function mountBi(api: Api, deps: ApiDeps): void {
  mountKpis(api, deps);
  mountComparison(api, deps);
  mountRelayState(api, deps);
}

function mountKpis(api: Api, deps: ApiDeps): void {
  const query = z.strictObject({
    from: day,
    to: day,
    brand: z.string().min(1).max(40),
    asset: z.string().regex(/^[A-Z]{3,10}$/),
  });
  api.openapi(
    createRoute({
      ...analystRoute(deps),
      path: '/admin/v1/kpis',
      operationId: 'getKpis',
      summary: 'FTD, deposits, turnover, GGR and NGR with its waterfall; `to` is exclusive, days are UTC',
      request: { query },
      responses: {
        200: {
          description: 'Figures from ClickHouse',
          content: { 'application/json': { schema: kpiSchema } },
        },
        ...problemResponses(...failures),
      },
    }),
    async (c) => {
      const { from, to, brand, asset } = c.req.valid('query');
      requireBrand(c.get('operator'), brand);
      orThrow(assetOf(asset));
      if (to <= from) throw new FailureError(fail('invalid-request', '`to` must lie after `from`.').failure);
      const figures = await orUnavailable(() => kpiFigures(deps.clickhouse, { from, to, brand, asset }));
      const money = (units: bigint) => toMoneyText(units, asset);
      const { steps, ngr, ngrByIssued } = ngrWaterfall(figures);
      return c.json(
        {
          brand,
          from,
          to,
          ftd: figures.ftd,
          depositsCount: figures.depositsCount,
          deposits: money(figures.deposits),
          refunds: money(figures.refunds),
          chargebacks: money(figures.chargebacks),
          netDeposits: money(figures.netDeposits),
          playerFees: money(figures.playerFees),
          withdrawals: money(figures.withdrawals),
          activePlayers: figures.activePlayers,
          turnover: money(figures.stakes),
          bonusTurnover: money(figures.bonusStakes),
          wins: money(figures.wins),
          ggr: money(figures.ggr),
          ngr: money(ngr),
          ngrByIssuedBonus: money(ngrByIssued),
          waterfall: steps.map(({ step, units }) => ({ step, money: money(units) })),
        },
        200,
      );
    },
  );
}

type Total = {
  readonly asset: string;
  readonly account: string;
  readonly units: bigint;
  readonly entries: number;
};

function mountComparison(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...analystRoute(deps),
      path: '/admin/v1/ledger-comparison',
      operationId: 'compareLedger',
      summary:
        'The ledger against ClickHouse for one UTC day, per asset and account, to the last unit; of the brands that you may see',
      request: { query: z.strictObject({ day }) },
      responses: {
        200: {
          description: 'Differences, none when both agree',
          content: { 'application/json': { schema: comparisonSchema } },
        },
        ...problemResponses(...failures),
      },
    }),
    async (c) => {
      const { day: date } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const ledger = await ledgerOfDay(deps, date, brands);
      const clickhouse = await orUnavailable(() => ledgerTotals(deps.clickhouse, date, brands));
      const differences = compare(ledger, clickhouse);
      return c.json(
        {
          day: date,
          accounts: ledger.length,
          entries: ledger.reduce((sum, total) => sum + total.entries, 0),
          differences: differences.map(({ asset, account, left, right }) => ({
            account,
            ledger: toMoneyText(left?.units ?? 0n, asset),
            clickhouse: toMoneyText(right?.units ?? 0n, asset),
            ledgerEntries: left?.entries ?? 0,
            clickhouseEntries: right?.entries ?? 0,
          })),
        },
        200,
      );
    },
  );
}

async function ledgerOfDay(
  { db }: ApiDeps,
  date: string,
  brands: readonly string[] | null,
): Promise<Total[]> {
  const { rows } = await sql<{ asset: string; account: string; units: string; entries: bigint }>`
    select e.asset, case when e.player_id is null then e.account else 'player:' || e.account end as account,
      sum(e.amount)::text as units, count(*) as entries
    from wallet.journal j join wallet.entry e on e.journal_id = j.id
    where j.occurred_at >= ${`${date} 00:00:00+00`}::timestamptz and j.occurred_at < ${`${date} 00:00:00+00`}::timestamptz + interval '1 day'
      and (${brands}::text[] is null or j.brand = any(${brands}::text[]))
    group by 1, 2 order by 1, 2`.execute(db);
  return rows.map((row) => ({ ...row, units: BigInt(row.units), entries: Number(row.entries) }));
}

function compare(ledger: readonly Total[], clickhouse: readonly Total[]) {
  const nameOf = (total: Total) => `${total.asset} ${total.account}`;
  const left = new Map(ledger.map((total) => [nameOf(total), total]));
  const right = new Map(clickhouse.map((total) => [nameOf(total), total]));
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((name) => ({ left: left.get(name), right: right.get(name) }))
    .filter(({ left: a, right: b }) => a?.units !== b?.units || a?.entries !== b?.entries)
    .map((pair) => ({
      ...pair,
      asset: (pair.left ?? pair.right)?.asset ?? '',
      account: (pair.left ?? pair.right)?.account ?? '',
    }));
}

/** A sink that was away for a day has millions of rows before it: counting them all would outlast the statement's time. */
const backlogRowsMax = 100_000;

function mountRelayState(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...analystRoute(deps),
      path: '/admin/v1/relay',
      operationId: 'getRelayState',
      summary: 'How far each sink of the relay has come',
      responses: {
        200: {
          description: 'Lag and backlog per sink',
          content: { 'application/json': { schema: relaySchema } },
        },
        ...problemResponses('not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { rows } = await sql<{
        sink: string;
        deliveredAt: Date | null;
        backlog: bigint;
        lagS: string | null;
      }>`
        select c.sink, c.delivered_at, l.backlog, extract(epoch from now() - l.oldest)::text as lag_s
        from compliance.relay_cursor c cross join lateral (
          select count(*) as backlog, min(w.occurred_at) as oldest from (
            select o.occurred_at from compliance.outbox o where (o.xid, o.id) > (c.xid, c.last_id)
            order by o.xid, o.id limit ${backlogRowsMax}
          ) w
        ) l order by c.sink`.execute(deps.db);
      return c.json(
        {
          sinks: rows.map((row) => ({
            sink: row.sink,
            backlogRows: Number(row.backlog),
            lagS: Number(row.lagS ?? 0),
            deliveredAt: row.deliveredAt?.toISOString() ?? null,
          })),
        },
        200,
      );
    },
  );
}
