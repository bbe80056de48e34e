/** Messages to players, as staff see them: what was sent when, never to which address. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import type { Api } from './app.ts';
import { brandScope, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { mountPlayerTiers } from './crm/player-tiers.ts';
import { problemResponses } from './problem.ts';
import { pageOf, pageQuery, timestamp } from './schemas.ts';

const messageState = z.enum(['queued', 'sent', 'failed']);
const message = z
  .strictObject({
    id: z.uuid(),
    playerId: z.uuid(),
    brand: z.string(),
    template: z.string(),
    channel: z.string(),
    state: messageState,
    queuedAt: timestamp,
    sentAt: timestamp.nullable(),
    failure: z.string().nullable(),
  })
  .openapi('Message');

const query = pageQuery.extend({
  playerId: z.uuid().optional(),
  state: messageState.optional(),
  after: z.uuid().optional(),
});

export function mountCrm(api: Api, deps: ApiDeps): void {
  mountPlayerTiers(api, deps);
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/messages',
      operationId: 'listMessages',
      tags: ['crm'],
      summary: 'Messages, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'crm:message:read')] as const,
      request: { query },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(message, 'MessagePage') } },
        },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'session-expired',
          'forbidden',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { limit, after, playerId, state } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('crm.message')
        .select(['id', 'playerId', 'brand', 'template', 'channel', 'state', 'queuedAt', 'sentAt', 'failure'])
        .$if(brands !== null, (q) => q.where('brand', 'in', brands?.length ? [...brands] : ['']))
        .$if(playerId !== undefined, (q) => q.where('playerId', '=', playerId ?? ''))
        .$if(state !== undefined, (q) => q.where('state', '=', state ?? ''))
        .$if(after !== undefined, (q) =>
          q.where(
            sql<boolean>`(queued_at, id) < (select m.queued_at, m.id from crm.message m where m.id = ${after})`,
          ),
        )
        .orderBy('queuedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({
        ...row,
        state: messageState.parse(row.state),
        queuedAt: row.queuedAt.toISOString(),
        sentAt: row.sentAt?.toISOString() ?? null,
      }));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );
}
