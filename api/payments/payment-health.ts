/** How each PSP has been doing, by hour, country or card range, and how much of its sales was reported or disputed. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fraudToSales, type FraudCounts, type FraudToSales } from '#domain/payments/fraud-to-sales.ts';
import type { Api } from '../app.ts';
import { brandScope, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { json } from './payment-schemas.ts';

const dimensions = ['psp', 'hour', 'country', 'bin'] as const;
type Dimension = (typeof dimensions)[number];

const hoursMax = 24 * 31;
const rowsMax = 1_000;

const countedOutput = z
  .strictObject({
    psp: z.string(),
    key: z.string().nullable().openapi({
      description:
        'Start of the hour (UTC), country of the player, or first digits of the card; null where it is not known and for `psp`.',
    }),
    attempts: z.int(),
    approved: z.int(),
    declined: z.int(),
    unclear: z.int().openapi({ description: 'Without a usable answer, or never sent.' }),
    approvedBps: z
      .int()
      .nullable()
      .openapi({ description: 'Approvals among answers, in basis points; null without answers.' }),
  })
  .openapi('PspSuccess');

const fraudOutput = z
  .strictObject({
    psp: z.string(),
    merchantId: z
      .string()
      .nullable()
      .openapi({ description: 'The account at the PSP, where it has a name.' }),
    month: z.string().openapi({ example: '2026-11' }),
    sales: z.int(),
    disputes: z.int().openapi({ description: 'Chargebacks opened; inquiries are not counted.' }),
    fraudReports: z.int().openapi({
      description: 'Reports of issuers (TC40 and its like) on card charges, however they ended.',
    }),
    onBoth: z.int().openapi({
      description: 'Of the fraud reports: charges that have a chargeback, too, and so count as two events.',
    }),
    ratioBps: z
      .int()
      .nullable()
      .openapi({ description: 'Disputes and fraud reports over sales, in basis points.' }),
    isExcessive: z.boolean().openapi({
      description: 'At least 1.5 % and 1,500 events in the month: the excessive line of Visa’s programme.',
    }),
  })
  .openapi('FraudToSales');

const healthOutput = z
  .strictObject({
    by: z.enum(dimensions),
    hours: z.int(),
    success: z.array(countedOutput),
    fraudToSales: z.array(fraudOutput),
  })
  .openapi('PaymentHealth');

const query = z.strictObject({
  by: z.enum(dimensions).default('psp'),
  hours: z.coerce.number().int().min(1).max(hoursMax).default(24),
});

export function mountPaymentHealth(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/payments/health',
      operationId: 'readPaymentHealth',
      tags: ['payments'],
      summary:
        'Success of the PSPs by hour, country or card range, and fraud and disputes against sales per merchant id',
      description: `At most ${rowsMax} rows, those with the most attempts.`,
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'payments:routing:read')] as const,
      request: { query },
      responses: {
        200: json(healthOutput, 'The figures'),
        ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { by, hours } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const [success, fraud] = await Promise.all([
        readSuccess(deps.db, by, hours, brands),
        readFraudToSales(deps.db, brands),
      ]);
      const merchantIds = merchantIdsOf(deps.config);
      return c.json(
        {
          by,
          hours,
          success: success.map((row) => ({ ...row })),
          fraudToSales: fraud.map((row) => ({ ...row, merchantId: merchantIds.get(row.psp) ?? null })),
        },
        200,
      );
    },
  );
}

/** The names under which schemes watch us, as far as the PSP's own account name tells them. */
function merchantIdsOf({ psp }: ApiDeps['config']): ReadonlyMap<string, string> {
  return new Map([
    ...(psp.beta ? [['beta', psp.beta.merchantAccount] as const] : []),
    ...(psp.gamma ? [['gamma', psp.gamma.processingChannelId] as const] : []),
  ]);
}

type Counted = {
  readonly psp: string;
  readonly key: string | null;
  readonly attempts: number;
  readonly approved: number;
  readonly declined: number;
  readonly unclear: number;
};

const keys: Readonly<Record<Dimension, ReturnType<typeof sql<string | null>>>> = {
  psp: sql<string | null>`null::text`,
  hour: sql<
    string | null
  >`to_char(date_trunc('hour', a.started_at at time zone 'UTC'), 'YYYY-MM-DD"T"HH24:00"Z"')`,
  country: sql<string | null>`p.country`,
  bin: sql<string | null>`a.card_bin`,
};

async function readSuccess(
  db: Database,
  by: Dimension,
  hours: number,
  brands: readonly string[] | null,
): Promise<readonly (Counted & { readonly approvedBps: number | null })[]> {
  const { rows } = await sql<Counted>`
    select a.psp, ${keys[by]} as key, count(*)::int as attempts,
      count(*) filter (where a.state in ('approved', 'late_approved'))::int as approved,
      count(*) filter (where a.state = 'declined')::int as declined,
      count(*) filter (where a.state in ('unknown', 'not_sent'))::int as unclear
    from payments.attempt a
      join payments.deposit d on d.id = a.deposit_id
      left join pam.player p on p.id = d.player_id
    where a.started_at > now() - make_interval(hours => ${hours})
      and (${brands === null} or d.brand = any (${[...(brands ?? [])]}::text[]))
    group by 1, 2 order by 3 desc, 1, 2 limit ${rowsMax}`.execute(db);
  return rows.map((row) => {
    const answers = row.approved + row.declined;
    return { ...row, approvedBps: answers === 0 ? null : Math.floor((row.approved * 10_000) / answers) };
  });
}

/** Of this month and the one before, over the brands given; null means all. */
export async function readFraudToSales(
  db: Database,
  brands: readonly string[] | null,
): Promise<readonly ({ readonly psp: string; readonly month: string } & FraudToSales)[]> {
  const { rows } = await sql<{ psp: string; month: string } & FraudCounts>`
    with months as (select date_trunc('month', now() at time zone 'UTC') - interval '1 month' as since),
    event as (
      select d.captured_psp as psp, d.captured_at as at, 'sale' as kind, d.brand, false as is_both
      from payments.deposit d where d.method = 'card' and d.captured_at is not null
      union all
      select s.psp, s.opened_at, 'dispute', s.brand, false
      from payments.dispute s where s.stage <> 'inquiry'
      union all
      select a.psp, a.opened_at, 'report', a.brand,
        exists (select 1 from payments.dispute s where s.deposit_id = a.deposit_id and s.stage <> 'inquiry')
      from payments.fraud_alert a join payments.deposit d on d.id = a.deposit_id and d.method = 'card'
    )
    select e.psp, to_char(e.at at time zone 'UTC', 'YYYY-MM') as month,
      count(*) filter (where e.kind = 'sale')::int as sales,
      count(*) filter (where e.kind = 'dispute')::int as disputes,
      count(*) filter (where e.kind = 'report')::int as fraud_reports,
      count(*) filter (where e.is_both)::int as on_both
    from event e, months
    where e.at at time zone 'UTC' >= months.since
      and (${brands === null} or e.brand = any (${[...(brands ?? [])]}::text[]))
    group by 1, 2 order by 2 desc, 1`.execute(db);
  return rows.map(({ psp, month, ...counts }) => ({ psp, month, ...fraudToSales(counts) }));
}
