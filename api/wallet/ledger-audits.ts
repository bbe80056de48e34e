/** What the audit of the ledger saw, and the stop of withdrawals that it may have set. */
import { createRoute, z } from '@hono/zod-openapi';
import { requestFullAudit } from '#activities/wallet/audit/audit-progress.ts';
import { findOpenStop, liftStopOnce } from '#activities/wallet/audit/withdrawal-stop.ts';
import type { Api } from '../app.ts';
import { requireAllBrands, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idempotencyHeader } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';
import { decided } from './decided.ts';

const checkSchema = z
  .strictObject({
    name: z.string(),
    outcome: z.enum(['ok', 'different', 'unseen']),
    covered: z.string(),
    findings: z.array(z.string()),
  })
  .openapi('LedgerAuditCheck');

const auditSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['minute', 'full']),
    outcome: z.enum(['clean', 'different', 'incomplete']).openapi({
      description: '`incomplete`: something could not be looked at, and nothing that was looked at differed.',
    }),
    startedAt: timestamp,
    finishedAt: timestamp,
    checks: z.array(checkSchema),
  })
  .openapi('LedgerAudit');

const stopSchema = z
  .strictObject({
    id: z.string(),
    auditId: z.string(),
    setAt: timestamp,
    findings: z.array(z.string()),
    approvals: z.array(z.strictObject({ operatorId: z.uuid(), reason: z.string(), approvedAt: timestamp })),
  })
  .openapi('WithdrawalStop');

const reasonBody = {
  content: {
    'application/json': {
      schema: z
        .strictObject({
          reason: z.string().trim().min(10).max(500).openapi({ description: 'Kept in the audit trail.' }),
        })
        .openapi('AuditReason'),
    },
  },
  required: true,
};

const readFailures = [
  'invalid-request',
  'not-authenticated',
  'session-expired',
  'forbidden',
  'dependency-unavailable',
] as const;
const writeFailures = [
  ...readFailures,
  'malformed-json',
  'unsupported-media-type',
  'body-too-large',
] as const;

export function mountLedgerAudits(api: Api, deps: ApiDeps): void {
  mountList(api, deps);
  mountRequest(api, deps);
  mountStop(api, deps);
  mountLift(api, deps);
}

function mountList(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/audits',
      operationId: 'listLedgerAudits',
      tags: ['wallet'],
      summary: 'Runs of the ledger’s audit with what each check saw, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: {
        query: pageQuery.extend({
          kind: z.enum(['minute', 'full']).optional(),
          outcome: z.enum(['clean', 'different', 'incomplete']).optional(),
          after: z
            .string()
            .regex(/^\d{1,18}$/)
            .optional(),
        }),
      },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(auditSchema, 'LedgerAuditPage') } },
        },
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      requireAllBrands(c.get('operator'));
      const { limit, after, kind, outcome } = c.req.valid('query');
      let query = deps.db
        .selectFrom('wallet.auditRun')
        .select(['id', 'kind', 'outcome', 'startedAt', 'finishedAt', 'checks'])
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (after !== undefined) query = query.where('id', '<', BigInt(after));
      if (kind !== undefined) query = query.where('kind', '=', kind);
      if (outcome !== undefined) query = query.where('outcome', '=', outcome);
      const rows = await query.execute();
      const items = rows.slice(0, limit).map((row) =>
        // Rows of our own writing, but of any version of it.
        auditSchema.parse({
          id: String(row.id),
          kind: row.kind,
          outcome: row.outcome,
          startedAt: row.startedAt.toISOString(),
          finishedAt: row.finishedAt.toISOString(),
          checks: row.checks,
        }),
      );
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );
}

function mountRequest(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/ledger/audits',
      operationId: 'requestLedgerAudit',
      tags: ['wallet'],
      summary: 'Asks for an audit of the whole ledger now, instead of at night',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:withdrawal-stop:lift')] as const,
      request: { body: reasonBody },
      responses: {
        202: { description: 'The relay begins within seconds; its run is listed when it ends' },
        ...problemResponses(...writeFailures),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      requireAllBrands(operator);
      const { operatorId } = operator;
      await requestFullAudit(deps.db, { operatorId, reason: c.req.valid('json').reason });
      return c.body(null, 202);
    },
  );
}

function mountStop(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/withdrawal-stop',
      operationId: 'getWithdrawalStop',
      tags: ['wallet'],
      summary: 'The stop of withdrawals that an audit has set, or null',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      responses: {
        200: {
          description: 'The open stop',
          content: {
            'application/json': {
              schema: z
                .strictObject({ stop: z.union([stopSchema, z.null()]) })
                .openapi('WithdrawalStopState'),
            },
          },
        },
        ...problemResponses('not-authenticated', 'session-expired', 'forbidden', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const stop = await findOpenStop(deps.db);
      if (stop === null) return c.json({ stop: null }, 200);
      const approvals = stop.approvals.map((approval) => ({
        ...approval,
        approvedAt: approval.approvedAt.toISOString(),
      }));
      const { setAt, findings } = stop;
      return c.json(
        { stop: { ...stop, setAt: setAt.toISOString(), findings: [...findings], approvals } },
        200,
      );
    },
  );
}

function mountLift(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/ledger/withdrawal-stop/lift',
      operationId: 'liftWithdrawalStop',
      tags: ['wallet'],
      summary: 'Lifts the stop of withdrawals',
      description:
        'At once when the latest audit that began after the stop is clean (a full one where a full one set it). Otherwise this is the first of two approvals, by different people, who accept the findings as they are.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:withdrawal-stop:lift')] as const,
      request: { headers: idempotencyHeader, body: reasonBody },
      responses: {
        200: {
          description: 'Lifted, or waiting for the second person',
          content: {
            'application/json': {
              schema: z
                .strictObject({ state: z.enum(['lifted', 'awaiting-second']), approvals: z.int() })
                .openapi('WithdrawalStopLift'),
            },
          },
        },
        ...problemResponses(...writeFailures, 'not-found', 'already-decided', 'idempotency-key-reused'),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      requireAllBrands(operator);
      const { operatorId } = operator;
      const { reason } = c.req.valid('json');
      const header = c.req.valid('header')['idempotency-key'];
      const key = actKeyOf('withdrawal-stop', operatorId, header, { reason });
      return c.json(await decided(deps.db, (trx) => liftStopOnce(trx, key, { operatorId, reason })), 200);
    },
  );
}
