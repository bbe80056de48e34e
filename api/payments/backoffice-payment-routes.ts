/** The back office's routes of payments as the API document shows them. */
import { createRoute, z } from '@hono/zod-openapi';
import { withdrawalStates } from '#domain/payments/withdrawal-decision.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { fraudAlertOutput } from './fraud-alert-schemas.ts';
import { body, depositOutput, idPageQuery, json, withdrawalOutput } from './payment-schemas.ts';
import { attemptOutput, journalOutput, noticeOutput, workItemOutput } from './payment-timeline.ts';

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

// Of the shape and not by `extend`: two closed schemas joined by allOf would admit nothing.
const depositTimeline = z
  .strictObject({ ...depositOutput.shape, ...timeline, fraudAlerts: z.array(fraudAlertOutput) })
  .openapi('DepositTimeline');

export const withdrawalRow = z
  .strictObject({
    ...withdrawalOutput.shape,
    playerId: z.uuid(),
    brand: z.string(),
    approvals: z.int(),
    approvalsRequired: z.int().nullable(),
    checkReasons: z.array(z.string()),
    payloadHash: z
      .string()
      .openapi({ description: 'Repeat it in the decision: it names exactly what was shown.' }),
  })
  .openapi('WithdrawalForReview');

export const withdrawalTimeline = z
  .strictObject({
    ...withdrawalRow.shape,
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

export const readDepositRoute = (deps: ApiDeps) =>
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

export const listRoute = (deps: ApiDeps) =>
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

export const readWithdrawalRoute = (deps: ApiDeps) =>
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

export const decideRoute = (deps: ApiDeps) =>
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
            payloadHash: z
              .string()
              .regex(/^[0-9a-f]{64}$/)
              .openapi({ example: '0123456789abcdef'.repeat(4) }),
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

export const workItemsRoute = (deps: ApiDeps) =>
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
