/** Awards: operators grant them, players see them and may give them up. */
import { createRoute, z } from '@hono/zod-openapi';
import { grantAward } from '#activities/bonus/commands/grant-award.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import { awardForfeited, bonusAwardStart } from '#workflows/bonus-award.contract.ts';
import type { bonusAward } from '#workflows/bonus-award.ts';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Api } from './app.ts';
import { maySee, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from './idempotency.ts';
import { requirePlayer } from './pam-guard.ts';
import { problemResponses } from './problem.ts';
import { idParam, moneyInput, moneyOutput, nullableMoneyOutput, pageOf, timestamp } from './schemas.ts';
import { unlessOver } from './workflow-failures.ts';

const awardInput = z
  .strictObject({
    playerId: z.uuid(),
    money: moneyInput,
    wageringTimes: z.int().min(1).max(100).openapi({ description: 'How often the amount must be staked.' }),
    betMax: moneyInput.optional().openapi({ description: 'Largest stake while wagering.' }),
    days: z.int().min(1).max(90),
    reason: z.string().min(10).max(500),
  })
  .openapi('AwardGrant');

const awardSchema = z
  .strictObject({
    id: z.uuid(),
    money: moneyOutput,
    wagering: moneyOutput,
    wageringLeft: nullableMoneyOutput,
    state: z.enum(['active', 'converted', 'forfeited']),
    grantedAt: timestamp,
    expiresAt: timestamp,
  })
  .openapi('Award');

export function mountBonus(api: Api, deps: ApiDeps): void {
  mountGrant(api, deps);
  mountPlayersAwards(api, deps);
}

function mountGrant(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/awards',
      operationId: 'grantAward',
      tags: ['bonus'],
      summary: 'Grant bonus money under wagering',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'bonus:award:grant')] as const,
      request: {
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: awardInput } } },
      },
      responses: {
        201: {
          description: 'Granted, or granted before with this key',
          content: {
            'application/json': {
              schema: z.strictObject({ id: z.uuid(), expiresAt: timestamp }).openapi('GrantedAward'),
            },
          },
        },
        ...problemResponses(
          'invalid-request',
          'unknown-asset',
          'amount-not-positive',
          'amount-too-precise',
          'amount-too-large',
          'not-authenticated',
          'forbidden',
          'not-found',
          'award-active',
          'self-excluded',
          'player-blocked',
          'idempotency-key-reused',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const body = c.req.valid('json');
      const operator = c.get('operator');
      const amount = orThrow(parsePayable(body.money));
      const betMax = body.betMax ? orThrow(parsePayable(body.betMax)) : null;
      const wallet = await deps.db
        .selectFrom('wallet.playerWallet')
        .select('brand')
        .where('playerId', '=', body.playerId)
        .where('asset', '=', body.money.asset)
        .executeTakeFirst();
      if (!wallet || !maySee(operator, wallet.brand))
        throw new FailureError(
          fail('not-found', 'There is no such player with a wallet in this asset.').failure,
        );
      const { 'idempotency-key': key } = c.req.valid('header');
      const granted = orThrow(
        await grantAward(deps.db, {
          awardId: idFromKey('award', operator.operatorId, key),
          playerId: body.playerId,
          brand: wallet.brand,
          asset: body.money.asset,
          amount,
          wageringTimes: body.wageringTimes,
          betMax,
          days: body.days,
          operatorId: operator.operatorId,
          reason: body.reason,
          fingerprint: requestFingerprint(body),
        }),
      );
      return c.json({ id: granted.awardId, expiresAt: granted.expiresAt.toISOString() }, 201);
    },
  );
}

function mountPlayersAwards(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/awards',
      operationId: 'listMyAwards',
      tags: ['bonus'],
      summary: 'The signed-in player’s awards, newest first',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        200: {
          description: 'Awards',
          content: { 'application/json': { schema: pageOf(awardSchema, 'AwardPage') } },
        },
        ...problemResponses('not-authenticated', 'session-expired', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const rows = await deps.db
        .selectFrom('bonus.award as a')
        .leftJoin('wallet.playerWallet as w', (join) =>
          join.onRef('w.playerId', '=', 'a.playerId').onRef('w.awardId', '=', 'a.id'),
        )
        .selectAll('a')
        .select('w.awardWageringLeft')
        .where('a.playerId', '=', c.get('player').playerId)
        .orderBy('a.grantedAt', 'desc')
        .limit(200)
        .execute();
      const items = rows.map((row) => ({
        id: row.id,
        money: toMoneyText(BigInt(row.amount), row.asset),
        wagering: toMoneyText(BigInt(row.wagering), row.asset),
        wageringLeft:
          row.awardWageringLeft === null ? null : toMoneyText(BigInt(row.awardWageringLeft), row.asset),
        state: row.state as 'active' | 'converted' | 'forfeited',
        grantedAt: row.grantedAt.toISOString(),
        expiresAt: row.expiresAt.toISOString(),
      }));
      return c.json({ items, next: null }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/awards/{id}/forfeit',
      operationId: 'forfeitAward',
      tags: ['bonus'],
      summary: 'Give an active award up; its remaining bonus money is taken back',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { params: idParam, headers: idempotencyHeader },
      responses: {
        202: { description: 'The award is being forfeited' },
        ...problemResponses('not-authenticated', 'not-found', 'award-not-active', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const readState = () =>
        deps.db
          .selectFrom('bonus.award')
          .select('state')
          .where('id', '=', id)
          .where('playerId', '=', c.get('player').playerId)
          .executeTakeFirst();
      const award = await readState();
      if (!award) throw new FailureError(fail('not-found', 'There is no such award.').failure);
      if (award.state !== 'active')
        throw new FailureError(fail('award-not-active', 'The award has ended.').failure);
      const client = await deps.temporal();
      const { playerId, brand } = c.get('player');
      const { typedSearchAttributes, ...start } = bonusAwardStart({ awardId: id, playerId, brand });
      // Started where the relay has not yet done so.
      const isTold = await unlessOver(() =>
        client.workflow.signalWithStart<typeof bonusAward, [{ reason: string }]>('bonusAward', {
          ...start,
          typedSearchAttributes: new TypedSearchAttributes(typedSearchAttributes),
          signal: awardForfeited,
          signalArgs: [{ reason: 'given up by the player' }],
        }),
      );
      if (isTold) return c.body(null, 202);
      const isOver = (await readState())?.state !== 'active';
      throw new FailureError(
        isOver
          ? fail('award-not-active', 'The award has ended.').failure
          : fail('dependency-unavailable', 'Nobody follows this award right now; support can see it.')
              .failure,
      );
    },
  );
}
