/** What one person proposed about provider connections: shown, put into force by another one, or refused. */
import { createRoute } from '@hono/zod-openapi';
import { decideIntegration } from '#activities/games/commands/integration-proposals.ts';
import type { Api } from '../app.ts';
import { brandScope, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { olderThan, pageById } from '../keyset.ts';
import { body, idPageQuery, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { proposalDecision, proposalOutput, toApiProposal } from './integration-proposal-schemas.ts';
import { guardedAnswers, integrationId } from './integration-schemas.ts';

const path = '/admin/v1/integration-proposals';
const common = { tags: ['games'], security: [{ operatorSession: [] }] };

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listIntegrationProposals',
    summary: 'New connections and changes that one person proposed, newest first',
    middleware: [requireOperator(deps, 'games:integration:read')] as const,
    request: {
      query: idPageQuery.extend({
        integration: integrationId.optional(),
        state: proposalOutput.shape.state.optional(),
      }),
    },
    responses: {
      200: json(pageOf(proposalOutput, 'IntegrationProposalPage'), 'A page of proposals'),
      ...problemResponses('invalid-request', ...guardedAnswers),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/decisions`,
    operationId: 'decideIntegration',
    summary: 'Put into force what another person proposed, or refuse it; nobody decides for his own',
    middleware: [requireOperator(deps, 'games:integration:decide')] as const,
    request: { params: idParam, body: body(proposalDecision) },
    responses: {
      200: json(proposalOutput, 'The proposal as it was decided'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-found',
        'own-approval',
        'setting-not-open',
        'version-outdated',
        'name-taken',
        ...guardedAnswers,
      ),
    },
  });

export function mountIntegrationProposals(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, integration, state } = c.req.valid('query');
    const brands = brandScope(c.get('operator'));
    const rows = await db
      .selectFrom('games.integrationProposal')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(integration !== undefined, (query) => query.where('integration', '=', integration ?? ''))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(
          olderThan({ table: 'games.integrationProposal', column: 'proposedAt', after: after ?? '' }),
        ),
      )
      .orderBy('proposedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiProposal), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const operator = c.get('operator');
    const { id } = c.req.valid('param');
    const found = await db
      .selectFrom('games.integrationProposal')
      .select('brand')
      .where('id', '=', id)
      .executeTakeFirst();
    requireVisible(operator, found);
    const order = { ...c.req.valid('json'), proposalId: id, operatorId: operator.operatorId };
    return c.json(toApiProposal(await decided(db, (trx) => decideIntegration(trx, order))), 200);
  });
}
