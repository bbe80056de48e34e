/** Refunds in the back office: asked for, decided by a second person above a band, and followed to their end. */
import { createRoute, type z } from '@hono/zod-openapi';
import { WithStartWorkflowOperation } from '@temporalio/client';
import {
  refundInputOf,
  requestRefund,
  type RefundRow,
} from '#activities/payments/commands/request-refund.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable } from '#domain/money.ts';
import {
  beginRefund,
  decideRefund,
  refundStart,
  refundWorkflowId,
  type RefundDecision,
} from '#workflows/refund.contract.ts';
import type { refund } from '#workflows/refund.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireBrand, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { newerThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { unlessOver } from '../workflow-failures.ts';
import { body, json } from './payment-schemas.ts';
import { readTimeline } from './payment-timeline.ts';
import {
  refundDecision,
  refundInput,
  refundOutput,
  refundQuery,
  refundTimeline,
  toApiRefund,
} from './refund-schemas.ts';

const common = {
  tags: ['payments'],
  security: [{ operatorSession: [] }],
};

const requestRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/deposits/{id}/refunds',
    operationId: 'requestRefund',
    summary: 'Send a captured deposit, or a part of it, back to where it came from',
    description:
      'Above the band of the operator’s roles it waits for another person. The player’s money is debited before the PSP is called; a refusal of the PSP gives it back.',
    middleware: [requireOperator(deps, 'payments:refund:request')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(refundInput) },
    responses: {
      200: json(refundTimeline, 'The refund; a repeat with the same key answers with it as it is now'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'own-approval',
        'not-found',
        'amount-not-positive',
        'amount-too-precise',
        'amount-too-large',
        'unknown-asset',
        'refund-not-open',
        'refund-unsupported',
        'exceeds-captured',
        'dependency-unavailable',
      ),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/refunds/{id}/approvals',
    operationId: 'decideRefund',
    summary: 'Approve or refuse a refund that somebody else asked for',
    middleware: [requireOperator(deps, 'payments:refund:decide')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(refundDecision) },
    responses: {
      200: json(refundTimeline, 'The refund after the decision'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'own-approval',
        'not-found',
        'refund-not-open',
        'already-decided',
        'dependency-unavailable',
      ),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/refunds',
    operationId: 'listRefunds',
    summary: 'Refunds, oldest first',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { query: refundQuery },
    responses: {
      200: json(pageOf(refundOutput, 'RefundPage'), 'A page of refunds'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/refunds/{id}',
    operationId: 'readRefund',
    summary: 'A refund with its journals, notices and work items',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(refundTimeline, 'The refund'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

export function mountRefunds(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(requestRoute(deps), async (c) => {
    const { id: depositId } = c.req.valid('param');
    const { operator } = c.var;
    const input = c.req.valid('json');
    // A bad amount is named before anything else.
    orThrow(parsePayable(input.money));
    const deposit = await db
      .selectFrom('payments.deposit')
      .select('brand')
      .where('id', '=', depositId)
      .executeTakeFirst();
    if (deposit === undefined || !maySee(operator, deposit.brand)) throw notFound();
    const row = await decided(db, (trx) =>
      requestRefund(trx, deps.keyRing, {
        refundId: idFromKey('refund', operator.operatorId, c.req.valid('header')['idempotency-key']),
        depositId,
        ...input,
        operatorId: operator.operatorId,
        roles: operator.roles,
        fingerprint: requestFingerprint({ depositId, ...input }),
      }),
    );
    if (row.closedAt === null) await runRefund(deps, row);
    return c.json(await timelineOf(deps, operator, row.id), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    const { brand } = await mustSee(deps, operator, id);
    requireBrand(operator, brand);
    const role = operator.roles.find((held) => mayDo([held], 'payments:refund:decide'));
    if (role === undefined) throw new FailureError(fail('forbidden', 'No role of yours may decide.').failure);
    const { operatorId } = operator;
    const decision = c.req.valid('json');
    const key = actKeyOf('refund-decision', operatorId, c.req.valid('header')['idempotency-key'], {
      id,
      ...decision,
    });
    await bindKey(db, key);
    await sendDecision(deps, id, key.id, { operatorId, role, ...decision });
    return c.json(await timelineOf(deps, operator, id), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state, depositId, playerId } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('payments.refund')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(depositId !== undefined, (query) => query.where('depositId', '=', depositId ?? ''))
      .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'payments.refund', column: 'requestedAt', after: after ?? '' })),
      )
      .orderBy('requestedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiRefund), 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await timelineOf(deps, c.var.operator, c.req.valid('param').id), 200),
  );
}

export async function runRefund(deps: Pick<ApiDeps, 'temporal'>, row: RefundRow): Promise<void> {
  const client = await deps.temporal();
  await unlessOver(() =>
    client.workflow.executeUpdateWithStart(beginRefund, {
      startWorkflowOperation: new WithStartWorkflowOperation<typeof refund>(
        'refund',
        refundStart(refundInputOf(row, 0)),
      ),
    }),
  );
}

/** A repeat of a decision that was written is answered with the row; anything else came too late. */
async function sendDecision(
  deps: Pick<ApiDeps, 'temporal' | 'db'>,
  refundId: string,
  updateId: string,
  decision: RefundDecision,
): Promise<void> {
  const client = await deps.temporal();
  const isRunning = await unlessOver(() =>
    client.workflow
      .getHandle(refundWorkflowId({ refundId, reopened: 0 }))
      .executeUpdate(decideRefund, { updateId, args: [decision] }),
  );
  if (isRunning) return;
  const written = await deps.db
    .selectFrom('payments.refund')
    .select(['decidedBy', 'decision'])
    .where('id', '=', refundId)
    .executeTakeFirst();
  if (written?.decidedBy !== decision.operatorId || written.decision !== decision.decision)
    throw new FailureError(fail('refund-not-open', 'The refund has ended or is on its way.').failure);
}

const mustSee = async ({ db }: Pick<ApiDeps, 'db'>, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db.selectFrom('payments.refund').selectAll().where('id', '=', id).executeTakeFirst(),
  );

async function timelineOf(
  deps: ApiDeps,
  operator: OperatorIdentity,
  id: string,
): Promise<z.infer<typeof refundTimeline>> {
  return {
    ...toApiRefund(await mustSee(deps, operator, id)),
    workflowId: refundWorkflowId({ refundId: id, reopened: 0 }),
    ...(await readTimeline(deps.db, `refund:${id}`)),
  };
}

const notFound = (): FailureError =>
  new FailureError(fail('not-found', 'There is nothing at this address.').failure);
