/** Holds in the back office: placed by one person, captured by another one, released or left to run out. */
import { createRoute, z } from '@hono/zod-openapi';
import { captureHold, placeHold, releaseHold } from '#activities/wallet/holds.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import { holdTarget } from '#domain/wallet/holds.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyInput, pageOf } from '../schemas.ts';
import { decided } from './decided.ts';
import { holdInput, holdOutput, holdQuery, holdWithCaptures, toApiHold } from './hold-schemas.ts';

const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'] as const;
const amounts = ['amount-not-positive', 'amount-too-precise', 'amount-too-large', 'unknown-asset'] as const;

export function mountHolds(api: Api, deps: ApiDeps): void {
  mountPlace(api, deps);
  mountCapture(api, deps);
  mountRelease(api, deps);
  mountReads(api, deps);
}

function mountPlace(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/holds',
      operationId: 'placeHold',
      tags: ['wallet'],
      summary: 'Set a player’s money aside for a named reason',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:hold:place')] as const,
      request: { headers: idempotencyHeader, body: body(holdInput) },
      responses: {
        200: json(holdOutput, 'The hold; a repeat with the same key answers with it as it is now'),
        ...problemResponses(
          ...reads,
          ...amounts,
          'malformed-json',
          'wallet-not-found',
          'not-found',
          'insufficient-funds',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const { playerId, money, reason, subject, note, expiresAt } = c.req.valid('json');
      const operator = c.get('operator');
      const amount = orThrow(parsePayable(money));
      const wallet = await deps.db
        .selectFrom('wallet.playerWallet')
        .select(['brand', 'jurisdiction'])
        .where('playerId', '=', playerId)
        .where('asset', '=', money.asset)
        .executeTakeFirst();
      if (!wallet || !maySee(operator, wallet.brand))
        throw new FailureError(fail('wallet-not-found', `The player has no ${money.asset} wallet.`).failure);
      const row = await decided(deps.db, (trx) =>
        placeHold(trx, {
          holdId: idFromKey('hold', operator.operatorId, c.req.valid('header')['idempotency-key']),
          playerId,
          asset: money.asset,
          amount,
          reason,
          captureTo: holdTarget(reason, wallet.jurisdiction),
          subject: subject ?? null,
          note,
          expiresAt: new Date(expiresAt),
          actor: { kind: 'operator', id: operator.operatorId },
          fingerprint: requestFingerprint(c.req.valid('json')),
        }),
      );
      return c.json(toApiHold(row), 200);
    },
  );
}

function mountCapture(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/holds/{id}/captures',
      operationId: 'captureHold',
      tags: ['wallet'],
      summary: 'Take a part of what is held, by another person than the one who holds it',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:hold:capture')] as const,
      request: {
        params: idParam,
        headers: idempotencyHeader,
        body: body(z.strictObject({ money: moneyInput }).openapi('HoldCapture')),
      },
      responses: {
        200: json(holdOutput, 'The hold after the capture; a repeat with the same key takes nothing more'),
        ...problemResponses(
          ...reads,
          ...amounts,
          'malformed-json',
          'not-found',
          'hold-not-open',
          'hold-exceeded',
          'own-approval',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { money } = c.req.valid('json');
      const operator = c.get('operator');
      const amount = orThrow(parsePayable(money));
      const { asset } = await mustSee(deps.db, operator, id);
      if (asset !== money.asset)
        throw new FailureError(fail('invalid-request', `This hold is in ${asset}.`).failure);
      const row = await decided(deps.db, (trx) =>
        captureHold(trx, {
          holdId: id,
          captureId: idFromKey('hold-capture', operator.operatorId, c.req.valid('header')['idempotency-key']),
          amount,
          actor: { kind: 'operator', id: operator.operatorId },
        }),
      );
      return c.json(toApiHold(row), 200);
    },
  );
}

function mountRelease(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/holds/{id}/releases',
      operationId: 'releaseHold',
      tags: ['wallet'],
      summary: 'Give what is still held back to the player',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:hold:place')] as const,
      request: { params: idParam, headers: idempotencyHeader },
      responses: {
        200: json(holdOutput, 'The hold, released'),
        ...problemResponses(...reads, 'not-found', 'hold-not-open'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const operator = c.get('operator');
      await mustSee(deps.db, operator, id);
      const row = await decided(deps.db, (trx) =>
        releaseHold(trx, { holdId: id, actor: { kind: 'operator', id: operator.operatorId } }),
      );
      return c.json(toApiHold(row), 200);
    },
  );
}

function mountReads(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/wallet/holds',
      operationId: 'listHolds',
      tags: ['wallet'],
      summary: 'Holds, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: {
        query: holdQuery,
      },
      responses: {
        200: json(pageOf(holdOutput, 'HoldPage'), 'A page of holds'),
        ...problemResponses(...reads),
      },
    }),
    async (c) => {
      const { limit, after, playerId, state } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('wallet.hold')
        .selectAll()
        .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
        .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
        .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
        .$if(after !== undefined, (query) =>
          query.where(olderThan({ table: 'wallet.hold', column: 'placedAt', after: after ?? '' })),
        )
        .orderBy('placedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return c.json(pageById(rows, limit, toApiHold), 200);
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/wallet/holds/{id}',
      operationId: 'readHold',
      tags: ['wallet'],
      summary: 'A hold with its captures',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(holdWithCaptures, 'The hold'),
        ...problemResponses(...reads, 'not-found'),
      },
    }),
    async (c) => {
      const row = await mustSee(deps.db, c.get('operator'), c.req.valid('param').id);
      const captures = await deps.db
        .selectFrom('wallet.holdCapture')
        .selectAll()
        .where('holdId', '=', row.id)
        .orderBy('capturedAt')
        .limit(1_000)
        .execute();
      return c.json(
        {
          ...toApiHold(row),
          captures: captures.map(({ id, amount, capturedBy, journalId, capturedAt }) => ({
            id,
            money: toMoneyText(BigInt(amount), row.asset),
            capturedBy,
            journalId,
            capturedAt: capturedAt.toISOString(),
          })),
        },
        200,
      );
    },
  );
}

const mustSee = async (db: Database, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db.selectFrom('wallet.hold').selectAll().where('id', '=', id).executeTakeFirst(),
  );
