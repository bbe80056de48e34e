/** All routes of games: lobby, launch and integrations from their files, and rounds for the back office. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { answerOf, takeKey } from '#activities/compliance/commands/keyed-acts.ts';
import { tellAskedAgain } from '#activities/games/commands/tell-asked-again.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { formatDecimal } from '#domain/money.ts';
import { assets } from '#domain/assets.ts';
import { openRoundVoidStates } from '#domain/games/round-voids.ts';
import { roundWorkflowId } from '#workflows/round.contract.ts';
import type { Api } from './app.ts';
import { brandScope, maySee, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { mountBook } from './games/book.ts';
import { mountCampaigns } from './games/campaigns.ts';
import { mountCatalogueImports } from './games/catalogue-imports.ts';
import { mountCatalogue } from './games/catalogue.ts';
import { mountCredentials } from './games/credentials.ts';
import { mountFreeRounds } from './games/free-rounds-orders.ts';
import { mountIntegrationProposals } from './games/integration-proposals.ts';
import { mountIntegrations } from './games/integrations.ts';
import { mountLaunch } from './games/launch.ts';
import { mountLobby } from './games/lobby.ts';
import { mountPlayRules } from './games/play-rules.ts';
import { mountReplays } from './games/replays.ts';
import { mountRoundVoids } from './games/round-voids.ts';
import { sendResolution } from './games/send-resolution.ts';
import { fromPosition, positionLengthMax, toPosition } from './page-position.ts';
import { actKeyOf, idempotencyHeader } from './idempotency.ts';
import { problemResponses } from './problem.ts';
import { moneyOutput, pageOf, pageQuery, timestamp } from './schemas.ts';

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
  mountLobby(api, deps);
  mountLaunch(api, deps);
  mountReplays(api, deps);
  mountIntegrations(api, deps);
  mountIntegrationProposals(api, deps);
  mountCredentials(api, deps);
  mountCatalogue(api, deps);
  mountCatalogueImports(api, deps);
  mountFreeRounds(api, deps);
  mountCampaigns(api, deps);
  mountRounds(api, deps);
  mountRoundVoids(api, deps);
  mountPlayRules(api, deps);
  mountBook(api, deps);
}

/** Player, integration and round: a provider's name for a round is its own, and a live round has many players. */
const roundKey = z.tuple([z.uuid(), z.string(), z.string()]);

const roundQuery = pageQuery.extend({
  after: z.string().max(positionLengthMax).optional(),
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
      summary: 'Rounds, by integration and name',
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
      const position = after === undefined ? null : fromPosition(roundKey, after);
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
        .$if(position !== null, (qb) =>
          qb.where(
            sql<boolean>`(r.player_id, r.integration, r.round_ref) > (${position?.[0]}::uuid, ${position?.[1]}, ${position?.[2]})`,
          ),
        )
        .orderBy('r.playerId')
        .orderBy('r.integration')
        .orderBy('r.roundRef')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(toApiRound);
      const last = rows.length > limit ? items.at(-1) : undefined;
      const next = last ? toPosition([last.playerId, last.integration, last.round]) : null;
      return c.json({ items, next }, 200);
    },
  );

  const resolutionInput = z
    .strictObject({
      playerId: z.uuid(),
      outcome: z
        .enum(['ask-again'], {
          error: 'must be ask-again; a void takes two people: POST …/void-proposals of the round',
        })
        .openapi({ description: 'A void takes two people, see `proposeRoundVoid`.' }),
      reason: z.string().min(10).max(500),
    })
    .openapi('RoundResolution');

  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rounds/{integration}/{round}/resolutions',
      operationId: 'resolveRound',
      tags: ['games'],
      summary: 'Have the provider of a round asked again that it could not explain',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:round:resolve')] as const,
      request: {
        params: z.object({ integration: z.string().min(1).max(40), round: z.string().min(1).max(255) }),
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: resolutionInput } } },
      },
      responses: {
        200: {
          description: 'Decided; a repeat with the same key answers with what the first call was told',
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
          'round-void-pending',
          'idempotency-key-reused',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { integration, round: roundRef } = c.req.valid('param');
      const input = c.req.valid('json');
      const { playerId, outcome } = input;
      const operator = c.get('operator');
      const row = await deps.db
        .selectFrom('games.round as r')
        .innerJoin('wallet.playerWallet as w', (join) =>
          join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
        )
        .select(['w.brand', 'r.openings', 'r.version'])
        .where('r.integration', '=', integration)
        .where('r.roundRef', '=', roundRef)
        .where('r.playerId', '=', playerId)
        .executeTakeFirst();
      if (!row || !maySee(operator, row.brand))
        throw new FailureError(fail('not-found', 'There is no such round.').failure);
      const said = { integration, roundRef, ...input };
      const key = actKeyOf(
        'round-resolution',
        operator.operatorId,
        c.req.valid('header')['idempotency-key'],
        said,
      );
      // A round that was opened again since is another one to decide about, not this one once more.
      const { about } = orThrow(await takeKey(deps.db, key, String(row.openings)));
      const known = await answerOf(deps.db, key);
      if (known !== null) return c.json({ stage: known }, 200);
      const open = await deps.db
        .selectFrom('games.roundVoidProposal')
        .select('id')
        .where('integration', '=', integration)
        .where('roundRef', '=', roundRef)
        .where('playerId', '=', playerId)
        .where('state', 'in', [...openRoundVoidStates])
        // One whose round has moved since voids nothing, and keeps nobody waiting.
        .where('roundVersion', '=', row.version)
        .executeTakeFirst();
      if (open !== undefined)
        throw new FailureError(
          fail('round-void-pending', 'A proposal to void this round waits: it is rejected first.').failure,
        );
      const workflowId = roundWorkflowId({ integration, roundRef, playerId, opening: Number(about) });
      const decision = { operatorId: operator.operatorId, outcome };
      const { stage } = await sendResolution(deps, workflowId, key.id, decision);
      const { operatorId } = operator;
      const { brand } = row;
      const { reason } = input;
      await tellAskedAgain(deps.db, key, {
        integration,
        roundRef,
        playerId,
        brand,
        operatorId,
        reason,
        stage,
      });
      return c.json({ stage }, 200);
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
  openings: number;
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
    workflowId: row.guardedAt ? roundWorkflowId({ ...row, opening: row.openings }) : null,
  };
}
