/** Catalogues in the back office: all games of an integration, and what the operator decides about one. */
import { createRoute, z } from '@hono/zod-openapi';
import { changeGame } from '#activities/games/commands/change-game.ts';
import { orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';
import { guardedAnswers, integrationId, integrationParam, reasonText } from './integration-schemas.ts';
import { visibleIntegration } from './integrations.ts';

const gameSchema = z
  .strictObject({
    code: z.string(),
    title: z.string(),
    category: z.string(),
    provider: z.string().nullable(),
    producer: z.string().nullable(),
    live: z.boolean(),
    listed: z.boolean().openapi({ description: 'Whether the provider offers it.' }),
    enabled: z.boolean().openapi({ description: 'Whether the operator does.' }),
    wageringContributionBps: z.int(),
    guardMs: z.int(),
    releasedAt: timestamp.nullable(),
    recalledAt: timestamp.nullable(),
    blockedCountries: z.array(z.string()),
  })
  .openapi('CatalogueGame');

const gameChange = z
  .strictObject({
    enabled: z.boolean().optional(),
    wageringContributionBps: z.int().min(0).max(10_000).optional(),
    guardMs: z.int().min(1_000).max(172_800_000).optional(),
    reason: reasonText,
  })
  .openapi('GameChange');

export function mountCatalogue(api: Api, deps: ApiDeps): void {
  mountGameList(api, deps);
  mountGameChange(api, deps);
}

function mountGameList(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/games',
      operationId: 'listCatalogue',
      tags: ['games'],
      summary: 'All games of an integration by code, also those that are not offered',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:game:read')] as const,
      request: {
        params: integrationParam,
        query: pageQuery.extend({ after: z.string().max(255).optional() }),
      },
      responses: {
        200: {
          description: 'Games',
          content: { 'application/json': { schema: pageOf(gameSchema, 'CatalogueGamePage') } },
        },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { limit, after } = c.req.valid('query');
      await visibleIntegration(deps, c.get('operator'), id);
      const rows = await deps.db
        .selectFrom('games.game')
        .select([
          'code',
          'title',
          'category',
          'provider',
          'producer',
          'live',
          'listed',
          'enabled',
          'wageringContributionBps',
          'guardMs',
          'releasedAt',
          'recalledAt',
          'blockedCountries',
        ])
        .where('integration', '=', id)
        .$if(after !== undefined, (q) => q.where('code', '>', after ?? ''))
        .orderBy('code')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({
        ...row,
        releasedAt: row.releasedAt?.toISOString() ?? null,
        recalledAt: row.recalledAt?.toISOString() ?? null,
      }));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.code ?? null) : null }, 200);
    },
  );
}

function mountGameChange(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'patch',
      path: '/admin/v1/integrations/{id}/games/{game}',
      operationId: 'changeGame',
      tags: ['games'],
      summary:
        'Decide whether a game is offered, what it counts toward wagering, and when its rounds are guarded',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:game:change')] as const,
      request: {
        params: z.object({ id: integrationId, game: z.string().min(1).max(255) }),
        body: { required: true, content: { 'application/json': { schema: gameChange } } },
      },
      responses: {
        204: { description: 'Decided; doors follow within seconds' },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id: integration, game } = c.req.valid('param');
      const { reason, ...changes } = c.req.valid('json');
      const operator = c.get('operator');
      await visibleIntegration(deps, operator, integration);
      const { operatorId } = operator;
      orThrow(await changeGame(deps.db, { integration, game, changes, operatorId, reason }));
      return c.body(null, 204);
    },
  );
}
