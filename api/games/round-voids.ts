/** Voids of rounds by hand: proposed by one person, decided by another one, and carried out by the round's workflow. */
import { createRoute, z } from '@hono/zod-openapi';
import { decideRoundVoid, outdated, proposeRoundVoid } from '#activities/games/commands/round-voids.ts';
import type { RoundVoidRow } from '#activities/games/round-voids.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { roundVoidStates } from '#domain/games/round-voids.ts';
import { toMoneyText } from '#domain/money.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { body, idPageQuery, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyOutput, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { carryOutVoid } from './carry-out-void.ts';

const proposalInput = z
  .strictObject({
    playerId: z.uuid(),
    reason: z.string().trim().min(10).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('RoundVoidProposalInput');

const proposalOutput = z
  .strictObject({
    proposalId: z.uuid(),
    integration: z.string(),
    round: z.string(),
    playerId: z.uuid(),
    brand: z.string(),
    stakes: z.array(z.string()).openapi({ description: 'The provider’s ids of the stakes that go back.' }),
    money: moneyOutput.openapi({ description: 'What they come to.' }),
    reason: z.string(),
    contentHash: z.string().openapi({ description: 'The decision repeats it.' }),
    state: z.enum(roundVoidStates).openapi({
      description:
        '`approved`: not given back yet; `carried-out`: given back; `stale`: the round moved, and nothing was given back.',
    }),
    proposedBy: z.uuid(),
    proposedAt: timestamp,
    decidedBy: z.uuid().nullable(),
    decisionNote: z.string().nullable(),
    decidedAt: timestamp.nullable(),
    carriedOutAt: timestamp.nullable(),
  })
  .openapi('RoundVoidProposal');

const decisionInput = z
  .strictObject({
    decision: z.enum(['approve', 'reject']),
    contentHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .openapi({ description: 'Of the proposal as it was shown.' }),
    note: z.string().trim().min(1).max(500).optional().openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('RoundVoidDecision');

const path = '/admin/v1/round-void-proposals';
const common = { tags: ['games'], security: [{ operatorSession: [] }] };
const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'] as const;
const writes = [
  ...reads,
  'malformed-json',
  'not-found',
  'own-approval',
  'round-void-not-open',
  'idempotency-key-reused',
] as const;

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listRoundVoids',
    summary: 'Proposals to void a round and what was decided, newest first',
    middleware: [requireOperator(deps, 'games:round:read')] as const,
    request: {
      query: idPageQuery.extend({
        playerId: z.uuid().optional(),
        state: z.enum(roundVoidStates).optional(),
      }),
    },
    responses: {
      200: json(pageOf(proposalOutput, 'RoundVoidPage'), 'A page of proposals'),
      ...problemResponses(...reads),
    },
  });

const proposeRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/rounds/{integration}/{round}/void-proposals',
    operationId: 'proposeRoundVoid',
    summary: 'Propose to give back the stakes of a round that waits for a person; nothing moves yet',
    middleware: [requireOperator(deps, 'games:round:resolve')] as const,
    request: {
      params: z.object({ integration: z.string().min(1).max(40), round: z.string().min(1).max(255) }),
      headers: idempotencyHeader,
      body: body(proposalInput),
    },
    responses: {
      200: json(proposalOutput, 'The proposal; a repeat with the same key answers with it as it is now'),
      ...problemResponses(...writes, 'round-void-pending'),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/decisions`,
    operationId: 'decideRoundVoid',
    summary: 'Approve a void that somebody else proposed, which gives the stakes back, or reject it',
    description:
      'What the stakes come to must lie in the band of one of the operator’s roles. An approval that was not carried out yet is carried on by a repeat. `version-outdated`: the round took another call since it was seen, and nothing was given back.',
    middleware: [requireOperator(deps, 'games:round-void:decide')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(decisionInput) },
    responses: {
      200: json(proposalOutput, 'The proposal, carried out or rejected'),
      ...problemResponses(...writes, 'already-decided', 'version-outdated'),
    },
  });

export function mountRoundVoids(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, playerId, state } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('games.roundVoidProposal')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(
          olderThan({ table: 'games.roundVoidProposal', column: 'proposedAt', after: after ?? '' }),
        ),
      )
      .orderBy('proposedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiProposal), 200);
  });

  api.openapi(proposeRoute(deps), async (c) => {
    const { operatorId } = c.var.operator;
    const { integration, round: roundRef } = c.req.valid('param');
    const said = { integration, roundRef, ...c.req.valid('json') };
    const known = await db
      .selectFrom('games.round as r')
      .innerJoin('wallet.playerWallet as w', (join) =>
        join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
      )
      .select('w.brand')
      .where('r.integration', '=', integration)
      .where('r.roundRef', '=', roundRef)
      .where('r.playerId', '=', said.playerId)
      .executeTakeFirst();
    if (known === undefined || !maySee(c.var.operator, known.brand))
      throw new FailureError(fail('not-found', 'There is no such round.').failure);
    const proposalId = idFromKey('round-void', operatorId, c.req.valid('header')['idempotency-key']);
    const order = { ...said, proposalId, operatorId, fingerprint: requestFingerprint(said) };
    return c.json(toApiProposal(await decided(db, (trx) => proposeRoundVoid(trx, deps.keyRing, order))), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const known = await db
      .selectFrom('games.roundVoidProposal')
      .select('brand')
      .where('id', '=', id)
      .executeTakeFirst();
    if (known === undefined || !maySee(c.var.operator, known.brand))
      throw new FailureError(fail('not-found', 'There is no such proposal.').failure);
    const { operatorId, roles } = c.var.operator;
    const said = { proposalId: id, ...c.req.valid('json') };
    const key = actKeyOf('round-void-decision', operatorId, c.req.valid('header')['idempotency-key'], said);
    const order = { ...said, note: said.note ?? null, operatorId, roles, key };
    const row = await decided(db, (trx) => decideRoundVoid(trx, deps.keyRing, order));
    const now = row.state === 'approved' ? await carryOutVoid(deps, row) : row;
    if (now.state === 'stale') throw new FailureError(outdated.failure);
    return c.json(toApiProposal(now), 200);
  });
}

const toApiProposal = (row: RoundVoidRow): z.infer<typeof proposalOutput> => ({
  proposalId: row.id,
  integration: row.integration,
  round: row.roundRef,
  playerId: row.playerId,
  brand: row.brand,
  stakes: row.stakes,
  money: toMoneyText(BigInt(row.amount), row.asset),
  reason: row.reason,
  contentHash: row.contentHash.toString('hex'),
  state: proposalOutput.shape.state.parse(row.state),
  proposedBy: row.proposedBy,
  proposedAt: row.proposedAt.toISOString(),
  decidedBy: row.decidedBy,
  decisionNote: row.decisionNote,
  decidedAt: row.decidedAt?.toISOString() ?? null,
  carriedOutAt: row.carriedOutAt?.toISOString() ?? null,
});
