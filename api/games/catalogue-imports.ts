/** Imports of a provider's catalogue in the back office: ordered, and what each has changed. */
import { createRoute, z } from '@hono/zod-openapi';
import { requestImport } from '#activities/games/commands/request-import.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { catalogueImportWorkflowId } from '#workflows/catalogue-import.contract.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';
import { guardedAnswers, integrationParam, reasonText } from './integration-schemas.ts';
import { visibleIntegration } from './integrations.ts';

const codes = z.array(z.string());
const importSchema = z
  .strictObject({
    id: z.uuid(),
    state: z.enum(['requested', 'done', 'refused', 'failed']),
    requestedBy: z.string(),
    requestedAt: timestamp,
    endedAt: timestamp.nullable(),
    listedCount: z.int(),
    unreadableCount: z.int(),
    addedCount: z.int(),
    changedCount: z.int(),
    withdrawnCount: z.int(),
    returnedCount: z.int(),
    diff: z
      .strictObject({ added: codes, changed: codes, withdrawn: codes, returned: codes })
      .openapi({ description: 'Codes of the games concerned, the first thousand of each kind.' }),
    failure: z.string().nullable(),
    workflowId: z.string(),
  })
  .openapi('CatalogueImport');

const importOrder = z
  .strictObject({
    mayWithdrawMost: z
      .boolean()
      .default(false)
      .openapi({ description: 'Believe a list that withdraws more than half of the catalogue.' }),
    reason: reasonText,
  })
  .openapi('CatalogueImportOrder');

export function mountCatalogueImports(api: Api, deps: ApiDeps): void {
  mountImportOrder(api, deps);
  mountImportList(api, deps);
}

function mountImportOrder(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/integrations/{id}/catalogue-imports',
      operationId: 'importCatalogue',
      tags: ['games'],
      summary:
        'Read the provider’s catalogue; answers with the import that runs, which may be an earlier one',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:game:change')] as const,
      request: {
        params: integrationParam,
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: importOrder } } },
      },
      responses: {
        202: {
          description: 'It runs, or has run',
          content: {
            'application/json': {
              schema: z.strictObject({ id: z.uuid() }).openapi('RequestedCatalogueImport'),
            },
          },
        },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id: integration } = c.req.valid('param');
      const { mayWithdrawMost, reason } = c.req.valid('json');
      const operator = c.get('operator');
      await visibleIntegration(deps, operator, integration);
      const key = c.req.valid('header')['idempotency-key'];
      const requested = orThrow(
        await requestImport(deps.db, {
          importId: idFromKey(`catalogue-import:${integration}`, operator.operatorId, key),
          integration,
          mayWithdrawMost,
          actor: { kind: 'operator', id: operator.operatorId },
          reason,
        }),
      );
      return c.json({ id: requested.importId }, 202);
    },
  );
}

function mountImportList(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/catalogue-imports',
      operationId: 'listCatalogueImports',
      tags: ['games'],
      summary: 'Imports and what they changed, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:game:read')] as const,
      request: { params: integrationParam, query: pageQuery.extend({ after: z.uuid().optional() }) },
      responses: {
        200: {
          description: 'Imports',
          content: { 'application/json': { schema: pageOf(importSchema, 'CatalogueImportPage') } },
        },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id: integration } = c.req.valid('param');
      const { limit, after } = c.req.valid('query');
      await visibleIntegration(deps, c.get('operator'), integration);
      const position = after === undefined ? null : await positionOf(deps, integration, after);
      const rows = await deps.db
        .selectFrom('games.catalogueImport')
        .selectAll()
        .where('integration', '=', integration)
        .$if(position !== null, (q) => q.where('requestedAt', '<', position ?? new Date(0)))
        .orderBy('requestedAt', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(toApiImport);
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );
}

async function positionOf({ db }: ApiDeps, integration: string, id: string): Promise<Date> {
  const row = await db
    .selectFrom('games.catalogueImport')
    .select('requestedAt')
    .where('integration', '=', integration)
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('invalid-request', 'There is no import at this position.').failure);
  return row.requestedAt;
}

const diffForm = z.object({
  added: codes.default([]),
  changed: codes.default([]),
  withdrawn: codes.default([]),
  returned: codes.default([]),
});

function toApiImport(row: {
  id: string;
  state: string;
  requestedBy: string;
  requestedAt: Date;
  endedAt: Date | null;
  listedCount: number;
  unreadableCount: number;
  addedCount: number;
  changedCount: number;
  withdrawnCount: number;
  returnedCount: number;
  diff: unknown;
  failure: string | null;
}): z.infer<typeof importSchema> {
  return {
    id: row.id,
    state: row.state as z.infer<typeof importSchema>['state'],
    requestedBy: row.requestedBy,
    requestedAt: row.requestedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    listedCount: row.listedCount,
    unreadableCount: row.unreadableCount,
    addedCount: row.addedCount,
    changedCount: row.changedCount,
    withdrawnCount: row.withdrawnCount,
    returnedCount: row.returnedCount,
    diff: diffForm.parse(row.diff),
    failure: row.failure,
    workflowId: catalogueImportWorkflowId(row.id),
  };
}
