/** The audit trail: who did what to whom, newest first. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Api } from '../app.ts';
import { brandScope, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';

const entry = z
  .strictObject({
    id: z.string(),
    eventId: z.uuid(),
    occurredAt: timestamp,
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    brand: z.string(),
    playerId: z.uuid().nullable(),
    reason: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  })
  .openapi('AuditEntry');

/** PostgreSQL keeps no NUL in text. */
const plainText = z
  .string()
  .max(200)
  .regex(/^[\x20-\x7e]*$/);

const query = pageQuery.extend({
  subject: plainText.optional().openapi({ example: 'player:00000000-0000-4000-8000-000000000000' }),
  playerId: z.uuid().optional(),
  actor: plainText.optional(),
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
});

export function mountAudit(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/audit',
      operationId: 'listAudit',
      tags: ['backoffice'],
      summary: 'The audit trail',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'compliance:audit:read')] as const,
      request: { query },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(entry, 'AuditPage') } },
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
      const { limit, after, subject, playerId, actor } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('compliance.audit')
        .select([
          'id',
          'eventId',
          'occurredAt',
          'actor',
          'action',
          'subject',
          'brand',
          'playerId',
          'reason',
          'details',
        ])
        .$if(brands !== null, (q) => q.where('brand', 'in', brands?.length ? [...brands] : ['']))
        .$if(subject !== undefined, (q) => q.where('subject', '=', subject ?? ''))
        .$if(playerId !== undefined, (q) => q.where('playerId', '=', playerId ?? ''))
        .$if(actor !== undefined, (q) => q.where('actor', '=', actor ?? ''))
        .$if(after !== undefined, (q) => q.where('id', '<', BigInt(after ?? 0)))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({
        ...row,
        id: String(row.id),
        occurredAt: row.occurredAt.toISOString(),
        details: detailsOf(row.details),
      }));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );
}

/** Details are written from event payloads, which are objects. */
function detailsOf(details: unknown): Record<string, unknown> {
  return details !== null && typeof details === 'object' ? { ...details } : {};
}
