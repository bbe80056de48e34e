/** Tables of networks and card numbers in the back office: loaded in parts, checked line by line, put into force by another person. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import {
  activateLookup,
  loadLookupPart,
  lookupKindOf,
  openLookupImport,
  type LookupImportRow,
} from '#activities/payments/commands/lookup-imports.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { lookupKinds } from '#domain/payments/lookup-tables.ts';
import type { Api } from '../app.ts';
import { requireAllBrands, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { calendarDay, idParam, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, json } from './payment-schemas.ts';

const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });

const importInput = z
  .strictObject({
    kind: z.enum(lookupKinds).openapi({
      description:
        '`ip-network`: lines of `network,country`. `bin`: lines of `first,last,issuer,country,type`.',
    }),
    source: z.string().trim().min(3).max(300),
    asOf: calendarDay.openapi({ description: 'The day that the source speaks of.' }),
    reason,
  })
  .openapi('LookupImportInput');

const importOutput = z
  .strictObject({
    importId: z.uuid(),
    kind: z.enum(lookupKinds),
    version: z.int(),
    source: z.string(),
    asOf: z.string(),
    state: z.enum(['loading', 'active', 'retired']),
    parts: z.int(),
    rows: z.int(),
    author: z.string(),
    reason: z.string(),
    createdAt: timestamp,
    activatedBy: z.string().nullable(),
    activatedAt: timestamp.nullable(),
  })
  .openapi('LookupImport');

const path = '/admin/v1/payments/lookup-imports';
const security = [{ operatorSession: [] }];
const refusals = [
  'invalid-request',
  'malformed-json',
  'not-authenticated',
  'forbidden',
  'not-found',
  'dependency-unavailable',
] as const;

async function shown(db: Database, id: string): Promise<z.infer<typeof importOutput>> {
  const [item] = await listed(db, id);
  if (item === undefined) throw new FailureError(fail('not-found', 'There is no such import.').failure);
  return item;
}

async function listed(db: Database, id?: string): Promise<z.infer<typeof importOutput>[]> {
  const rows = await db
    .selectFrom('payments.lookupImport as i')
    .selectAll('i')
    .select([
      sql<string>`as_of::text`.as('day'),
      sql<number>`(select count(*)::integer from payments.lookup_part p where p.import_id = i.id)`.as(
        'parts',
      ),
      sql<number>`(select coalesce(sum(rows), 0)::integer from payments.lookup_part p where p.import_id = i.id)`.as(
        'rows',
      ),
    ])
    .$if(id !== undefined, (query) => query.where('i.id', '=', id ?? ''))
    .orderBy('createdAt', 'desc')
    .orderBy('id')
    .limit(200)
    .execute();
  return rows.map(toApiImport);
}

const toApiImport = (
  row: LookupImportRow & { readonly day: string; readonly parts: number; readonly rows: number },
): z.infer<typeof importOutput> => ({
  importId: row.id,
  kind: lookupKindOf(row.kind),
  version: row.version,
  source: row.source,
  asOf: row.day,
  state: importOutput.shape.state.parse(row.state),
  parts: row.parts,
  rows: row.rows,
  author: row.author,
  reason: row.reason,
  createdAt: row.createdAt.toISOString(),
  activatedBy: row.activatedBy,
  activatedAt: row.activatedAt?.toISOString() ?? null,
});

export function mountLookupImports(api: Api, deps: ApiDeps): void {
  const { db } = deps;
  const mayLoad = requireOperator(deps, 'payments:routing:draft');

  api.openapi(
    createRoute({
      method: 'get',
      path,
      operationId: 'listLookupImports',
      tags: ['payments'],
      summary: 'Imported tables of networks and card numbers, newest first',
      security,
      middleware: [requireOperator(deps, 'payments:routing:read')] as const,
      responses: {
        200: json(z.strictObject({ items: z.array(importOutput) }), 'At most 200'),
        ...problemResponses('not-authenticated', 'forbidden'),
      },
    }),
    async (c) => c.json({ items: await listed(db) }, 200),
  );

  api.openapi(
    createRoute({
      method: 'post',
      path,
      operationId: 'openLookupImport',
      tags: ['payments'],
      summary: 'Begin the next version of a table; its rows follow in parts',
      security,
      middleware: [mayLoad] as const,
      request: { headers: idempotencyHeader, body: body(importInput) },
      responses: {
        200: json(importOutput, 'The import, empty'),
        ...problemResponses(...refusals),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      requireAllBrands(operator);
      const { operatorId } = operator;
      const input = c.req.valid('json');
      const importId = idFromKey('lookup-import', operatorId, c.req.valid('header')['idempotency-key']);
      await decided(db, (trx) =>
        openLookupImport(trx, { ...input, importId, operatorId, fingerprint: requestFingerprint(input) }),
      );
      return c.json(await shown(db, importId), 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'put',
      path: `${path}/{id}/parts/{part}`,
      operationId: 'loadLookupPart',
      tags: ['payments'],
      summary: 'Add one part of at most 2,000 lines; the same part again changes nothing',
      security,
      middleware: [mayLoad] as const,
      request: {
        params: idParam.extend({
          part: z.coerce
            .number()
            .int()
            .min(1)
            .max(10_000)
            .openapi({ param: { name: 'part', in: 'path' } }),
        }),
        body: body(z.strictObject({ csv: z.string().min(1).max(60_000) }).openapi('LookupPart')),
      },
      responses: {
        200: json(importOutput, 'The import with its parts so far'),
        ...problemResponses(...refusals, 'body-too-large', 'lookup-import-not-open'),
      },
    }),
    async (c) => {
      const { id, part } = c.req.valid('param');
      requireAllBrands(c.get('operator'));
      await decided(db, (trx) => loadLookupPart(trx, { ...c.req.valid('json'), importId: id, part }));
      return c.json(await shown(db, id), 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path: `${path}/{id}/activations`,
      operationId: 'activateLookupImport',
      tags: ['payments'],
      summary:
        'Put a table into force instead of the one that is, or back into force; nobody activates his own',
      security,
      middleware: [requireOperator(deps, 'payments:routing:publish')] as const,
      request: {
        params: idParam,
        body: body(z.strictObject({ parts: z.int().min(1).max(10_000), reason }).openapi('LookupActivation')),
      },
      responses: {
        200: json(importOutput, 'The import, in force'),
        ...problemResponses(...refusals, 'own-approval', 'lookup-import-not-open'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const operator = c.get('operator');
      requireAllBrands(operator);
      const { operatorId } = operator;
      await decided(db, (trx) => activateLookup(trx, { ...c.req.valid('json'), importId: id, operatorId }));
      return c.json(await shown(db, id), 200);
    },
  );
}
