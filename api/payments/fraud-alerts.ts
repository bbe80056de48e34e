/** Fraud reports in the back office: listed, accepted with a refund of what is left, or dismissed with a reason. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  acceptFraudAlert,
  dismissFraudAlert,
  fraudAlertInputOf,
} from '#activities/payments/commands/fraud-alerts.ts';
import { fraudAlertWorkflowId } from '#workflows/fraud-alert.contract.ts';
import type { Api } from '../app.ts';
import { brandScope, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { newerThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';
import {
  fraudAlertOutput,
  fraudAlertState,
  fraudAlertTimeline,
  toApiFraudAlert,
} from './fraud-alert-schemas.ts';
import { readTimeline } from './payment-timeline.ts';
import { runRefund } from './refunds.ts';
import { tellFraudAlert } from './tell-payment.ts';

const decisionInput = z
  .strictObject({
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('FraudAlertDecision');

const common = { tags: ['payments'], security: [{ operatorSession: [] }] };
const path = '/admin/v1/payments/fraud-alerts';
const refusals = [
  'malformed-json',
  'invalid-request',
  'not-authenticated',
  'forbidden',
  'own-approval',
  'not-found',
  'fraud-alert-not-open',
] as const;

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listFraudAlerts',
    summary: 'Reports of fraud on our charges, oldest first',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: {
      query: idPageQuery.extend({
        state: fraudAlertState.optional(),
        depositId: z.uuid().optional(),
        playerId: z.uuid().optional(),
      }),
    },
    responses: {
      200: json(pageOf(fraudAlertOutput, 'FraudAlertPage'), 'A page of reports'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: `${path}/{id}`,
    operationId: 'readFraudAlert',
    summary: 'A report with its notices and work items',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(fraudAlertTimeline, 'The report'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const acceptRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/acceptances`,
    operationId: 'acceptFraudAlert',
    summary: 'Refund what the reported charge has left',
    description:
      'An ordinary refund: above the band of the operator’s roles it waits for another person. The report is `refunded` when the PSP has paid it, and open again when the refund is refused.',
    middleware: [requireOperator(deps, 'payments:refund:request')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(decisionInput) },
    responses: {
      200: json(fraudAlertTimeline, 'The report; `refundId` names its refund'),
      ...problemResponses(
        ...refusals,
        'refund-not-open',
        'refund-unsupported',
        'exceeds-captured',
        'dependency-unavailable',
      ),
    },
  });

const dismissRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/dismissals`,
    operationId: 'dismissFraudAlert',
    summary: 'Leave the charge as it is, with a reason',
    middleware: [requireOperator(deps, 'payments:dispute:respond')] as const,
    request: { params: idParam, body: body(decisionInput) },
    responses: { 200: json(fraudAlertTimeline, 'The report'), ...problemResponses(...refusals) },
  });

export function mountFraudAlerts(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state, depositId, playerId } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('payments.fraudAlert')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(depositId !== undefined, (query) => query.where('depositId', '=', depositId ?? ''))
      .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'payments.fraud_alert', column: 'openedAt', after: after ?? '' })),
      )
      .orderBy('openedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiFraudAlert), 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await timelineOf(deps, c.var.operator, c.req.valid('param').id), 200),
  );

  api.openapi(acceptRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    await mustSee(deps, operator, id);
    const { reason } = c.req.valid('json');
    const refund = await decided(db, (trx) =>
      acceptFraudAlert(trx, deps.keyRing, {
        alertId: id,
        reason,
        operatorId: operator.operatorId,
        roles: operator.roles,
        refundId: idFromKey(
          `fraud-alert-refund:${id}`,
          operator.operatorId,
          c.req.valid('header')['idempotency-key'],
        ),
        fingerprint: requestFingerprint({ fraudAlertId: id, reason }),
      }),
    );
    if (refund.closedAt === null) await runRefund(deps, refund);
    return c.json(await timelineOf(deps, operator, id), 200);
  });

  api.openapi(dismissRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    await mustSee(deps, operator, id);
    const { reason } = c.req.valid('json');
    await decided(db, (trx) =>
      dismissFraudAlert(trx, deps.keyRing, { alertId: id, reason, operatorId: operator.operatorId }),
    );
    // The decision is written; its clock finds out by itself where it cannot be told.
    try {
      await tellFraudAlert(await deps.temporal(), db, id);
    } catch (error) {
      deps.log.warn({ error, fraudAlertId: id }, 'the workflow of a fraud report was not told');
    }
    return c.json(await timelineOf(deps, operator, id), 200);
  });
}

const mustSee = async ({ db }: Pick<ApiDeps, 'db'>, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db.selectFrom('payments.fraudAlert').selectAll().where('id', '=', id).executeTakeFirst(),
  );

async function timelineOf(
  deps: ApiDeps,
  operator: OperatorIdentity,
  id: string,
): Promise<z.infer<typeof fraudAlertTimeline>> {
  const row = await mustSee(deps, operator, id);
  return {
    ...toApiFraudAlert(row),
    workflowId: fraudAlertWorkflowId(fraudAlertInputOf(row)),
    ...(await readTimeline(deps.db, `fraud-alert:${id}`)),
  };
}
