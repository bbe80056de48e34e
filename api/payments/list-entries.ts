/** Black, grey and white lists in the back office: add, end, list, look up. */
import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { openEnding, proposeAct, type ActProposalRow } from '#activities/payments/commands/act-proposals.ts';
import {
  addListEntry,
  endListEntry,
  lookUp,
  storedValue,
  type ListEntryRow,
  type NewListEntry,
} from '#activities/payments/commands/list-entries.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import type { Trx } from '#db/connect.ts';
import { listColours, listKinds } from '#domain/payments/lists.ts';
import type { Api } from '../app.ts';
import { maySee, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { mustBeBrand } from './must-be-brand.ts';
import { actOutput, hashedKinds, toApiAct } from './act-schemas.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';

const list = z.enum(listColours);
const kind = z.enum(listKinds);
const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });
const value = z.string().trim().min(1).max(250).openapi({
  description:
    'A card by its id or that of a deposit it paid; 6 to 8 first digits; an address or network; a country of two letters. Of an e-mail, IBAN or crypto address only a keyed hash is kept.',
});

const entryInput = z
  .strictObject({
    brand: z.string().min(1).max(40),
    list,
    kind,
    value,
    skips: z
      .array(z.string().regex(/^[a-z][a-z0-9-]{2,59}$/))
      .max(50)
      .default([])
      .openapi({ description: 'Of the white list, and of no other: names of payment rules that count.' }),
    expiresAt: timestamp.optional(),
    reason,
  })
  .refine((entry) => (entry.list === 'white') === entry.skips.length > 0, {
    path: ['skips'],
    message: 'names rules exactly where the list is white',
  })
  .openapi('ListEntryInput');

const entryOutput = z
  .strictObject({
    entryId: z.uuid(),
    brand: z.string(),
    list,
    kind,
    value: z.string().nullable().openapi({ description: 'Null where only a keyed hash is kept.' }),
    skips: z.array(z.string()),
    reason: z.string(),
    author: z.string(),
    createdAt: timestamp,
    expiresAt: timestamp.nullable(),
    endedAt: timestamp.nullable(),
    endedBy: z.string().nullable(),
    endReason: z.string().nullable(),
  })
  .openapi('ListEntry');

const toApiEntry = (row: ListEntryRow): z.infer<typeof entryOutput> => ({
  entryId: row.id,
  brand: row.brand,
  list: list.parse(row.list),
  kind: kind.parse(row.kind),
  value: hashedKinds.has(row.kind) ? null : row.key,
  skips: row.skips,
  reason: row.reason,
  author: row.author,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt?.toISOString() ?? null,
  endedAt: row.endedAt?.toISOString() ?? null,
  endedBy: row.endedBy,
  endReason: row.endReason,
});

const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'not-found'] as const;
const changes = [...reads, 'malformed-json', 'dependency-unavailable'] as const;
const security = [{ operatorSession: [] }];
const path = '/admin/v1/payments/list-entries';

const addRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path,
    operationId: 'addListEntry',
    tags: ['payments'],
    summary: 'Put somebody or something on a list of the cashier; on a white one with a second person',
    security,
    middleware: [requireOperator(deps, 'payments:list:change')] as const,
    request: { headers: idempotencyHeader, body: body(entryInput) },
    responses: {
      200: json(entryOutput, 'The entry; a repeat with the same key answers with the same one'),
      202: json(actOutput, 'A white entry opens a brake: it waits for another person'),
      ...problemResponses(...changes),
    },
  });

const endRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: `${path}/{id}/endings`,
    operationId: 'endListEntry',
    tags: ['payments'],
    summary: 'End an entry before it expires; the end of a black or grey one waits for another person',
    security,
    middleware: [requireOperator(deps, 'payments:list:change')] as const,
    request: { params: idParam, body: body(z.strictObject({ reason }).openapi('ListEntryEnding')) },
    responses: {
      200: json(entryOutput, 'The entry, ended'),
      202: json(actOutput, 'The proposal; a second wish is the same one'),
      ...problemResponses(...changes, 'list-entry-not-open'),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path,
    operationId: 'listListEntries',
    tags: ['payments'],
    summary: 'Entries of a brand, newest first',
    security,
    middleware: [requireOperator(deps, 'payments:list:read')] as const,
    request: {
      query: idPageQuery.extend({
        brand: z.string().min(1).max(40),
        list: list.optional(),
        kind: kind.optional(),
        state: z
          .enum(['open', 'all'])
          .default('open')
          .openapi({ description: '`open`: not ended, expired or not.' }),
      }),
    },
    responses: {
      200: json(pageOf(entryOutput, 'ListEntryPage'), 'A page of entries'),
      ...problemResponses(...reads),
    },
  });

const lookUpRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/payments/list-lookups',
    operationId: 'lookUpLists',
    tags: ['payments'],
    summary:
      'Which entries in force a value matches; a POST, because values are personal and addresses are logged',
    security,
    middleware: [requireOperator(deps, 'payments:list:read')] as const,
    request: {
      body: body(z.strictObject({ brand: z.string().min(1).max(40), kind, value }).openapi('ListLookUp')),
    },
    responses: {
      200: json(z.strictObject({ items: z.array(entryOutput) }), 'At most 200 entries'),
      ...problemResponses(...reads, 'malformed-json'),
    },
  });

/** What opens a brake is checked now, and written when another person agrees. */
async function proposeWhite(
  trx: Trx,
  keyRing: ApiDeps['keyRing'],
  entry: NewListEntry,
): Promise<Result<ActProposalRow>> {
  if (entry.expiresAt !== null && entry.expiresAt.getTime() <= Date.now())
    return fail('invalid-request', 'The end of the entry has passed.', {
      fields: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
    });
  const stored = await storedValue(trx, keyRing, entry);
  if (!stored.ok) return stored;
  const { entryId: actId, operatorId, fingerprint, reason, brand, skips, expiresAt } = entry;
  return proposeAct(trx, {
    actId,
    operatorId,
    fingerprint,
    reason,
    act: {
      kind: 'white-entry',
      brand,
      of: entry.kind,
      ...stored.value,
      skips: [...skips],
      expiresAt: expiresAt?.toISOString() ?? null,
    },
  });
}

async function proposeEnding(
  trx: Trx,
  row: ListEntryRow,
  { entryId, operatorId, reason }: { entryId: string; operatorId: string; reason: string },
): Promise<Result<ActProposalRow>> {
  if (row.endedAt !== null) return fail('list-entry-not-open', 'The entry has ended.');
  const there = await openEnding(trx, entryId);
  if (there !== undefined) return succeed(there);
  return proposeAct(trx, {
    actId: randomUUID(),
    act: { kind: 'entry-ending', brand: row.brand, entryId },
    reason,
    operatorId,
    fingerprint: requestFingerprint({ entryId, reason }),
  });
}

export function mountListEntries(api: Api, deps: ApiDeps): void {
  const { db, keyRing } = deps;

  api.openapi(addRoute(deps), async (c) => {
    const operator = c.get('operator');
    const { expiresAt, ...input } = c.req.valid('json');
    await mustBeBrand(db, operator, input.brand);
    const entry = {
      ...input,
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
      entryId: idFromKey('list-entry', operator.operatorId, c.req.valid('header')['idempotency-key']),
      operatorId: operator.operatorId,
      // Keyed: what is on the list cannot be guessed from the fingerprint either.
      fingerprint: keyRing.blindIndex(requestFingerprint({ ...input, expiresAt }).toString('hex')),
    };
    if (entry.list === 'white')
      return c.json(toApiAct(await decided(db, (trx) => proposeWhite(trx, keyRing, entry))), 202);
    return c.json(toApiEntry(await decided(db, (trx) => addListEntry(trx, keyRing, entry))), 200);
  });

  api.openapi(endRoute(deps), async (c) => {
    const operator = c.get('operator');
    const { id } = c.req.valid('param');
    const row = await db.selectFrom('payments.listEntry').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined || !maySee(operator, row.brand))
      throw new FailureError(fail('not-found', 'There is no such entry.').failure);
    const { operatorId } = operator;
    const ending = { ...c.req.valid('json'), entryId: id, operatorId };
    if (row.list === 'white')
      return c.json(toApiEntry(await decided(db, (trx) => endListEntry(trx, ending))), 200);
    return c.json(toApiAct(await decided(db, (trx) => proposeEnding(trx, row, ending))), 202);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { brand, limit, after, state, ...wanted } = c.req.valid('query');
    requireBrand(c.get('operator'), brand);
    const rows = await db
      .selectFrom('payments.listEntry')
      .selectAll()
      .where('brand', '=', brand)
      .$if(wanted.list !== undefined, (query) => query.where('list', '=', wanted.list ?? ''))
      .$if(wanted.kind !== undefined, (query) => query.where('kind', '=', wanted.kind ?? ''))
      .$if(state === 'open', (query) => query.where('endedAt', 'is', null))
      .$if(after !== undefined, (query) =>
        query.where(olderThan({ table: 'payments.listEntry', column: 'createdAt', after: after ?? '' })),
      )
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiEntry), 200);
  });

  api.openapi(lookUpRoute(deps), async (c) => {
    const question = c.req.valid('json');
    requireBrand(c.get('operator'), question.brand);
    const rows = orThrow(await lookUp(db, keyRing, question));
    return c.json({ items: rows.map(toApiEntry) }, 200);
  });
}
