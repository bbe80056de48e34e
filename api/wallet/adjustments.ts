/** Manual corrections in the back office: asked for by one person, decided by another one. */
import { createRoute } from '@hono/zod-openapi';
import { decideAdjustment, requestAdjustment } from '#activities/wallet/adjustments.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parseMoved } from '#domain/money.ts';
import { adjustmentReasons } from '#domain/wallet/adjustments.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import {
  adjustmentDecision,
  adjustmentInput,
  adjustmentOutput,
  adjustmentQuery,
  reasonOutput,
  toApiAdjustment,
} from './adjustment-schemas.ts';
import { decided } from './decided.ts';

const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'] as const;

export function mountAdjustments(api: Api, deps: ApiDeps): void {
  mountReasons(api, deps);
  mountRequest(api, deps);
  mountDecision(api, deps);
  mountReads(api, deps);
}

function mountReasons(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/wallet/adjustment-reasons',
      operationId: 'listAdjustmentReasons',
      tags: ['wallet'],
      summary: 'The closed list of reasons for manual corrections',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:adjustment:read')] as const,
      responses: {
        200: json(pageOf(reasonOutput, 'AdjustmentReasons'), 'Every reason'),
        ...problemResponses('not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    (c) =>
      c.json(
        {
          items: adjustmentReasons.map((reason) => ({ ...reason, directions: [...reason.directions] })),
          next: null,
        },
        200,
      ),
  );
}

function mountRequest(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/adjustments',
      operationId: 'requestAdjustment',
      tags: ['wallet'],
      summary: 'Ask for a manual correction; nothing moves until another person approves it',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:adjustment:request')] as const,
      request: { headers: idempotencyHeader, body: body(adjustmentInput) },
      responses: {
        200: json(adjustmentOutput, 'The request; a repeat with the same key answers with it as it is now'),
        ...problemResponses(
          ...reads,
          'malformed-json',
          'amount-not-positive',
          'amount-too-precise',
          'amount-too-large',
          'unknown-asset',
          'own-approval',
          'not-found',
          'wallet-not-found',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const operator = c.get('operator');
      const amount = orThrow(parseMoved(input));
      const wallet = await deps.db
        .selectFrom('wallet.playerWallet')
        .select('brand')
        .where('playerId', '=', input.playerId)
        .where('asset', '=', input.asset)
        .executeTakeFirst();
      if (!wallet || !maySee(operator, wallet.brand))
        throw new FailureError(fail('wallet-not-found', `The player has no ${input.asset} wallet.`).failure);
      const row = await decided(deps.db, (trx) =>
        requestAdjustment(trx, {
          ...input,
          adjustmentId: idFromKey(
            'adjustment',
            operator.operatorId,
            c.req.valid('header')['idempotency-key'],
          ),
          amount,
          operatorId: operator.operatorId,
          fingerprint: requestFingerprint(input),
        }),
      );
      return c.json(toApiAdjustment(row), 200);
    },
  );
}

function mountDecision(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/adjustments/{id}/approvals',
      operationId: 'decideAdjustment',
      tags: ['wallet'],
      summary: 'Approve or refuse a correction that somebody else asked for; an approval posts it',
      description:
        'The amount must lie in the band of one of the operator’s roles. A repeat of the same decision answers with what came of it.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:adjustment:decide')] as const,
      request: { params: idParam, headers: idempotencyHeader, body: body(adjustmentDecision) },
      responses: {
        200: json(adjustmentOutput, 'The adjustment after the decision'),
        ...problemResponses(
          ...reads,
          'malformed-json',
          'own-approval',
          'not-found',
          'adjustment-not-open',
          'already-decided',
          'insufficient-funds',
        ),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { decision, contentHash, reason } = c.req.valid('json');
      const operator = c.get('operator');
      await mustSee(deps.db, operator, id);
      const { operatorId, roles } = operator;
      const header = c.req.valid('header')['idempotency-key'];
      const said = { id, decision, contentHash, reason };
      const row = await decided(deps.db, async (trx) => {
        await bindKey(trx, actKeyOf('adjustment-decision', operatorId, header, said));
        return decideAdjustment(trx, {
          adjustmentId: id,
          decision,
          contentHash,
          note: reason,
          operatorId,
          roles,
        });
      });
      return c.json(toApiAdjustment(row), 200);
    },
  );
}

function mountReads(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/wallet/adjustments',
      operationId: 'listAdjustments',
      tags: ['wallet'],
      summary: 'Manual corrections, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:adjustment:read')] as const,
      request: { query: adjustmentQuery },
      responses: {
        200: json(pageOf(adjustmentOutput, 'AdjustmentPage'), 'A page of adjustments'),
        ...problemResponses(...reads),
      },
    }),
    async (c) => {
      const { limit, after, playerId, state } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('wallet.adjustment')
        .selectAll()
        .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
        .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
        .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
        .$if(after !== undefined, (query) =>
          query.where(olderThan({ table: 'wallet.adjustment', column: 'requestedAt', after: after ?? '' })),
        )
        .orderBy('requestedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return c.json(pageById(rows, limit, toApiAdjustment), 200);
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/wallet/adjustments/{id}',
      operationId: 'readAdjustment',
      tags: ['wallet'],
      summary: 'A manual correction',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:adjustment:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(adjustmentOutput, 'The adjustment'),
        ...problemResponses(...reads, 'not-found'),
      },
    }),
    async (c) =>
      c.json(toApiAdjustment(await mustSee(deps.db, c.get('operator'), c.req.valid('param').id)), 200),
  );
}

const mustSee = async (db: Database, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db.selectFrom('wallet.adjustment').selectAll().where('id', '=', id).executeTakeFirst(),
  );
