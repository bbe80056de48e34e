/** Reconciliation in the back office: what differs, who looks after it, and what has proven it closed. */
import { once } from '#activities/compliance/commands/keyed-acts.ts';
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { assignBreak, closeBreak, proofKinds, type BreakRow } from '#activities/payments/commands/breaks.ts';
import { isOfParty } from '#activities/wallet/party-entries.ts';
import { everyBrand } from '#domain/backoffice/roles.ts';
import { fail, FailureError, succeed } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { breakKinds, settlingPsps } from '#domain/payments/settlement.ts';
import { reconciliationStart, reconciliationWorkflowId } from '#workflows/reconciliation.contract.ts';
import type { reconciliation } from '#workflows/reconciliation.ts';
import type { Api } from '../app.ts';
import { requireColleague } from '../backoffice/colleague.ts';
import { requireAllBrands, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idempotencyHeader } from '../idempotency.ts';
import { newerThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { calendarDay, idParam, moneyOutput, nullableMoneyOutput, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';
import { startQuietly } from './tell-payment.ts';

const common = { tags: ['payments'], security: [{ operatorSession: [] }] };
const psp = z.string().regex(/^[a-z]{1,20}$/);
const day = calendarDay.openapi({ example: '2026-11-25', description: 'A day in UTC.' });
const proofKind = z.enum(proofKinds);
const breakKind = z.enum(breakKinds);
/** `stored`: not matched yet. */
const fileStates = ['stored', 'unreadable', 'reconciled'] as const;

const breakOutput = z
  .strictObject({
    breakId: z.uuid(),
    psp: z.string(),
    day,
    kind: breakKind,
    naturalKey: z.string().openapi({ description: 'The PSP’s name of the movement.' }),
    subject: z.string().nullable(),
    attempt: z.int().nullable().openapi({
      description:
        'Of the call that an unexplained line names by our reference; its payment asks the PSP again.',
    }),
    expected: nullableMoneyOutput,
    found: nullableMoneyOutput,
    ownerId: z.uuid().nullable(),
    openedAt: timestamp,
    ageS: z.int(),
    closedAt: timestamp.nullable(),
    closedBy: z.string().nullable(),
    proof: z.union([z.strictObject({ kind: proofKind, reference: z.string() }), z.null()]),
    proposed: z
      .union([
        z.strictObject({
          operatorId: z.uuid(),
          kind: proofKind,
          reference: z.string(),
          proposedAt: timestamp,
        }),
        z.null(),
      ])
      .openapi({
        description: 'A journal or a correction that one person named; another one closes with it.',
      }),
    resolution: z.string().nullable(),
  })
  .openapi('ReconciliationBreak');

const dayOutput = z
  .strictObject({
    psp: z.string(),
    day,
    workflowId: z.string(),
    files: z.array(
      z.strictObject({
        fileId: z.uuid(),
        version: z.int(),
        name: z.string(),
        sha256: z.string(),
        fetchedAt: timestamp,
        state: z.enum(fileStates),
        reason: z.string().nullable().openapi({ description: 'Why it cannot be read.' }),
        lines: z.int(),
      }),
    ),
    openBreaks: z.int(),
    closedBreaks: z.int(),
    balances: z
      .array(z.strictObject({ account: z.string(), money: moneyOutput }))
      .openapi({ description: 'The ledger’s accounts of this PSP now; what it owes us is negative.' }),
    suspense: z
      .array(
        z.strictObject({
          account: z.string(),
          money: moneyOutput,
          items: z.array(
            z.strictObject({
              subject: z.string(),
              money: moneyOutput,
              since: timestamp,
              workItemId: z.uuid().nullable(),
            }),
          ),
          unexplained: moneyOutput.openapi({
            description:
              'What no work item that was open then stands for; anything but zero is for a person to find.',
          }),
        }),
      )
      .openapi({ description: 'Empty at the day’s end, or made up by the items that are open then.' }),
  })
  .openapi('ReconciliationDay');

const reads = ['invalid-request', 'not-authenticated', 'forbidden'] as const;

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/reconciliation/breaks',
    operationId: 'listReconciliationBreaks',
    summary: 'Differences between our books, settlement files and bank statements, oldest first',
    middleware: [requireOperator(deps, 'payments:reconciliation:read')] as const,
    request: {
      query: idPageQuery.extend({
        psp: psp.optional(),
        state: z.enum(['open', 'closed']).default('open'),
        ownerId: z.uuid().optional(),
      }),
    },
    responses: {
      200: json(pageOf(breakOutput, 'ReconciliationBreakPage'), 'A page of breaks'),
      ...problemResponses(...reads),
    },
  });

const assignRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/reconciliation/breaks/{id}/owner',
    operationId: 'assignReconciliationBreak',
    summary: 'Give a break an owner',
    middleware: [requireOperator(deps, 'payments:reconciliation:work')] as const,
    request: {
      params: idParam,
      body: body(z.strictObject({ ownerId: z.uuid() }).openapi('BreakOwner')),
    },
    responses: {
      200: json(breakOutput, 'The break'),
      ...problemResponses(...reads, 'malformed-json', 'not-found', 'break-not-open'),
    },
  });

const closeRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/reconciliation/breaks/{id}/closings',
    operationId: 'closeReconciliationBreak',
    summary: 'Close a break by what proves it',
    description:
      'A proof is a line of a later file, a matched bank line, the movement that the break’s line was matched with afterwards, a journal on the PSP’s accounts, or a correction that two people made. It is looked up, and must be of the break’s payment and amount, and newer than the break: a break cannot be written off. A journal or a correction is only proposed at first (the break stays open); it closes once another person names the same.',
    middleware: [requireOperator(deps, 'payments:reconciliation:work')] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({
            proof: z.strictObject({ kind: proofKind, reference: z.string().min(1).max(300) }),
            resolution: z.string().trim().min(3).max(500),
          })
          .openapi('BreakClosing'),
      ),
    },
    responses: {
      200: json(breakOutput, 'The break, closed, or open with what is proposed'),
      ...problemResponses(...reads, 'malformed-json', 'not-found', 'break-not-open'),
    },
  });

const dayParams = z.object({
  psp: psp.openapi({ param: { name: 'psp', in: 'path' } }),
  day: day.openapi({ param: { name: 'day', in: 'path' } }),
});

const dayRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/reconciliation/{psp}/{day}',
    operationId: 'readReconciliationDay',
    summary: 'A PSP’s day: files, breaks, and what suspense holds',
    middleware: [requireOperator(deps, 'payments:reconciliation:read')] as const,
    request: { params: dayParams },
    responses: { 200: json(dayOutput, 'The day'), ...problemResponses(...reads) },
  });

const runRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/reconciliation/{psp}/{day}/runs',
    operationId: 'runReconciliation',
    summary: 'Fetch the day’s file again and match it; the same file changes nothing',
    middleware: [requireOperator(deps, 'payments:reconciliation:work')] as const,
    request: { params: dayParams },
    responses: {
      200: json(z.strictObject({ workflowId: z.string() }).openapi('ReconciliationRun'), 'Started'),
      ...problemResponses(...reads, 'not-found', 'dependency-unavailable'),
    },
  });

export function mountReconciliation(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    requireAllBrands(c.var.operator);
    const { limit, after, psp: ofPsp, state, ownerId } = c.req.valid('query');
    const rows = await selectBreaks(db)
      .where('closedAt', state === 'open' ? 'is' : 'is not', null)
      .$if(ofPsp !== undefined, (query) => query.where('psp', '=', ofPsp ?? ''))
      .$if(ownerId !== undefined, (query) => query.where('owner', '=', ownerId ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(
          newerThan({ table: 'payments.reconciliation_break', column: 'openedAt', after: after ?? '' }),
        ),
      )
      .orderBy('openedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiBreak), 200);
  });

  api.openapi(assignRoute(deps), async (c) => {
    requireAllBrands(c.var.operator);
    const { id } = c.req.valid('param');
    const { ownerId } = c.req.valid('json');
    await requireColleague(db, ownerId, { permission: 'payments:reconciliation:work', brand: everyBrand });
    await decided(db, (trx) => assignBreak(trx, id, ownerId, c.var.operator.operatorId));
    return c.json(toApiBreak(await selectBreaks(db).where('id', '=', id).executeTakeFirstOrThrow()), 200);
  });

  api.openapi(closeRoute(deps), async (c) => {
    requireAllBrands(c.var.operator);
    const { id } = c.req.valid('param');
    const { proof, resolution } = c.req.valid('json');
    const { operatorId } = c.var.operator;
    const header = c.req.valid('header')['idempotency-key'];
    const key = actKeyOf('break-closing', operatorId, header, { id, proof, resolution });
    await decided(db, (trx) =>
      once(
        trx,
        key,
        async () => {
          const closed = await closeBreak(trx, id, {
            proof,
            resolution,
            actor: { kind: 'operator', id: operatorId },
          });
          return closed.ok ? succeed(undefined) : closed;
        },
        async () => succeed(undefined),
      ),
    );
    return c.json(toApiBreak(await selectBreaks(db).where('id', '=', id).executeTakeFirstOrThrow()), 200);
  });

  api.openapi(runRoute(deps), async (c) => {
    requireAllBrands(c.var.operator);
    const { psp: ofPsp, day: ofDay } = c.req.valid('param');
    if (!(ofPsp in deps.config.psp) || !settlingPsps.some((psp) => psp === ofPsp))
      throw new FailureError(fail('not-found', 'There is no such PSP with settlement files.').failure);
    const input = { psp: ofPsp, day: ofDay, asked: Date.now() };
    const client = await deps.temporal();
    await startQuietly(() =>
      client.workflow.start<typeof reconciliation>('reconciliation', reconciliationStart(input)),
    );
    return c.json({ workflowId: reconciliationWorkflowId(input) }, 200);
  });

  api.openapi(dayRoute(deps), async (c) => {
    requireAllBrands(c.var.operator);
    const { psp: ofPsp, day: ofDay } = c.req.valid('param');
    return c.json(await readDay(deps, ofPsp, ofDay), 200);
  });
}

const selectBreaks = (db: ApiDeps['db']) =>
  db
    .selectFrom('payments.reconciliationBreak')
    .selectAll()
    .select(sql<string>`day::text`.as('dayText'));

function toApiBreak(row: BreakRow & { readonly dayText: string }): z.infer<typeof breakOutput> {
  const money = (units: string | null) =>
    units === null || row.asset === null ? null : toMoneyText(BigInt(units), row.asset);
  return {
    breakId: row.id,
    psp: row.psp,
    day: row.dayText,
    kind: breakKind.parse(row.kind),
    naturalKey: row.naturalKey,
    subject: row.subject,
    attempt: row.attempt,
    expected: money(row.expected),
    found: money(row.found),
    ownerId: row.owner,
    openedAt: row.openedAt.toISOString(),
    ageS: Math.max(0, Math.floor(((row.closedAt ?? new Date()).getTime() - row.openedAt.getTime()) / 1_000)),
    closedAt: row.closedAt?.toISOString() ?? null,
    closedBy: row.closedBy,
    proof:
      row.proofKind === null || row.proofReference === null
        ? null
        : { kind: proofKind.parse(row.proofKind), reference: row.proofReference },
    proposed: proposalOf(row),
    resolution: row.resolution,
  };
}

const proposalOf = ({ proposedBy, proposedKind, proposedReference, proposedAt }: BreakRow) =>
  proposedBy === null || proposedKind === null || proposedReference === null || proposedAt === null
    ? null
    : {
        operatorId: proposedBy,
        kind: proofKind.parse(proposedKind),
        reference: proposedReference,
        proposedAt: proposedAt.toISOString(),
      };

type Balance = { account: string; asset: string; units: string };

/** Open items that are listed, the oldest first: as many as a person reads. */
const explainedMax = 200;

async function readDay(
  { db }: Pick<ApiDeps, 'db'>,
  ofPsp: string,
  ofDay: string,
): Promise<z.infer<typeof dayOutput>> {
  const [files, counts, { rows: balances }] = await Promise.all([
    db
      .selectFrom('payments.settlementFile as f')
      .select(['f.id', 'f.version', 'f.name', 'f.sha256', 'f.fetchedAt', 'f.state', 'f.reason'])
      .select((where) =>
        where
          .selectFrom('payments.settlementLine as l')
          .whereRef('l.fileId', '=', 'f.id')
          .select((count) => count.fn.countAll<bigint>().as('lines'))
          .as('lines'),
      )
      .where('f.psp', '=', ofPsp)
      .where('f.day', '=', sql<Date>`${ofDay}::date`)
      .orderBy('f.version')
      .limit(100)
      .execute(),
    db
      .selectFrom('payments.reconciliationBreak')
      .select([
        sql<bigint>`count(*) filter (where closed_at is null)`.as('open'),
        sql<bigint>`count(*) filter (where closed_at is not null)`.as('closed'),
      ])
      .where('psp', '=', ofPsp)
      .where('day', '=', sql<Date>`${ofDay}::date`)
      .executeTakeFirstOrThrow(),
    sql<Balance>`select e.account, e.asset, sum(e.amount)::text as units from wallet.entry e
      where ${isOfParty} and e.account in (${`psp:${ofPsp}:clearing`}, ${`psp:${ofPsp}:disputed`}, ${`suspense:${ofPsp}`})
      group by 1, 2 order by 1, 2`.execute(db),
  ]);
  return {
    psp: ofPsp,
    day: ofDay,
    workflowId: reconciliationWorkflowId({ psp: ofPsp, day: ofDay, asked: 0 }),
    files: files.map((file) => ({
      fileId: file.id,
      version: file.version,
      name: file.name,
      sha256: file.sha256.toString('hex'),
      fetchedAt: file.fetchedAt.toISOString(),
      state: z.enum(fileStates).parse(file.state),
      reason: file.reason,
      lines: Number(file.lines ?? 0n),
    })),
    openBreaks: Number(counts.open),
    closedBreaks: Number(counts.closed),
    balances: balances.map(({ account, asset, units }) => ({
      account,
      money: toMoneyText(BigInt(units), asset),
    })),
    suspense: await readSuspense(db, ofPsp, ofDay),
  };
}

type SuspenseItem = {
  account: string;
  asset: string;
  total: string;
  subject: string | null;
  units: string;
  since: Date;
  workItemId: string | null;
};

/**
 * The PSP's suspense account at the end of the UTC day, as the subjects whose journals have not evened out by then. A
 * subject explains its money while a work item of it was open.
 */
async function readSuspense(db: ApiDeps['db'], ofPsp: string, ofDay: string) {
  const { rows } = await sql<SuspenseItem>`
    with item as (
      select e.account, e.asset, j.subject, sum(e.amount) as units, min(j.occurred_at) as since
      from wallet.entry e join wallet.journal j on j.id = e.journal_id
      where ${isOfParty} and e.account = ${`suspense:${ofPsp}`}
        and j.occurred_at < ${`${ofDay} 00:00:00+00`}::timestamptz + interval '1 day'
      group by 1, 2, 3 having sum(e.amount) <> 0)
    select account, asset, subject, units::text, since, sum(units) over (partition by account, asset)::text as total,
      (select w.id from payments.work_item w where w.subject = item.subject and w.opened_at < day.ended
          and (w.closed_at is null or w.closed_at >= day.ended)
        order by w.opened_at limit 1) as work_item_id
    from item, (select ${`${ofDay} 00:00:00+00`}::timestamptz + interval '1 day' as ended) day order by account, asset, since limit ${explainedMax}`.execute(
    db,
  );
  const of = Map.groupBy(rows, ({ account, asset }) => `${account} ${asset}`);
  return [...of.values()].flatMap((items) => {
    const [first] = items;
    if (first === undefined) return [];
    const { account, asset, total } = first;
    const named = items.flatMap(({ subject, ...one }) => (subject === null ? [] : [{ ...one, subject }]));
    const explained = named.reduce(
      (sum, { units, workItemId }) => (workItemId === null ? sum : sum + BigInt(units)),
      0n,
    );
    return [
      {
        account,
        money: toMoneyText(BigInt(total), asset),
        items: named.map(({ subject, units, since, workItemId }) => ({
          subject,
          money: toMoneyText(BigInt(units), asset),
          since: since.toISOString(),
          workItemId,
        })),
        unexplained: toMoneyText(BigInt(total) - explained, asset),
      },
    ];
  });
}
