/** The lobby, game launch, rounds for the back office, and the wallet calls of providers. */
import { createRoute, z } from '@hono/zod-openapi';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { launchGame } from '#activities/games/commands/launch.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { formatDecimal } from '#domain/money.ts';
import { assets } from '#domain/assets.ts';
import { resolveRound, roundWorkflowId } from '#workflows/round.contract.ts';
import type { Api } from './app.ts';
import { brandScope, requireBrand, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { mountA8rV1 } from './games/a8r-play.ts';
import { mountBook } from './games/book.ts';
import { mountA8rV2 } from './games/a8r-twirp.ts';
import { mountCaleta, mountHub88 } from './games/hub88.ts';
import { requirePlayer } from './pam-guard.ts';
import { problemResponses } from './problem.ts';
import { moneyOutput, pageOf, pageQuery, timestamp } from './schemas.ts';

const gameSchema = z
  .strictObject({ integration: z.string(), code: z.string(), title: z.string(), category: z.string() })
  .openapi('Game');

const launchInput = z
  .strictObject({
    integration: z.string().min(1).max(40).default('studio'),
    game: z.string().min(1).max(255).openapi({ example: 'pbs_dragonvault' }),
    asset: z
      .string()
      .regex(/^[A-Z]{3,10}$/)
      .openapi({ example: 'EUR' }),
    language: z
      .string()
      .regex(/^[a-z]{2}$/)
      .default('en'),
    platform: z.enum(['desktop', 'mobile']).default('desktop'),
    lobbyUrl: z.url({ protocol: /^https?$/ }),
    depositUrl: z.url({ protocol: /^https?$/ }),
  })
  .openapi('GameLaunch');

const launchOutput = z.strictObject({ gameSessionId: z.uuid(), launchUrl: z.url() }).openapi('LaunchedGame');

const roundSchema = z
  .strictObject({
    integration: z.string(),
    round: z.string(),
    playerId: z.uuid(),
    game: z.string(),
    state: z.enum(['open', 'settled', 'void', 'manual']),
    staked: moneyOutput,
    won: moneyOutput,
    openedAt: timestamp,
    guardAt: timestamp,
    closedAt: timestamp.nullable(),
    workflowId: z.string().nullable(),
  })
  .openapi('Round');

export function mountGames(api: Api, deps: ApiDeps): void {
  mountHub88(api, deps);
  mountCaleta(api, deps);
  mountA8rV2(api, deps);
  mountA8rV1(api, deps);
  mountLobby(api, deps);
  mountRounds(api, deps);
  mountBook(api, deps);
}

function mountLobby(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/games',
      operationId: 'listGames',
      tags: ['games'],
      summary: 'The games that can be launched now',
      responses: {
        200: {
          description: 'Games by title',
          content: { 'application/json': { schema: pageOf(gameSchema, 'GamePage') } },
        },
        ...problemResponses('dependency-unavailable'),
      },
    }),
    async (c) => {
      const items = await deps.db
        .selectFrom('games.game as g')
        .innerJoin('games.integration as i', 'i.id', 'g.integration')
        .select(['g.integration', 'g.code', 'g.title', 'g.category'])
        .where('g.enabled', '=', true)
        .where('i.enabled', '=', true)
        .orderBy('g.title')
        .execute();
      return c.json({ items, next: null }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/game-sessions',
      operationId: 'launchGame',
      tags: ['games'],
      summary: 'Launch a game: opens a game session and answers with the address of the running game',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { body: { required: true, content: { 'application/json': { schema: launchInput } } } },
      responses: {
        201: { description: 'Launched', content: { 'application/json': { schema: launchOutput } } },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'email-not-verified',
          'player-blocked',
          'self-excluded',
          'unknown-game',
          'wallet-not-found',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const player = c.get('player');
      const body = c.req.valid('json');
      const facts = await deps.db
        .selectFrom('pam.player')
        .select(['country', 'emailVerifiedAt'])
        .where('id', '=', player.playerId)
        .executeTakeFirstOrThrow();
      if (!facts.emailVerifiedAt)
        throw new FailureError(fail('email-not-verified', 'Verify the e-mail address first.').failure);
      const launched = orThrow(
        await launchGame(deps, {
          playerId: player.playerId,
          playerSessionId: player.sessionId,
          brand: player.brand,
          integration: body.integration,
          game: body.game,
          asset: body.asset,
          country: facts.country,
          language: body.language,
          platform: body.platform === 'desktop' ? 'GPL_DESKTOP' : 'GPL_MOBILE',
          lobbyUrl: body.lobbyUrl,
          depositUrl: body.depositUrl,
          ip: c.req.header('x-forwarded-for')?.split(',')[0]?.trim() ?? '127.0.0.1',
        }),
      );
      return c.json({ gameSessionId: launched.gameSessionId, launchUrl: launched.launchUrl }, 201);
    },
  );
}

const roundQuery = pageQuery.extend({
  state: z.enum(['open', 'settled', 'void', 'manual']).optional(),
  playerId: z.uuid().optional(),
});

function mountRounds(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/rounds',
      operationId: 'listRounds',
      tags: ['games'],
      summary: 'Rounds, oldest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:round:read')] as const,
      request: { query: roundQuery },
      responses: {
        200: {
          description: 'Rounds',
          content: { 'application/json': { schema: pageOf(roundSchema, 'RoundPage') } },
        },
        ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { limit, after, state, playerId } = c.req.valid('query');
      const scope = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('games.round as r')
        .innerJoin('wallet.playerWallet as w', (join) =>
          join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
        )
        .selectAll('r')
        .select('w.brand')
        .$if(state !== undefined, (qb) => qb.where('r.state', '=', state ?? ''))
        .$if(playerId !== undefined, (qb) => qb.where('r.playerId', '=', playerId ?? ''))
        .$if(scope !== null, (qb) => qb.where('w.brand', 'in', [...(scope ?? [])]))
        .$if(after !== undefined, (qb) => qb.where('r.roundRef', '>', after ?? ''))
        .orderBy('r.roundRef')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(toApiRound);
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.round ?? null) : null }, 200);
    },
  );

  const resolutionInput = z
    .strictObject({
      playerId: z.uuid(),
      outcome: z.enum(['void', 'ask-again']),
      reason: z.string().min(10).max(500),
    })
    .openapi('RoundResolution');

  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rounds/{integration}/{round}/resolutions',
      operationId: 'resolveRound',
      tags: ['games'],
      summary: 'Decide a round that its provider could not explain',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:round:resolve')] as const,
      request: {
        params: z.object({ integration: z.string().min(1).max(40), round: z.string().min(1).max(255) }),
        body: { required: true, content: { 'application/json': { schema: resolutionInput } } },
      },
      responses: {
        200: {
          description: 'Decided',
          content: {
            'application/json': { schema: z.strictObject({ stage: z.string() }).openapi('RoundStage') },
          },
        },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'forbidden',
          'not-found',
          'already-decided',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { integration, round: roundRef } = c.req.valid('param');
      const { playerId, outcome } = c.req.valid('json');
      const row = await deps.db
        .selectFrom('games.round as r')
        .innerJoin('wallet.playerWallet as w', (join) =>
          join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
        )
        .select(['w.brand', 'r.state'])
        .where('r.integration', '=', integration)
        .where('r.roundRef', '=', roundRef)
        .where('r.playerId', '=', playerId)
        .executeTakeFirst();
      if (!row) throw new FailureError(fail('not-found', 'There is no such round.').failure);
      requireBrand(c.get('operator'), row.brand);
      const client = await deps.temporal();
      const handle = client.workflow.getHandle(roundWorkflowId({ integration, roundRef, playerId }));
      try {
        const view = await handle.executeUpdate(resolveRound, {
          args: [{ operatorId: c.get('operator').operatorId, outcome }],
        });
        return c.json({ stage: view.stage }, 200);
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError || row.state !== 'manual') {
          throw new FailureError(fail('already-decided', 'The round does not wait for a person.').failure);
        }
        throw error;
      }
    },
  );
}

type RoundRow = {
  integration: string;
  roundRef: string;
  playerId: string;
  asset: string;
  gameCode: string;
  state: string;
  staked: string;
  won: string;
  openedAt: Date;
  guardAt: Date;
  closedAt: Date | null;
  guardedAt: Date | null;
};

function toApiRound(row: RoundRow): z.infer<typeof roundSchema> {
  const scale = assets.get(row.asset)?.ledgerScale ?? 12;
  const money = (units: string) => ({ amount: formatDecimal(BigInt(units), scale, 2), asset: row.asset });
  return {
    integration: row.integration,
    round: row.roundRef,
    playerId: row.playerId,
    game: row.gameCode,
    state: row.state as 'open' | 'settled' | 'void' | 'manual',
    staked: money(row.staked),
    won: money(row.won),
    openedAt: row.openedAt.toISOString(),
    guardAt: row.guardAt.toISOString(),
    closedAt: row.closedAt?.toISOString() ?? null,
    workflowId: row.guardedAt ? roundWorkflowId(row) : null,
  };
}
