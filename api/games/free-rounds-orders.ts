/** Free rounds: ordered and taken back by staff, seen by staff and by the player they are for. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import {
  cancelFreeRounds,
  orderFreeRounds,
  type WinningsTerms,
} from '#activities/games/commands/free-rounds.ts';
import { once } from '#activities/compliance/commands/keyed-acts.ts';
import { fail, FailureError, orThrow, succeed } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import { freeRoundsWorkflowId } from '#workflows/free-rounds.contract.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { idParam, nullableMoneyOutput, pageOf, pageQuery, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { guardedAnswers, integrationId, reasonText } from './integration-schemas.ts';

const states = ['requested', 'issued', 'refused', 'cancelling', 'cancelled', 'ended'] as const;

const order = z
  .strictObject({
    playerId: z.uuid(),
    integration: integrationId,
    games: z.array(z.string().min(1).max(255)).min(1).max(50),
    asset: z
      .string()
      .regex(/^[A-Z]{3,10}$/)
      .openapi({ example: 'EUR' }),
    count: z.int().min(1).max(1_000).openapi({ description: 'Rounds.' }),
    betValue: z
      .string()
      .regex(/^\d{1,12}(\.\d{1,18})?$/)
      .optional()
      .openapi({
        example: '0.20',
        description: 'Stake of one round; left out where the provider’s offer or game fixes it.',
      }),
    days: z.int().min(1).max(365).openapi({ description: 'Validity; at most 28 in the a8r dialects.' }),
    prepaidId: z.string().min(1).max(255).optional().openapi({ description: 'Hub88: the offer to use.' }),
    campaignId: z.string().min(1).max(255).optional(),
    winnings: z
      .strictObject({
        wageringTimes: z
          .int()
          .min(1)
          .max(100)
          .openapi({ description: 'How often the winnings must be staked.' }),
        betMax: z
          .string()
          .regex(/^\d{1,12}(\.\d{1,18})?$/)
          .optional()
          .openapi({
            example: '5.00',
            description: 'Largest stake while wagering, in the asset of the order.',
          }),
        days: z
          .int()
          .min(1)
          .max(90)
          .openapi({ description: 'Life of the bonus money, from the first winnings on.' }),
      })
      .optional()
      .openapi({ description: 'Terms of the bonus money that is won; left out, winnings are real money.' }),
    reason: reasonText,
  })
  .openapi('FreeRoundsOrder');

const shape = {
  id: z.uuid(),
  integration: z.string(),
  games: z.array(z.string()),
  count: z.int().nullable(),
  betValue: nullableMoneyOutput,
  state: z.enum(states),
  orderedAt: timestamp,
  validUntil: timestamp.nullable(),
};
const mine = z.strictObject(shape).openapi('MyFreeRounds');
const detail = z
  .strictObject({
    ...shape,
    playerId: z.uuid(),
    reason: z.string().nullable(),
    failure: z.string().nullable(),
    workflowId: z.string(),
  })
  .openapi('FreeRounds');

export function mountFreeRounds(api: Api, deps: ApiDeps): void {
  mountOrder(api, deps);
  mountCancellation(api, deps);
  mountList(api, deps);
  mountMine(api, deps);
}

function mountOrder(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/free-rounds',
      operationId: 'orderFreeRounds',
      tags: ['games'],
      summary: 'Give a player free rounds; the provider is asked after the answer',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:grant')] as const,
      request: {
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: order } } },
      },
      responses: {
        202: {
          description: 'Ordered, or ordered before with this key',
          content: {
            'application/json': {
              schema: z
                .strictObject({ id: z.uuid(), state: z.string(), validUntil: timestamp })
                .openapi('OrderedFreeRounds'),
            },
          },
        },
        ...problemResponses(
          'invalid-request',
          'unknown-asset',
          'amount-not-positive',
          'amount-too-precise',
          'amount-too-large',
          'not-found',
          'unknown-game',
          'wallet-not-found',
          'self-excluded',
          'player-blocked',
          'idempotency-key-reused',
          ...guardedAnswers,
        ),
      },
    }),
    async (c) => {
      const body = c.req.valid('json');
      const operator = c.get('operator');
      const wallet = await deps.db
        .selectFrom('wallet.playerWallet')
        .select('brand')
        .where('playerId', '=', body.playerId)
        .where('asset', '=', body.asset)
        .executeTakeFirst();
      if (!wallet || !maySee(operator, wallet.brand))
        throw new FailureError(
          fail('wallet-not-found', 'There is no such player with such a wallet.').failure,
        );
      const [first = '', ...others] = body.games;
      const ordered = orThrow(
        await orderFreeRounds(deps.db, {
          ...body,
          id: idFromKey('free-rounds', operator.operatorId, c.req.valid('header')['idempotency-key']),
          brand: wallet.brand,
          games: [first, ...others],
          betValue: body.betValue ?? null,
          prepaidId: body.prepaidId ?? null,
          campaignId: body.campaignId ?? null,
          winnings: winningsOf(body),
          operatorId: operator.operatorId,
          fingerprint: requestFingerprint(body),
        }),
      );
      const { id, state, validUntil } = ordered;
      return c.json({ id, state, validUntil: validUntil.toISOString() }, 202);
    },
  );
}

/** Terms of the winnings in ledger units; null where they are real money. */
function winningsOf({ winnings, asset }: z.infer<typeof order>): WinningsTerms | null {
  if (winnings === undefined) return null;
  const { wageringTimes, betMax, days } = winnings;
  return {
    wageringTimes,
    betMax: betMax === undefined ? null : orThrow(parsePayable({ amount: betMax, asset })),
    days,
  };
}

function mountCancellation(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/free-rounds/{id}/cancellations',
      operationId: 'cancelFreeRounds',
      tags: ['games'],
      summary:
        'Take free rounds back; the provider refuses once the player has claimed them, and the state tells',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:grant')] as const,
      request: {
        params: idParam,
        headers: idempotencyHeader,
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z.strictObject({ reason: reasonText }).openapi('FreeRoundsCancellation'),
            },
          },
        },
      },
      responses: {
        202: {
          description: 'Asked for; a repeat with the same key asks for nothing more',
          content: {
            'application/json': { schema: z.strictObject({ state: z.string() }).openapi('FreeRoundsState') },
          },
        },
        ...problemResponses(
          'invalid-request',
          'not-found',
          'free-rounds-not-cancellable',
          'idempotency-key-reused',
          ...guardedAnswers,
        ),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const operator = c.get('operator');
      const row = await deps.db
        .selectFrom('games.freeRoundIssue')
        .select('brand')
        .where('id', '=', id)
        .executeTakeFirst();
      if (!row || !maySee(operator, row.brand ?? ''))
        throw new FailureError(fail('not-found', 'There are no such free rounds.').failure);
      const { operatorId } = operator;
      const { reason } = c.req.valid('json');
      const header = c.req.valid('header')['idempotency-key'];
      const key = actKeyOf('free-rounds-cancellation', operatorId, header, { id, reason });
      const { state } = await decided(deps.db, (trx) =>
        once(
          trx,
          key,
          () => cancelFreeRounds(trx, { id, actor: { kind: 'operator', id: operatorId }, reason }),
          async () =>
            succeed(
              await trx
                .selectFrom('games.freeRoundIssue')
                .select('state')
                .where('id', '=', id)
                .executeTakeFirstOrThrow(),
            ),
        ),
      );
      return c.json({ state }, 202);
    },
  );
}

const listQuery = pageQuery.extend({
  playerId: z.uuid().optional(),
  state: z.enum(states).optional(),
  integration: integrationId.optional(),
  after: z.uuid().optional(),
});

function mountList(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/free-rounds',
      operationId: 'listFreeRounds',
      tags: ['games'],
      summary: 'Free rounds, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:read')] as const,
      request: { query: listQuery },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(detail, 'FreeRoundsPage') } },
        },
        ...problemResponses('invalid-request', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { limit, after, playerId, state, integration } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('games.freeRoundIssue')
        .selectAll()
        .$if(brands !== null, (q) => q.where('brand', 'in', [...(brands ?? [])]))
        .$if(playerId !== undefined, (q) => q.where('playerId', '=', playerId ?? ''))
        .$if(state !== undefined, (q) => q.where('state', '=', state ?? ''))
        .$if(integration !== undefined, (q) => q.where('integration', '=', integration ?? ''))
        .$if(after !== undefined, (q) =>
          q.where(
            sql<boolean>`(issued_at, id) < (select f.issued_at, f.id from games.free_round_issue f where f.id = ${after})`,
          ),
        )
        .orderBy('issuedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({
        ...toMine(row),
        playerId: row.playerId,
        reason: row.reason,
        failure: row.failure,
        workflowId: freeRoundsWorkflowId(row.id),
      }));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );
}

function mountMine(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/free-rounds',
      operationId: 'listMyFreeRounds',
      tags: ['games'],
      summary: 'Free rounds of the signed-in player that can be played now, the first to end first',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        200: {
          description: 'At most 200',
          content: { 'application/json': { schema: pageOf(mine, 'MyFreeRoundsPage') } },
        },
        ...problemResponses('not-authenticated', 'session-expired', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const rows = await deps.db
        .selectFrom('games.freeRoundIssue')
        .selectAll()
        .where('playerId', '=', c.get('player').playerId)
        .where('state', 'in', ['issued', 'cancelling'])
        .orderBy('validUntil')
        .limit(200)
        .execute();
      return c.json({ items: rows.map(toMine), next: null }, 200);
    },
  );
}

type Row = {
  id: string;
  integration: string;
  gameCode: string;
  gameCodes: string[];
  roundCount: number | null;
  betValue: string | null;
  asset: string;
  state: string;
  issuedAt: Date;
  validUntil: Date | null;
};

const toMine = (row: Row): z.infer<typeof mine> => ({
  id: row.id,
  integration: row.integration,
  games: row.gameCodes.length > 0 ? row.gameCodes : [row.gameCode],
  count: row.roundCount,
  betValue: row.betValue === null ? null : toMoneyText(BigInt(row.betValue), row.asset),
  state: row.state as (typeof states)[number],
  orderedAt: row.issuedAt.toISOString(),
  validUntil: row.validUntil?.toISOString() ?? null,
});
