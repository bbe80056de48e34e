/** Acts on the brakes of the cashier that wait for a second person: shown, carried out, or refused. */
import { createRoute, z } from '@hono/zod-openapi';
import { decideAct } from '#activities/payments/commands/act-proposals.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { actKind, actOutput, toApiAct } from './act-schemas.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';
import { decisionAbout } from '../proposal-schemas.ts';

const path = '/admin/v1/payments/act-proposals';
const common = { tags: ['payments'], security: [{ operatorSession: [] }] };
const reads = ['invalid-request', 'not-authenticated', 'forbidden'] as const;

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listPaymentActs',
    summary: 'Acts that one person proposed about limits, lists and terms, newest first',
    middleware: [requireOperator(deps, 'payments:limit:read')] as const,
    request: {
      query: idPageQuery.extend({ kind: actKind.optional(), state: actOutput.shape.state.optional() }),
    },
    responses: {
      200: json(pageOf(actOutput, 'PaymentActPage'), 'A page of acts'),
      ...problemResponses(...reads),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/decisions`,
    operationId: 'decidePaymentAct',
    summary: 'Carry out what another person proposed, or refuse it; nobody carries out his own',
    middleware: [requireOperator(deps, 'payments:setting:decide')] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({
            ...decisionAbout('act'),
            reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
          })
          .openapi('PaymentActDecision'),
      ),
    },
    responses: {
      200: json(actOutput, 'The act as it was decided'),
      ...problemResponses(
        ...reads,
        'not-found',
        'malformed-json',
        'own-approval',
        'setting-not-open',
        'version-outdated',
        'list-entry-not-open',
        'dependency-unavailable',
      ),
    },
  });

export function mountActProposals(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, kind, state } = c.req.valid('query');
    const brands = brandScope(c.get('operator'));
    const rows = await db
      .selectFrom('payments.actProposal')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? ''))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(olderThan({ table: 'payments.actProposal', column: 'proposedAt', after: after ?? '' })),
      )
      .orderBy('proposedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiAct), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const operator = c.get('operator');
    const { id } = c.req.valid('param');
    const found = await db
      .selectFrom('payments.actProposal')
      .select('brand')
      .where('id', '=', id)
      .executeTakeFirst();
    if (found === undefined || !maySee(operator, found.brand))
      throw new FailureError(fail('not-found', 'There is no such proposal.').failure);
    const order = { ...c.req.valid('json'), actId: id, operatorId: operator.operatorId };
    return c.json(toApiAct(await decided(db, (trx) => decideAct(trx, order))), 200);
  });
}
