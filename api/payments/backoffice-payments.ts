/** The back office's view of payments, and the decisions on withdrawals. */
import { createRoute, z } from '@hono/zod-openapi';
import { depositWorkflowId } from '#workflows/deposit.contract.ts';
import { withdrawalWorkflowId } from '#workflows/withdrawal.contract.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { withdrawalStates } from '#domain/payments/withdrawal-decision.ts';
import type { Api } from '../app.ts';
import { brandScope, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { body, depositOutput, idPageQuery, json, toApiDeposit, toApiWithdrawal, withdrawalOutput } from './payment-schemas.ts';
import {
  attemptOutput,
  journalOutput,
  noticeOutput,
  readTimeline,
  toApiAttempt,
  toApiWorkItem,
  workItemOutput,
} from './payment-timeline.ts';
import { sendDecision } from './run-payments.ts';

const timeline = {
  playerId: z.uuid(),
  brand: z.string(),
  jurisdiction: z.string(),
  jurisdictionVersion: z.int(),
  workflowId: z.string().openapi({ description: 'Find it in the Temporal UI.' }),
  attempts: z.array(attemptOutput),
  journals: z.array(journalOutput),
  notices: z.array(noticeOutput),
  workItems: z.array(workItemOutput),
};

const depositTimeline = depositOutput.extend(timeline).openapi('DepositTimeline');

const withdrawalRow = withdrawalOutput
  .extend({
    playerId: z.uuid(),
    brand: z.string(),
    approvals: z.int(),
    approvalsRequired: z.int().nullable(),
    checkReasons: z.array(z.string()),
    payloadHash: z.string().openapi({ description: 'Repeat it in the decision: it names exactly what was shown.' }),
  })
  .openapi('WithdrawalForReview');

const withdrawalTimeline = withdrawalRow
  .extend({
    ...timeline,
    decisions: z.array(
      z.strictObject({
        operatorId: z.uuid(),
        decision: z.enum(['approve', 'refuse']),
        role: z.string(),
        reason: z.string(),
        decidedAt: timestamp,
      }),
    ),
  })
  .openapi('WithdrawalTimeline');

const readDepositRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/deposits/{id}',
    operationId: 'readDepositTimeline',
    tags: ['payments'],
    summary: 'A deposit with its attempts, journals and notices',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(depositTimeline, 'The deposit'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/withdrawals',
    operationId: 'listWithdrawalsForReview',
    tags: ['payments'],
    summary: 'Withdrawals, oldest first',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'payments:withdrawal:read')] as const,
    request: { query: idPageQuery.extend({ state: z.enum(withdrawalStates).optional() }) },
    responses: {
      200: json(pageOf(withdrawalRow, 'WithdrawalReviewPage'), 'A page of withdrawals'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const readWithdrawalRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/withdrawals/{id}',
    operationId: 'readWithdrawalTimeline',
    tags: ['payments'],
    summary: 'A withdrawal with its approvals, payouts, journals and notices',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'payments:withdrawal:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(withdrawalTimeline, 'The withdrawal'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/withdrawals/{id}/approvals',
    operationId: 'decideWithdrawal',
    tags: ['payments'],
    summary: 'Approve or refuse a withdrawal; above the band two different people must approve',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'payments:withdrawal:approve')] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({
            decision: z.enum(['approve', 'refuse']),
            reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
            payloadHash: z.string().regex(/^[0-9a-f]{64}$/),
          })
          .openapi('WithdrawalDecision'),
      ),
    },
    responses: {
      200: json(withdrawalTimeline, 'The withdrawal after the decision'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'own-approval',
        'not-found',
        'withdrawal-not-pending',
        'already-decided',
        'dependency-unavailable',
      ),
    },
  });

const workItemsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/payments/work-items',
    operationId: 'listPaymentWorkItems',
    tags: ['payments'],
    summary: 'What no rule could decide and a person must look at, oldest first',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'payments:withdrawal:read')] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(workItemOutput) }), 'At most 200 open items'),
      ...problemResponses('not-authenticated', 'forbidden'),
    },
  });

export function mountBackofficePayments(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(readDepositRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.selectFrom('payments.deposit').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw notFound();
    requireBrand(c.var.operator, row.brand);
    const attempts = await db.selectFrom('payments.attempt').selectAll().where('depositId', '=', id).orderBy('number').execute();
    return c.json(
      {
        ...toApiDeposit(row, attempts.at(-1)),
        ...factsOf(row),
        workflowId: depositWorkflowId(id),
        attempts: attempts.map(toApiAttempt),
        ...(await readTimeline(db, `deposit:${id}`)),
      },
      200,
    );
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await selectWithdrawals(deps)
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(brands !== null, (query) => query.where('brand', 'in', brands === null || brands.length === 0 ? [''] : [...brands]))
      .$if(after !== undefined, (query) =>
        query.where((where) =>
          where(
            where.refTuple('requestedAt', 'id'),
            '>',
            where
              .selectFrom('payments.withdrawal as last')
              .select(['last.requestedAt', 'last.id'])
              .where('last.id', '=', after ?? '')
              .$asTuple('requestedAt', 'id'),
          ),
        ),
      )
      .orderBy('requestedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    return c.json({ items: page.map(toReview), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }, 200);
  });

  api.openapi(readWithdrawalRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    return c.json(await readWithdrawalTimeline(deps, c.var.operator, id), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    const row = await db.selectFrom('payments.withdrawal').select('brand').where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw notFound();
    requireBrand(operator, row.brand);
    const role = operator.roles.find((held) => mayDo([held], 'payments:withdrawal:approve'));
    if (role === undefined) throw new FailureError(fail('forbidden', 'No role of yours may decide.').failure);
    const updateId = idFromKey(`withdrawal-decision:${id}`, operator.operatorId, c.req.valid('header')['idempotency-key']);
    await sendDecision(deps, id, updateId, { operatorId: operator.operatorId, role, ...c.req.valid('json') });
    return c.json(await readWithdrawalTimeline(deps, operator, id), 200);
  });

  api.openapi(workItemsRoute(deps), async (c) => {
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('payments.workItem')
      .selectAll()
      .where('closedAt', 'is', null)
      .$if(brands !== null, (query) => query.where('brand', 'in', brands === null || brands.length === 0 ? [''] : [...brands]))
      .orderBy('openedAt')
      .limit(200)
      .execute();
    return c.json({ items: rows.map(toApiWorkItem) }, 200);
  });
}

const selectWithdrawals = (deps: Pick<ApiDeps, 'db'>) =>
  deps.db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .select((where) =>
      where
        .selectFrom('payments.withdrawalApproval')
        .whereRef('withdrawalId', '=', 'payments.withdrawal.id')
        .where('decision', '=', 'approve')
        .select((count) => count.fn.countAll<bigint>().as('approvals'))
        .as('approvals'),
    );

type ReviewRow = Awaited<ReturnType<ReturnType<typeof selectWithdrawals>['execute']>>[number];

const toReview = (row: ReviewRow): z.infer<typeof withdrawalRow> => ({
  ...toApiWithdrawal(row),
  playerId: row.playerId,
  brand: row.brand,
  approvals: Number(row.approvals ?? 0n),
  approvalsRequired: row.approvalsRequired,
  checkReasons: row.checkReasons,
  payloadHash: row.payloadHash.toString('hex'),
});

const decision = z.enum(['approve', 'refuse']);

async function readWithdrawalTimeline(
  deps: ApiDeps,
  operator: Parameters<typeof requireBrand>[0],
  id: string,
): Promise<z.infer<typeof withdrawalTimeline>> {
  const row = await selectWithdrawals(deps).where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw notFound();
  requireBrand(operator, row.brand);
  const [attempts, decisions] = await Promise.all([
    deps.db.selectFrom('payments.payoutAttempt').selectAll().where('withdrawalId', '=', id).orderBy('number').execute(),
    deps.db.selectFrom('payments.withdrawalApproval').selectAll().where('withdrawalId', '=', id).orderBy('decidedAt').execute(),
  ]);
  return {
    ...toReview(row),
    ...factsOf(row),
    workflowId: withdrawalWorkflowId(id),
    attempts: attempts.map(toApiAttempt),
    ...(await readTimeline(deps.db, `withdrawal:${id}`)),
    decisions: decisions.map((one) => ({
      operatorId: one.operatorId,
      decision: decision.parse(one.decision),
      role: one.role,
      reason: one.reason,
      decidedAt: one.decidedAt.toISOString(),
    })),
  };
}

const factsOf = (row: { playerId: string; brand: string; jurisdiction: string; jurisdictionVersion: number }) => ({
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
  jurisdictionVersion: row.jurisdictionVersion,
});

const notFound = (): FailureError => new FailureError(fail('not-found', 'There is nothing at this address.').failure);
