/** The ramp in the back office: quotes of all players, and what a brand asks for one. */
import { createRoute, z } from '@hono/zod-openapi';
import { proposeAct, type ActProposalRow } from '#activities/payments/commands/act-proposals.ts';
import {
  currentRampTerms,
  lockRampTerms,
  setRampTerms,
  type RampTermsRow,
  type SetRampTerms,
} from '#activities/payments/commands/ramp-terms.ts';
import type { Trx } from '#db/connect.ts';
import { succeed, type Result } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { brandScope, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { mustBeBrand } from './must-be-brand.ts';
import { actOutput, toApiAct } from './act-schemas.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';
import { quoteState, readRampQuotes, staffRampQuoteOutput, toStaffQuote } from './ramp-schemas.ts';

const security = [{ operatorSession: [] }];
const brand = z.string().min(1).max(40);
const bps = z.int().min(0).max(2_000).openapi({ description: 'Basis points that the house keeps.' });
const terms = {
  lifetimeS: z.int().min(5).max(600).openapi({ description: 'Seconds that a quote holds.' }),
  onRampSpreadBps: bps,
  offRampSpreadBps: bps,
};

const termsOutput = z
  .strictObject({
    brand,
    version: z.int(),
    ...terms,
    isActive: z.boolean(),
    author: z.string(),
    reason: z.string(),
    createdAt: timestamp,
  })
  .openapi('RampTerms');

const toApiTerms = (row: RampTermsRow): z.infer<typeof termsOutput> => ({
  brand: row.brand,
  version: row.version,
  lifetimeS: row.lifetimeS,
  onRampSpreadBps: row.onRampSpreadBps,
  offRampSpreadBps: row.offRampSpreadBps,
  isActive: row.isActive,
  author: row.author,
  reason: row.reason,
  createdAt: row.createdAt.toISOString(),
});

const quotesRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/ramp/quotes',
    operationId: 'listRampQuotesOfPlayers',
    tags: ['payments'],
    summary: 'Quotes of the ramp, newest first',
    security,
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: {
      query: z.strictObject({
        ...idPageQuery.shape,
        playerId: z.uuid().optional(),
        state: quoteState
          .optional()
          .openapi({ description: 'As stored: one that has run out is `open` until it is swept.' }),
      }),
    },
    responses: {
      200: json(pageOf(staffRampQuoteOutput, 'RampQuotePageForStaff'), 'A page of quotes'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const termsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/payments/ramp-terms',
    operationId: 'listRampTerms',
    tags: ['payments'],
    summary: 'All versions of what a brand asks for a ramp, newest first',
    security,
    middleware: [requireOperator(deps, 'payments:limit:read')] as const,
    request: { query: z.strictObject({ brand }) },
    responses: {
      200: json(z.strictObject({ items: z.array(termsOutput) }), 'At most 100; the first one is in force'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const setRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/payments/ramp-terms',
    operationId: 'setRampTerms',
    tags: ['payments'],
    summary:
      'Propose what a brand asks for a ramp, from the next quote on; not active ends the offer at once',
    security,
    middleware: [requireOperator(deps, 'payments:limit:set')] as const,
    request: {
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({
            brand,
            ...terms,
            isActive: z.boolean().default(true),
            reason: z.string().trim().min(3).max(500),
          })
          .openapi('RampTermsInput'),
      ),
    },
    responses: {
      200: json(termsOutput, 'The version: an end of the offer, or the first terms after one'),
      202: json(actOutput, 'Other terms wait for another person'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'not-found',
        'dependency-unavailable',
      ),
    },
  });

export function mountBackofficeRamp(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(quotesRoute(deps), async (c) => {
    const { limit, after, playerId, state } = c.req.valid('query');
    const brands = brandScope(c.get('operator'));
    const rows = await readRampQuotes(db)
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(olderThan({ table: 'payments.rampQuote', column: 'quotedAt', after: after ?? '' })),
      )
      .orderBy('quotedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toStaffQuote), 200);
  });

  api.openapi(termsRoute(deps), async (c) => {
    const query = c.req.valid('query');
    await mustBeBrand(db, c.get('operator'), query.brand);
    const rows = await db
      .selectFrom('payments.rampTerms')
      .selectAll()
      .where('brand', '=', query.brand)
      .orderBy('version', 'desc')
      .limit(100)
      .execute();
    return c.json({ items: rows.map(toApiTerms) }, 200);
  });

  api.openapi(setRoute(deps), async (c) => {
    const operator = c.get('operator');
    const input = c.req.valid('json');
    await mustBeBrand(db, operator, input.brand);
    const { operatorId } = operator;
    const set = await decided(db, (trx) =>
      setOrPropose(trx, {
        ...input,
        requestId: idFromKey('ramp-terms', operatorId, c.req.valid('header')['idempotency-key']),
        operatorId,
        fingerprint: requestFingerprint(input),
      }),
    );
    return 'act' in set ? c.json(toApiAct(set.act), 202) : c.json(toApiTerms(set.terms), 200);
  });
}

/** The end of an offer takes nothing from anybody and is one person's act at once; other terms are two people's. */
async function setOrPropose(
  trx: Trx,
  wanted: SetRampTerms,
): Promise<Result<{ readonly terms: RampTermsRow } | { readonly act: ActProposalRow }>> {
  await lockRampTerms(trx, wanted.brand);
  const there = await currentRampTerms(trx, wanted.brand);
  if (!wanted.isActive || there === null || there.requestId === wanted.requestId) {
    const set = await setRampTerms(trx, wanted);
    return set.ok ? succeed({ terms: set.value }) : set;
  }
  const { requestId: actId, operatorId, fingerprint, reason, ...terms } = wanted;
  const act = { ...terms, kind: 'ramp-terms', after: there.version } as const;
  const proposed = await proposeAct(trx, { actId, act, reason, operatorId, fingerprint });
  return proposed.ok ? succeed({ act: proposed.value }) : proposed;
}
