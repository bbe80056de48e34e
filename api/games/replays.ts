/** The link under "watch this round again": for the player who played it, and for staff in a dispute. */
import { createRoute, z } from '@hono/zod-openapi';
import { findRoundBrand, replayRound } from '#activities/games/commands/replay.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';

const roundParam = z.object({ integration: z.string().min(1).max(40), round: z.string().min(1).max(255) });
const replayOutput = z.strictObject({ url: z.url() }).openapi('RoundReplay');

const answers = {
  200: {
    description: 'Address of the replay',
    content: { 'application/json': { schema: replayOutput } },
  },
  ...problemResponses(
    'invalid-request',
    'not-authenticated',
    'forbidden',
    'not-found',
    'provider-refused',
    'provider-lacks-feature',
    'dependency-unavailable',
  ),
} as const;

const noRound = () => new FailureError(fail('not-found', 'There is no such round.').failure);

export function mountReplays(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/rounds/{integration}/{round}/replay',
      operationId: 'replayMyRound',
      tags: ['games'],
      summary: 'Where a round of the signed-in player can be watched again',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { params: roundParam },
      responses: answers,
    }),
    async (c) => {
      const { integration, round: roundRef } = c.req.valid('param');
      const round = { integration, roundRef, playerId: c.get('player').playerId };
      if ((await findRoundBrand(deps.db, round)) === null) throw noRound();
      return c.json({ url: orThrow(await replayRound(deps.gameProviders, round)) }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/rounds/{integration}/{round}/replay',
      operationId: 'replayRound',
      tags: ['games'],
      summary: 'Where a round of a player can be watched again',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:round:read')] as const,
      request: { params: roundParam, query: z.strictObject({ playerId: z.uuid() }) },
      responses: answers,
    }),
    async (c) => {
      const { integration, round: roundRef } = c.req.valid('param');
      const round = { integration, roundRef, playerId: c.req.valid('query').playerId };
      const brand = await findRoundBrand(deps.db, round);
      if (brand === null) throw noRound();
      requireBrand(c.get('operator'), brand);
      return c.json({ url: orThrow(await replayRound(deps.gameProviders, round)) }, 200);
    },
  );
}
