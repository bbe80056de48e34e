/** Limits, time-outs and self-exclusions: the player protects himself here even while Temporal is away. */
import { createRoute, z } from '@hono/zod-openapi';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { listExclusions } from '#activities/responsible-gambling/commands/exclusions.ts';
import {
  cancelLimitChange,
  confirmLimitChange,
} from '#activities/responsible-gambling/commands/limit-changes.ts';
import { setLimit } from '#activities/responsible-gambling/commands/set-limit.ts';
import { assetOf, parsePayable, type Units } from '#domain/money.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { LimitKind } from '#domain/responsible-gambling/limits.ts';
import type { LimitWindow } from '#domain/responsible-gambling/windows.ts';
import type { Api } from './app.ts';
import { requireBrand, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps, PlayerIdentity } from './context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from './idempotency.ts';
import { problemResponses } from './problem.ts';
import { mountExclusions } from './responsible-gambling/exclusions.ts';
import { body, json, playerRoute } from './responsible-gambling/player-route.ts';
import {
  exclusionOutput,
  limitInput,
  limitOutcomeOutput,
  limitRemovalInput,
  limitsOutput,
  readLimits,
  toApiExclusion,
} from './responsible-gambling/schemas.ts';
import { idParam } from './schemas.ts';

const playerLimitsOutput = z
  .strictObject({ ...limitsOutput.shape, exclusions: z.array(exclusionOutput) })
  .openapi('PlayerLimits');

export function mountResponsibleGambling(api: Api, deps: ApiDeps): void {
  mountLimits(api, deps);
  mountLimitChanges(api, deps);
  mountExclusions(api, deps);
  mountAdmin(api, deps);
}

function mountLimits(api: Api, deps: ApiDeps): void {
  const { problems: readProblems, ...read } = playerRoute(
    deps,
    'readLimits',
    'Limits in force, with what is used',
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/limits',
      ...read,
      responses: { 200: json(limitsOutput, 'Limits and pending changes'), ...readProblems },
    }),
    async (c) => c.json(await readLimits(deps.db, c.var.player.playerId), 200),
  );

  const { problems: setProblems, ...set } = playerRoute(
    deps,
    'setLimit',
    'Set or lower a limit at once, or ask for a higher one',
    'amount-not-positive',
    'amount-too-precise',
    'amount-too-large',
    'unknown-asset',
    'unknown-jurisdiction',
    'wallet-not-found',
    'idempotency-key-reused',
    'dependency-unavailable',
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/limits',
      ...set,
      request: { headers: idempotencyHeader, body: body(limitInput) },
      responses: { 200: json(limitOutcomeOutput, 'What holds now and what waits'), ...setProblems },
    }),
    async (c) => {
      const { kind, window, money } = c.req.valid('json');
      const amount = orThrow(parsePayable(money));
      const key = c.req.valid('header')['idempotency-key'];
      return c.json(
        await carryOut(deps, c.var.player, key, { kind, window, asset: money.asset, amount }),
        200,
      );
    },
  );

  const { problems: removeProblems, ...remove } = playerRoute(
    deps,
    'removeLimit',
    'Ask for a limit to be removed after the cooling-off',
    'unknown-asset',
    'unknown-jurisdiction',
    'wallet-not-found',
    'idempotency-key-reused',
    'dependency-unavailable',
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/limits/removals',
      ...remove,
      request: { headers: idempotencyHeader, body: body(limitRemovalInput) },
      responses: { 200: json(limitOutcomeOutput, 'What holds now and what waits'), ...removeProblems },
    }),
    async (c) => {
      const { kind, window, asset } = c.req.valid('json');
      orThrow(assetOf(asset));
      const key = c.req.valid('header')['idempotency-key'];
      return c.json(await carryOut(deps, c.var.player, key, { kind, window, asset, amount: null }), 200);
    },
  );
}

type Wish = { kind: LimitKind; window: LimitWindow; asset: string; amount: Units | null };

async function carryOut(
  deps: ApiDeps,
  player: PlayerIdentity,
  key: string,
  wish: Wish,
): Promise<z.infer<typeof limitOutcomeOutput>> {
  const outcome = orThrow(
    await setLimit(deps.db, {
      ...wish,
      id: idFromKey('limit', player.playerId, key),
      playerId: player.playerId,
      brand: player.brand,
      rules: orThrow(await currentProfile(deps.db, player.jurisdiction)),
      fingerprint: requestFingerprint({ ...wish, amount: wish.amount?.toString() ?? null }),
    }),
  );
  return { outcome: outcome.kind, id: outcome.id, ...(await readLimits(deps.db, player.playerId)) };
}

function mountLimitChanges(api: Api, deps: ApiDeps): void {
  const codes = ['not-found', 'limit-change-not-open', 'dependency-unavailable'] as const;
  const { problems: cancelProblems, ...cancel } = playerRoute(
    deps,
    'cancelLimitChange',
    'Take a pending limit change back',
    ...codes,
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/limit-changes/{id}/cancel',
      ...cancel,
      request: { params: idParam },
      responses: { 200: json(limitsOutput, 'Limits and pending changes'), ...cancelProblems },
    }),
    async (c) => {
      const { playerId } = c.var.player;
      orThrow(await cancelLimitChange(deps.db, { playerId, limitChangeId: c.req.valid('param').id }));
      return c.json(await readLimits(deps.db, playerId), 200);
    },
  );

  const { problems: confirmProblems, ...confirm } = playerRoute(
    deps,
    'confirmLimitChange',
    'Confirm a limit change after its wait, where the jurisdiction asks for that',
    ...codes,
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/limit-changes/{id}/confirm',
      ...confirm,
      request: { params: idParam },
      responses: { 200: json(limitsOutput, 'Limits and pending changes'), ...confirmProblems },
    }),
    async (c) => {
      const { playerId } = c.var.player;
      orThrow(await confirmLimitChange(deps.db, { playerId, limitChangeId: c.req.valid('param').id }));
      return c.json(await readLimits(deps.db, playerId), 200);
    },
  );
}

function mountAdmin(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/players/{id}/limits',
      operationId: 'readPlayerLimits',
      tags: ['responsible-gambling'],
      summary: "A player's limits, pending changes and exclusions",
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'responsible-gambling:limit:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(playerLimitsOutput, 'Limits and exclusions'),
        ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await requirePlayerInScope(deps, c.var.operator, id);
      const exclusions = await listExclusions(deps.db, id);
      return c.json({ ...(await readLimits(deps.db, id)), exclusions: exclusions.map(toApiExclusion) }, 200);
    },
  );
}

async function requirePlayerInScope(
  deps: ApiDeps,
  operator: Parameters<typeof requireBrand>[0],
  playerId: string,
): Promise<void> {
  const player = await deps.db
    .selectFrom('pam.player')
    .select('brand')
    .where('id', '=', playerId)
    .executeTakeFirst();
  requireBrand(operator, player?.brand ?? '');
  if (!player) throw new FailureError(fail('not-found', 'There is no such player.').failure);
}
