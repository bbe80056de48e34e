/** Matches with lists in the back office: what waits for compliance, and its word, which the withdrawal waits for. */
import { createRoute, z } from '@hono/zod-openapi';
import { decideMatch } from '#activities/payments/commands/decide-screening.ts';
import type { ScreeningRow } from '#activities/kyc/commands/screenings.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { screeningStates } from '#domain/kyc/screening.ts';
import { screeningDecided, withdrawalWorkflowId } from '#workflows/withdrawal.contract.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { newerThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { isWorkflowOver } from '../workflow-failures.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';

const state = z.enum(screeningStates);

const screeningOutput = z
  .strictObject({
    screeningId: z.uuid(),
    subject: z.string().openapi({ description: 'The payment that waits, `withdrawal:{id}`.' }),
    playerId: z.uuid(),
    brand: z.string(),
    state: state.openapi({ description: '`asked`: the vendor has not answered; `hit`: waits for a person.' }),
    listVersion: z.string().nullable(),
    lists: z.array(z.string()).openapi({ description: 'Kinds of lists with a match.' }),
    hitIds: z.array(z.string()).openapi({ description: 'The vendor’s names of the matches.' }),
    askedAt: timestamp,
    answeredAt: timestamp.nullable(),
    decidedBy: z.uuid().nullable(),
    decidedAt: timestamp.nullable(),
    reason: z.string().nullable(),
  })
  .openapi('Screening');

const decisionInput = z
  .strictObject({
    decision: z.enum(['clear', 'confirm']).openapi({
      description:
        '`clear`: another person; `confirm`: the player. A confirmed match keeps the hold until two people decide about it.',
    }),
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('ScreeningDecision');

const common = { tags: ['kyc'], security: [{ operatorSession: [] }] };

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/screenings',
    operationId: 'listScreenings',
    summary: 'Questions about lists, oldest first',
    middleware: [requireOperator(deps, 'kyc:screening:read')] as const,
    request: { query: idPageQuery.extend({ state: state.optional(), playerId: z.uuid().optional() }) },
    responses: {
      200: json(pageOf(screeningOutput, 'ScreeningPage'), 'A page of screenings'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/screenings/{id}/decisions',
    operationId: 'decideScreening',
    summary: 'Clear a match, or confirm it; once, by somebody else than the player',
    middleware: [requireOperator(deps, 'kyc:screening:decide')] as const,
    request: { params: idParam, body: body(decisionInput) },
    responses: {
      200: json(screeningOutput, 'The screening after the decision; the same decision again changes nothing'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'own-approval',
        'not-found',
        'already-decided',
        'dependency-unavailable',
      ),
    },
  });

export function mountScreenings(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state: wanted, playerId } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('kyc.screening')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(wanted !== undefined, (query) => query.where('state', '=', wanted ?? ''))
      .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'kyc.screening', column: 'askedAt', after: after ?? '' })),
      )
      .orderBy('askedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiScreening), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { decision, reason } = c.req.valid('json');
    const known = await db
      .selectFrom('kyc.screening')
      .select('brand')
      .where('id', '=', id)
      .executeTakeFirst();
    if (known === undefined || !maySee(c.var.operator, known.brand))
      throw new FailureError(fail('not-found', 'There is no such screening.').failure);
    const row = await decided(db, (trx) =>
      decideMatch(trx, id, {
        state: decision === 'clear' ? 'cleared' : 'confirmed',
        operatorId: c.var.operator.operatorId,
        reason,
      }),
    );
    await tellWaiting(deps, row);
    return c.json(toApiScreening(row), 200);
  });
}

/** The decision is kept; who waits for it is told, and looks by itself a few times a day besides. */
async function tellWaiting(deps: Pick<ApiDeps, 'temporal'>, { subject }: ScreeningRow): Promise<void> {
  const withdrawalId = /^withdrawal:([0-9a-f-]{36})$/.exec(subject)?.[1];
  if (withdrawalId === undefined) return;
  const client = await deps.temporal();
  try {
    await client.workflow.getHandle(withdrawalWorkflowId(withdrawalId)).signal(screeningDecided);
  } catch (error) {
    if (!isWorkflowOver(error)) throw error;
  }
}

const toApiScreening = (row: ScreeningRow): z.infer<typeof screeningOutput> => ({
  screeningId: row.id,
  subject: row.subject,
  playerId: row.playerId,
  brand: row.brand,
  state: state.parse(row.state),
  listVersion: row.listVersion,
  lists: row.lists,
  hitIds: row.hitIds,
  askedAt: row.askedAt.toISOString(),
  answeredAt: row.answeredAt?.toISOString() ?? null,
  decidedBy: row.decidedBy,
  decidedAt: row.decidedAt?.toISOString() ?? null,
  reason: row.reason,
});
