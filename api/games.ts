/** All routes of games: lobby, launch and integrations from their files, and rounds for the back office. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { fail, FailureError } from '#domain/failures.ts';
import { formatDecimal } from '#domain/money.ts';
import { assets } from '#domain/assets.ts';
import { resolveRound, roundWorkflowId } from '#workflows/round.contract.ts';
import type { Api } from './app.ts';
import { brandScope, requireBrand, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { mountBook } from './games/book.ts';
import { mountCampaigns } from './games/campaigns.ts';
import { mountCatalogueImports } from './games/catalogue-imports.ts';
import { mountCatalogue } from './games/catalogue.ts';
import { mountCredentials } from './games/credentials.ts';
import { mountFreeRounds } from './games/free-rounds-orders.ts';
import { mountIntegrations } from './games/integrations.ts';
import { mountLaunch } from './games/launch.ts';
import { mountLobby } from './games/lobby.ts';
import { mountPlayRules } from './games/play-rules.ts';
import { mountReplays } from './games/replays.ts';
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
  mountCredentials(api, deps);
  mountCatalogue(api, deps);
  mountCatalogueImports(api, deps);
  mountFreeRounds(api, deps);
  mountCampaigns(api, deps);
  mountRounds(api, deps);
  mountPlayRules(api, deps);
  mountBook(api, deps);
}

const roundQuery = pageQuery.extend({
  state: z.enum(['open', 'settled', 'void', 'manual']).optional(),
  playerId: z.uuid().optional(),
  after: z.string().max(2_000).optional(),
});

/** A live game's round is shared by its players, and integrations name rounds alike: only the three together are one. */
const place = z.tuple([z.string(), z.string(), z.uuid()]);

const toPlace = (row: { integration: string; round: string; playerId: string }): string =>
  Buffer.from(JSON.stringify([row.integration, row.round, row.playerId])).toString('base64url');

function fromPlace(text: string): z.infer<typeof place> {
  try {
    const found = place.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    if (found.every((part) => !part.includes('\0') && part.isWellFormed())) return found;
  } catch {
    // Falls through: nobody but this route makes places.
  }
  throw new FailureError(fail('invalid-request', 'The position was not given out by this list.').failure);
}

function mountRounds(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/rounds',
      operationId: 'listRounds',
      tags: ['games'],
      summary: 'Rounds, by integration, round and player',
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
      const from = after === undefined ? null : fromPlace(after);
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
        .$if(from !== null, (qb) =>
          qb.where(
            sql<boolean>`(r.integration, r.round_ref, r.player_id) > (${from?.[0]}, ${from?.[1]}, ${from?.[2]}::uuid)`,
          ),
        )
        .orderBy('r.integration')
        .orderBy('r.roundRef')
        .orderBy('r.playerId')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(toApiRound);
      const last = items.at(-1);
      return c.json({ items, next: rows.length > limit && last ? toPlace(last) : null }, 200);
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
      const { playerId, outcome, reason } = c.req.valid('json');
      const row = await deps.db
        .selectFrom('games.round as r')
        .innerJoin('wallet.playerWallet as w', (join) =>
          join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
        )
        .select(['w.brand', 'r.state', 'r.openings'])
        .where('r.integration', '=', integration)
        .where('r.roundRef', '=', roundRef)
        .where('r.playerId', '=', playerId)
        .executeTakeFirst();
      if (!row) throw new FailureError(fail('not-found', 'There is no such round.').failure);
      requireBrand(c.get('operator'), row.brand);
      const client = await deps.temporal();
      const { openings: opening } = row;
      const handle = client.workflow.getHandle(roundWorkflowId({ integration, roundRef, playerId, opening }));
      try {
        const view = await handle.executeUpdate(resolveRound, {
          args: [{ operatorId: c.get('operator').operatorId, outcome, reason }],
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
