/** The ramp for players: a quote with a lifetime, accepted once or not at all. */
import { createRoute, z } from '@hono/zod-openapi';
import { acceptRampQuote } from '#activities/payments/commands/accept-ramp-quote.ts';
import { cancelRampQuote, giveRampQuote } from '#activities/payments/commands/ramp-quotes.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { idParam, moneyInput, pageOf } from '../schemas.ts';
import { assetInput } from '../wallet/schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, depositRefusals, idPageQuery, json } from './payment-schemas.ts';
import { rampQuoteOutput, readRampQuotes, toApiQuote } from './ramp-schemas.ts';

const security = [{ playerSession: [] }];
const path = '/v1/ramp/quotes';

const giveRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path,
    operationId: 'giveRampQuote',
    tags: ['payments'],
    summary:
      'A rate that holds for a short time, for money of a state given for a crypto asset or the reverse',
    description: 'Nothing moves before it is accepted. Another quote ends the one that is open.',
    security,
    middleware: [requirePlayer(deps)] as const,
    request: {
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({ pay: moneyInput, receiveAsset: assetInput.openapi({ example: 'USDT' }) })
          .openapi('RampQuoteRequest'),
      ),
    },
    responses: {
      200: json(rampQuoteOutput, 'The quote; a repeat with the same key answers the same one'),
      ...problemResponses('malformed-json', 'invalid-request', ...depositRefusals, 'rate-not-current'),
    },
  });

const acceptRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: `${path}/{id}/accept`,
    operationId: 'acceptRampQuote',
    tags: ['payments'],
    summary: 'Carry a quote out: both legs at once, once',
    security,
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam, headers: idempotencyHeader },
    responses: {
      200: json(rampQuoteOutput, 'The quote, accepted; a repeat with the same key moves nothing more'),
      ...problemResponses(
        'invalid-request',
        'not-found',
        ...depositRefusals,
        'quote-expired',
        'quote-not-open',
        'insufficient-funds',
        'wallet-not-found',
        'withdrawal-pending-wagering',
        'play-limit-required',
      ),
    },
  });

const cancelRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: `${path}/{id}/cancel`,
    operationId: 'cancelRampQuote',
    tags: ['payments'],
    summary: 'Give a quote up; a repeat changes nothing',
    security,
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam },
    responses: {
      200: json(rampQuoteOutput, 'The quote, cancelled, or expired where its time was over'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found', 'quote-not-open'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: `${path}/{id}`,
    operationId: 'getRampQuote',
    tags: ['payments'],
    summary: 'A quote of the signed-in player',
    security,
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam },
    responses: {
      200: json(rampQuoteOutput, 'The quote'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found'),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path,
    operationId: 'listRampQuotes',
    tags: ['payments'],
    summary: 'The signed-in player’s quotes, newest first',
    security,
    middleware: [requirePlayer(deps)] as const,
    request: { query: idPageQuery },
    responses: {
      200: json(pageOf(rampQuoteOutput, 'RampQuotePage'), 'A page of quotes'),
      ...problemResponses('invalid-request', 'not-authenticated'),
    },
  });

export function mountRamp(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(giveRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction, sessionId } = c.var.player;
    const input = c.req.valid('json');
    const row = orThrow(
      await giveRampQuote(db, {
        ...input,
        quoteId: idFromKey('ramp-quote', playerId, c.req.valid('header')['idempotency-key']),
        playerId,
        brand,
        jurisdiction,
        fingerprint: requestFingerprint(input),
        origin: { sessionId, ip: clientAddress(c) },
      }),
    );
    return c.json(toApiQuote(row), 200);
  });

  api.openapi(acceptRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction, sessionId } = c.var.player;
    const row = orThrow(
      await acceptRampQuote(db, {
        quoteId: c.req.valid('param').id,
        playerId,
        brand,
        jurisdiction,
        acceptKey: idFromKey('ramp-accept', playerId, c.req.valid('header')['idempotency-key']),
        origin: { sessionId, ip: clientAddress(c) },
      }),
    );
    return c.json(toApiQuote(row), 200);
  });

  api.openapi(cancelRoute(deps), async (c) => {
    const { playerId } = c.var.player;
    const row = await decided(db, (trx) =>
      cancelRampQuote(trx, { quoteId: c.req.valid('param').id, playerId }),
    );
    return c.json(toApiQuote(row), 200);
  });

  api.openapi(readRoute(deps), async (c) => {
    const row = await readRampQuotes(db)
      .where('id', '=', c.req.valid('param').id)
      .where('playerId', '=', c.var.player.playerId)
      .executeTakeFirst();
    if (row === undefined) throw new FailureError(fail('not-found', 'There is no such quote.').failure);
    return c.json(toApiQuote(row), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after } = c.req.valid('query');
    const { playerId } = c.var.player;
    const rows = await readRampQuotes(db)
      .where('playerId', '=', playerId)
      .$if(after !== undefined, (query) =>
        query.where(
          olderThan({ table: 'payments.rampQuote', column: 'quotedAt', after: after ?? '', playerId }),
        ),
      )
      .orderBy('quotedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiQuote), 200);
  });
}
