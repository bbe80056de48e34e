/** Time-outs and self-exclusions, begun at once and never shortened. */
import { createRoute, z } from '@hono/zod-openapi';
import { currentProfile } from '#activities/compliance/profiles.ts';
import {
  listExclusions,
  requestExclusion,
  requestReinstatement,
} from '#activities/responsible-gambling/commands/exclusions.ts';
import { orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { body, json, playerRoute } from './player-route.ts';
import { exclusionInput, exclusionOutput, toApiExclusion } from './schemas.ts';

const exclusionsOutput = z.strictObject({ items: z.array(exclusionOutput) }).openapi('Exclusions');

export function mountExclusions(api: Api, deps: ApiDeps): void {
  const { problems: readProblems, ...read } = playerRoute(
    deps,
    'readExclusions',
    'Time-outs and self-exclusions',
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/exclusions',
      ...read,
      responses: { 200: json(exclusionsOutput, 'Newest first'), ...readProblems },
    }),
    async (c) => {
      const rows = await listExclusions(deps.db, c.var.player.playerId);
      return c.json({ items: rows.map(toApiExclusion) }, 200);
    },
  );

  const { problems: excludeProblems, ...exclude } = playerRoute(
    deps,
    'requestExclusion',
    'Take a time-out or exclude oneself, at once; a longer one extends, a shorter one changes nothing',
    'unknown-jurisdiction',
    'idempotency-key-reused',
    'dependency-unavailable',
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/exclusions',
      ...exclude,
      request: { headers: idempotencyHeader, body: body(exclusionInput) },
      responses: { 200: json(exclusionOutput, 'The exclusion in force'), ...excludeProblems },
    }),
    async (c) => {
      const { playerId, brand, jurisdiction } = c.var.player;
      const wish = c.req.valid('json');
      const exclusion = orThrow(
        await requestExclusion(deps.db, {
          id: idFromKey('exclusion', playerId, c.req.valid('header')['idempotency-key']),
          playerId,
          brand,
          rules: orThrow(await currentProfile(deps.db, jurisdiction)),
          ...wish,
          fingerprint: requestFingerprint(wish),
        }),
      );
      return c.json(toApiExclusion(exclusion), 200);
    },
  );

  const { problems: returnProblems, ...comeBack } = playerRoute(
    deps,
    'requestReinstatement',
    'Ask to return after a self-exclusion whose term is over',
    'not-found',
    'self-excluded',
    'unknown-jurisdiction',
    'dependency-unavailable',
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/exclusions/{number}/reinstatement',
      ...comeBack,
      request: { params: z.object({ number: z.coerce.number().int().min(1).max(1_000_000) }) },
      responses: { 200: json(exclusionOutput, 'The exclusion, with the end of the wait'), ...returnProblems },
    }),
    async (c) => {
      const { playerId, jurisdiction } = c.var.player;
      const rules = orThrow(await currentProfile(deps.db, jurisdiction));
      const { number } = c.req.valid('param');
      return c.json(
        toApiExclusion(orThrow(await requestReinstatement(deps.db, { playerId, number, rules }))),
        200,
      );
    },
  );
}
