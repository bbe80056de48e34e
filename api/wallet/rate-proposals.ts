/** Rates in the back office: one person proposes, another one publishes. They are the same for every brand. */
import { createRoute, z } from '@hono/zod-openapi';
import { decideRate, proposeRate, type RateProposalRow } from '#activities/wallet/rate-proposals.ts';
import type { Api } from '../app.ts';
import { requireAllBrands, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { body, idPageQuery, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { decided } from './decided.ts';
import { rateInput, rateOutput, reasonInput, toApiRate } from './rate-schemas.ts';
import { decisionAbout, proposalStanding } from '../proposal-schemas.ts';

const path = '/admin/v1/wallet/rate-proposals';
const common = { tags: ['wallet'], security: [{ operatorSession: [] }] };
const reads = ['invalid-request', 'not-authenticated', 'forbidden'] as const;

const proposalOutput = z
  .strictObject({
    ...rateOutput.shape,
    after: z.uuid().nullable().openapi({
      description: 'The newest rate of the pair when it was proposed: it makes way for this one.',
    }),
    ...proposalStanding,
    openUntil: timestamp.openapi({ description: 'Afterwards it can only be refused.' }),
  })
  .openapi('RateProposal');

const toApiProposal = (row: RateProposalRow): z.infer<typeof proposalOutput> => ({
  ...toApiRate(row),
  after: row.afterId,
  payloadHash: row.payloadHash.toString('hex'),
  state: proposalOutput.shape.state.parse(row.state),
  author: row.author,
  reason: row.reason,
  proposedAt: row.proposedAt.toISOString(),
  openUntil: row.openUntil.toISOString(),
  decidedBy: row.decidedBy,
  decisionReason: row.decisionReason,
  decidedAt: row.decidedAt?.toISOString() ?? null,
});

const proposeRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path,
    operationId: 'proposeRate',
    summary: 'Propose a rate between two assets; it replaces the one before when another person publishes it',
    middleware: [requireOperator(deps, 'wallet:rate:propose')] as const,
    request: { headers: idempotencyHeader, body: body(rateInput) },
    responses: {
      202: json(proposalOutput, 'The proposal; a repeat with the same key answers with it'),
      ...problemResponses(
        ...reads,
        'malformed-json',
        'unknown-asset',
        'idempotency-key-reused',
        'dependency-unavailable',
      ),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listRateProposals',
    summary: 'Rates that one person proposed, newest first',
    middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
    request: { query: idPageQuery.extend({ state: proposalOutput.shape.state.optional() }) },
    responses: {
      200: json(pageOf(proposalOutput, 'RateProposalPage'), 'A page of proposals'),
      ...problemResponses(...reads),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/decisions`,
    operationId: 'decideRate',
    summary: 'Publish a rate that another person proposed, or refuse it; nobody publishes his own',
    middleware: [requireOperator(deps, 'wallet:rate:decide')] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({
            ...decisionAbout('proposal'),
            reason: reasonInput,
          })
          .openapi('RateDecision'),
      ),
    },
    responses: {
      200: json(proposalOutput, 'The proposal as it was decided; published, the rate has its id'),
      ...problemResponses(
        ...reads,
        'malformed-json',
        'not-found',
        'own-approval',
        'setting-not-open',
        'version-outdated',
        'dependency-unavailable',
      ),
    },
  });

export function mountRateProposals(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(proposeRoute(deps), async (c) => {
    const input = c.req.valid('json');
    const operator = c.get('operator');
    requireAllBrands(operator);
    const { operatorId } = operator;
    const row = await decided(db, (trx) =>
      proposeRate(trx, {
        ...input,
        rateId: idFromKey('rate-proposal', operatorId, c.req.valid('header')['idempotency-key']),
        quotedAt: new Date(input.quotedAt),
        expiresAt: new Date(input.expiresAt),
        operatorId,
        fingerprint: requestFingerprint(input),
      }),
    );
    return c.json(toApiProposal(row), 202);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state } = c.req.valid('query');
    requireAllBrands(c.get('operator'));
    const rows = await db
      .selectFrom('wallet.rateProposal')
      .selectAll()
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(olderThan({ table: 'wallet.rateProposal', column: 'proposedAt', after: after ?? '' })),
      )
      .orderBy('proposedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiProposal), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const operator = c.get('operator');
    requireAllBrands(operator);
    const { operatorId } = operator;
    const order = { ...c.req.valid('json'), rateId: c.req.valid('param').id, operatorId };
    return c.json(toApiProposal(await decided(db, (trx) => decideRate(trx, order))), 200);
  });
}
