/** Disputes in the back office: the list by deadline, one with all that is known of it, and the operator's answer. */
import { createRoute, z } from '@hono/zod-openapi';
import { disputeInputOf, type DisputeRow } from '#activities/payments/commands/dispute-notices.ts';
import {
  decideDisputeResponse,
  openEvidence,
  recordDisputeResponse,
  type DisputeResponseRow,
} from '#activities/payments/commands/record-dispute-response.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { disputeStages, disputeStatuses } from '#domain/payments/dispute-state.ts';
import { answerDispute, disputeStart, disputeWorkflowId } from '#workflows/dispute.contract.ts';
import type { dispute } from '#workflows/dispute.ts';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Api } from '../app.ts';
import { brandScope, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { newerThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, nullableMoneyOutput, moneyOutput, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { failureBehind, isWorkflowOver } from '../workflow-failures.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';
import { journalOutput, noticeOutput, readTimeline, workItemOutput } from './payment-timeline.ts';

const stage = z.enum(disputeStages);
const status = z.enum(disputeStatuses);

const disputeShape = {
  disputeId: z.uuid(),
  depositId: z.uuid(),
  playerId: z.uuid(),
  brand: z.string(),
  psp: z.string(),
  pspReference: z.string(),
  stage,
  status,
  money: nullableMoneyOutput,
  reason: z.string().nullable(),
  evidenceDueAt: timestamp.nullable(),
  expiredAt: timestamp.nullable().openapi({ description: 'The deadline passed without an answer.' }),
  accepted: z.boolean(),
  openedAt: timestamp,
  closedAt: timestamp.nullable(),
};

const disputeOutput = z.strictObject(disputeShape).openapi('Dispute');

const kindOfAnswer = z.enum(['evidence', 'accept']);
const stateOfAnswer = z.enum(['proposed', 'withdrawn', 'recorded', 'sent', 'refused']);

const answerOutput = z
  .strictObject({
    answerId: z.uuid(),
    kind: kindOfAnswer,
    stage,
    state: stateOfAnswer.openapi({
      description: '`proposed` until another person decides; `recorded` until the PSP has it.',
    }),
    rawCode: z.string().nullable(),
    reason: z.string(),
    contentHash: z.string().openapi({ description: 'What the second person names.' }),
    operatorId: z.uuid(),
    recordedAt: timestamp,
    decidedBy: z.uuid().nullable(),
    decisionReason: z.string().nullable(),
    decidedAt: timestamp.nullable(),
  })
  .openapi('DisputeAnswerState');

const disputeTimeline = z
  .strictObject({
    ...disputeShape,
    workflowId: z.string().openapi({ description: 'Find it in the Temporal UI.' }),
    movements: z.array(
      z.strictObject({
        reference: z.string(),
        kind: z.enum(['withdrawn', 'reinstated']),
        money: moneyOutput,
        journalId: z.uuid(),
        bookedAt: timestamp,
      }),
    ),
    answers: z.array(answerOutput),
    journals: z.array(journalOutput),
    notices: z.array(noticeOutput),
    workItems: z.array(workItemOutput),
  })
  .openapi('DisputeTimeline');

const answerInput = z
  .strictObject({
    answer: z.enum(['evidence', 'accept']),
    evidence: z
      .string()
      .trim()
      .min(20)
      .max(20_000)
      .optional()
      .openapi({ description: 'Needed for `evidence`; kept sealed with the player’s key.' }),
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .refine(({ answer, evidence }) => (answer === 'evidence') === (evidence !== undefined), {
    message: 'evidence comes with the answer `evidence` and with no other',
    path: ['evidence'],
  })
  .openapi('DisputeAnswer');

const common = { tags: ['payments'], security: [{ operatorSession: [] }] };

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/disputes',
    operationId: 'listDisputes',
    summary: 'Disputes, oldest first',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { query: idPageQuery.extend({ status: status.optional(), playerId: z.uuid().optional() }) },
    responses: {
      200: json(pageOf(disputeOutput, 'DisputePage'), 'A page of disputes'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/disputes/{id}',
    operationId: 'readDispute',
    summary: 'A dispute with its movements, answers, journals, notices and work items',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(disputeTimeline, 'The dispute'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const answerRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/disputes/{id}/answers',
    operationId: 'answerDispute',
    summary:
      'Propose evidence for the PSP, or to give in; another person sends it, once per stage, before the deadline',
    middleware: [requireOperator(deps, 'payments:dispute:respond')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(answerInput) },
    responses: {
      200: json(disputeTimeline, 'The dispute with the proposed answer'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'own-approval',
        'not-found',
        'dispute-not-open',
        'dependency-unavailable',
      ),
    },
  });

const answerParams = z.object({
  id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }),
  answerId: z.uuid().openapi({ param: { name: 'answerId', in: 'path' } }),
});

const readAnswerRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/disputes/{id}/answers/{answerId}',
    operationId: 'readDisputeAnswer',
    summary: 'An answer with its words, for whoever decides on it',
    middleware: [requireOperator(deps, 'payments:dispute:respond')] as const,
    request: { params: answerParams },
    responses: {
      200: json(
        z
          .strictObject({ ...answerOutput.shape, evidence: z.string().nullable() })
          .openapi('DisputeAnswerWords'),
        'The answer',
      ),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const decideAnswerRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/disputes/{id}/answers/{answerId}/decisions',
    operationId: 'decideDisputeAnswer',
    summary: 'Send the answer that another person proposed, or take an answer back',
    middleware: [requireOperator(deps, 'payments:dispute:respond')] as const,
    request: {
      params: answerParams,
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({
            decision: z.enum(['send', 'withdraw']),
            contentHash: z.string().regex(/^[0-9a-f]{64}$/),
            reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
          })
          .openapi('DisputeAnswerDecision'),
      ),
    },
    responses: {
      200: json(disputeTimeline, 'The dispute; the answer’s `state` says whether the PSP has it'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'own-approval',
        'not-found',
        'already-decided',
        'dispute-not-open',
        'dependency-unavailable',
      ),
    },
  });

export function mountDisputes(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, status: wanted, playerId } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('payments.dispute')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(wanted !== undefined, (query) => query.where('status', '=', wanted ?? ''))
      .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'payments.dispute', column: 'openedAt', after: after ?? '' })),
      )
      .orderBy('openedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiDispute), 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await timelineOf(deps, c.var.operator, c.req.valid('param').id), 200),
  );

  api.openapi(answerRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    await mustSee(deps, operator, id);
    const input = c.req.valid('json');
    const role = operator.roles.find((held) => mayDo([held], 'payments:dispute:respond'));
    if (role === undefined) throw new FailureError(fail('forbidden', 'No role of yours may answer.').failure);
    await decided(db, (trx) =>
      recordDisputeResponse(trx, deps.keyRing, {
        responseId: idFromKey(
          'dispute-answer',
          operator.operatorId,
          c.req.valid('header')['idempotency-key'],
        ),
        disputeId: id,
        evidence: input.evidence ?? null,
        reason: input.reason,
        operatorId: operator.operatorId,
        role,
        fingerprint: requestFingerprint({ id, ...input }),
      }),
    );
    return c.json(await timelineOf(deps, operator, id), 200);
  });

  api.openapi(readAnswerRoute(deps), async (c) => {
    const { id, answerId } = c.req.valid('param');
    const { playerId } = await mustSee(deps, c.var.operator, id);
    const row = await mustBeAnswer(deps, id, answerId);
    const evidence = row.sealed === null ? null : await openEvidence(db, deps.keyRing, row, playerId);
    return c.json({ ...toApiAnswer(row), evidence }, 200);
  });

  api.openapi(decideAnswerRoute(deps), async (c) => {
    const { id, answerId } = c.req.valid('param');
    const { operator } = c.var;
    const row = await mustSee(deps, operator, id);
    const { operatorId } = operator;
    const decision = c.req.valid('json');
    const said = { ...decision, responseId: answerId, disputeId: id };
    const header = c.req.valid('header')['idempotency-key'];
    const answer = await decided(db, async (trx) => {
      await bindKey(trx, actKeyOf('dispute-answer-decision', operatorId, header, said));
      return decideDisputeResponse(trx, { ...said, operatorId });
    });
    if (answer.state === 'recorded') await sendAnswer(deps, row, answer.id);
    return c.json(await timelineOf(deps, operator, id), 200);
  });
}

/** A run that had ended needs no answer: the row would not have been taken. */
async function sendAnswer(
  deps: Pick<ApiDeps, 'temporal'>,
  row: DisputeRow,
  responseId: string,
): Promise<void> {
  const client = await deps.temporal();
  for (let reopened = 0; ; reopened += 1) {
    try {
      await client.workflow.executeUpdateWithStart(answerDispute, {
        updateId: responseId,
        args: [{ responseId }],
        startWorkflowOperation: new WithStartWorkflowOperation<typeof dispute>(
          'dispute',
          disputeStart(disputeInputOf(row, reopened)),
        ),
      });
      return;
    } catch (error) {
      if (isWorkflowOver(error) && reopened < 5) continue;
      throw failureBehind(error) ?? error;
    }
  }
}

const toApiDispute = (row: DisputeRow): z.infer<typeof disputeOutput> => ({
  disputeId: row.id,
  depositId: row.depositId,
  playerId: row.playerId,
  brand: row.brand,
  psp: row.psp,
  pspReference: row.pspReference,
  stage: stage.parse(row.stage),
  status: status.parse(row.status),
  money: row.asset === null || row.amount === null ? null : toMoneyText(BigInt(row.amount), row.asset),
  reason: row.reason,
  evidenceDueAt: row.evidenceDueAt?.toISOString() ?? null,
  expiredAt: row.expiredAt?.toISOString() ?? null,
  accepted: row.accepted,
  openedAt: row.openedAt.toISOString(),
  closedAt: row.closedAt?.toISOString() ?? null,
});

const mustSee = async ({ db }: Pick<ApiDeps, 'db'>, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db.selectFrom('payments.dispute').selectAll().where('id', '=', id).executeTakeFirst(),
  );

const toApiAnswer = (one: DisputeResponseRow): z.infer<typeof answerOutput> => ({
  answerId: one.id,
  kind: kindOfAnswer.parse(one.kind),
  stage: stage.parse(one.stage),
  state: stateOfAnswer.parse(one.state),
  rawCode: one.rawCode,
  reason: one.reason,
  contentHash: one.fingerprint.toString('hex'),
  operatorId: one.operatorId,
  recordedAt: one.recordedAt.toISOString(),
  decidedBy: one.decidedBy,
  decisionReason: one.decisionReason,
  decidedAt: one.decidedAt?.toISOString() ?? null,
});

async function mustBeAnswer(deps: ApiDeps, disputeId: string, answerId: string): Promise<DisputeResponseRow> {
  const row = await deps.db
    .selectFrom('payments.disputeResponse')
    .selectAll()
    .where('id', '=', answerId)
    .where('disputeId', '=', disputeId)
    .executeTakeFirst();
  if (row === undefined) throw new FailureError(fail('not-found', 'There is no such answer.').failure);
  return row;
}

const kindOfMovement = z.enum(['withdrawn', 'reinstated']);
async function timelineOf(
  deps: ApiDeps,
  operator: OperatorIdentity,
  id: string,
): Promise<z.infer<typeof disputeTimeline>> {
  const row = await mustSee(deps, operator, id);
  const [movements, answers] = await Promise.all([
    deps.db
      .selectFrom('payments.disputeMovement')
      .selectAll()
      .where('disputeId', '=', id)
      .orderBy('number')
      .execute(),
    deps.db
      .selectFrom('payments.disputeResponse')
      .selectAll()
      .where('disputeId', '=', id)
      .orderBy('recordedAt')
      .limit(100)
      .execute(),
  ]);
  return {
    ...toApiDispute(row),
    workflowId: disputeWorkflowId({ psp: row.psp, pspReference: row.pspReference, reopened: 0 }),
    movements: movements.map((one) => ({
      reference: one.reference,
      kind: kindOfMovement.parse(one.kind),
      money: toMoneyText(BigInt(one.amount), one.asset),
      journalId: one.journalId,
      bookedAt: one.bookedAt.toISOString(),
    })),
    answers: answers.map(toApiAnswer),
    ...(await readTimeline(deps.db, `dispute:${id}`)),
  };
}
