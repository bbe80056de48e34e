/** Rates in force, and exchanges between a player's own assets at one of them. */
import { createRoute, z } from '@hono/zod-openapi';
import { exchangeAssets } from '#activities/payments/commands/exchange-assets.ts';
import { currentRates, publishRate, type ExchangeRow, type RateRow } from '#activities/wallet/exchanges.ts';
import { orThrow } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { body, idPageQuery, json } from '../payments/payment-schemas.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { moneyInput, moneyOutput, pageOf, timestamp } from '../schemas.ts';
import { decided } from './decided.ts';
import { assetInput, instantInput } from './schemas.ts';

const rateText = z
  .string()
  .max(80)
  .regex(/^(\d{1,20}(\.\d{1,18})?|\d{1,38}\/\d{1,38})$/, 'must be a decimal or a fraction')
  .openapi({
    example: '1.0825',
    description:
      'Whole units bought for one whole unit sold: an exact decimal or a fraction such as 433/400.',
  });

const rateInput = z
  .strictObject({
    soldAsset: assetInput,
    boughtAsset: assetInput.openapi({ example: 'USD' }),
    rate: rateText,
    source: z.string().trim().min(1).max(100).openapi({ description: 'Who quoted it.' }),
    quotedAt: instantInput,
    expiresAt: instantInput.openapi({ example: '2026-01-31T12:05:00Z' }),
  })
  .openapi('RateInput');

const rateOutput = z
  .strictObject({
    id: z.uuid(),
    soldAsset: z.string(),
    boughtAsset: z.string(),
    rate: z.string(),
    source: z.string(),
    quotedAt: timestamp,
    expiresAt: timestamp,
  })
  .openapi('Rate');

const exchangeOutput = z
  .strictObject({
    id: z.uuid(),
    sold: moneyOutput,
    bought: moneyOutput.openapi({ description: 'Rounded down to the unit that the ledger keeps.' }),
    rate: z.string(),
    source: z.string(),
    quotedAt: timestamp,
    journalId: z.uuid(),
    madeAt: timestamp,
  })
  .openapi('Exchange');

const ofPlayers = [
  'not-authenticated',
  'session-expired',
  'player-blocked',
  'dependency-unavailable',
] as const;

export function mountExchanges(api: Api, deps: ApiDeps): void {
  mountRates(api, deps);
  mountExchange(api, deps);
  mountMyExchanges(api, deps);
}

function mountRates(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/rates',
      operationId: 'publishRate',
      tags: ['wallet'],
      summary: 'Publish a rate between two assets; it replaces the one before at once',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:rate:publish')] as const,
      request: { headers: idempotencyHeader, body: body(rateInput) },
      responses: {
        200: json(rateOutput, 'The rate'),
        ...problemResponses(
          'malformed-json',
          'invalid-request',
          'unknown-asset',
          'not-authenticated',
          'forbidden',
          'idempotency-key-reused',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const { operatorId } = c.get('operator');
      const row = await decided(deps.db, (trx) =>
        publishRate(trx, {
          ...input,
          rateId: idFromKey('rate', operatorId, c.req.valid('header')['idempotency-key']),
          quotedAt: new Date(input.quotedAt),
          expiresAt: new Date(input.expiresAt),
          operatorId,
          fingerprint: requestFingerprint(input),
        }),
      );
      return c.json(toApiRate(row), 200);
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/wallet/rates',
      operationId: 'listRates',
      tags: ['wallet'],
      summary: 'The rates in force',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        200: json(pageOf(rateOutput, 'Rates'), 'At most one per pair of assets'),
        ...problemResponses(...ofPlayers),
      },
    }),
    async (c) => c.json({ items: (await currentRates(deps.db)).map(toApiRate), next: null }, 200),
  );
}

function mountExchange(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/wallet/exchanges',
      operationId: 'makeExchange',
      tags: ['wallet'],
      summary: 'Give money of one own wallet for money of another one',
      description:
        'Into another asset only who could pay in there. Money that is bound to wagering stays in its asset. Between ' +
        'fiat and crypto the limits of ramps count, and out of crypto stays open while play is excluded.',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: {
        headers: idempotencyHeader,
        body: body(
          z
            .strictObject({
              sell: moneyInput,
              boughtAsset: assetInput.openapi({ example: 'USD' }),
              rateId: z
                .uuid()
                .openapi({ description: 'The rate that was shown; it must still be in force.' }),
            })
            .openapi('ExchangeRequest'),
        ),
      },
      responses: {
        200: json(exchangeOutput, 'The exchange; a repeat with the same key moves nothing more'),
        ...problemResponses(
          ...ofPlayers,
          'malformed-json',
          'invalid-request',
          'unknown-asset',
          'amount-not-positive',
          'amount-too-precise',
          'amount-too-large',
          'rate-not-current',
          'email-not-verified',
          'identity-not-verified',
          'unsupported-asset',
          'self-excluded',
          'deposit-limit-required',
          'play-limit-required',
          'withdrawal-pending-wagering',
          'payment-method-unavailable',
          'amount-below-minimum',
          'amount-above-maximum',
          'payment-limit-exceeded',
          'insufficient-funds',
          'wallet-not-found',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const { playerId, brand, jurisdiction, sessionId } = c.get('player');
      const sold = orThrow(parsePayable(input.sell));
      const row = orThrow(
        await exchangeAssets(deps.db, {
          exchangeId: idFromKey('exchange', playerId, c.req.valid('header')['idempotency-key']),
          playerId,
          brand,
          jurisdiction,
          soldAsset: input.sell.asset,
          sold,
          boughtAsset: input.boughtAsset,
          rateId: input.rateId,
          fingerprint: requestFingerprint(input),
          origin: { sessionId, ip: clientAddress(c) },
        }),
      );
      return c.json(toApiExchange(row), 200);
    },
  );
}

function mountMyExchanges(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/wallet/exchanges',
      operationId: 'listMyExchanges',
      tags: ['wallet'],
      summary: 'The signed-in player’s exchanges, newest first',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { query: idPageQuery },
      responses: {
        200: json(pageOf(exchangeOutput, 'ExchangePage'), 'A page of exchanges'),
        ...problemResponses(...ofPlayers, 'invalid-request'),
      },
    }),
    async (c) => {
      const { limit, after } = c.req.valid('query');
      const { playerId } = c.get('player');
      const rows = await deps.db
        .selectFrom('wallet.exchange')
        .selectAll()
        .where('playerId', '=', playerId)
        .$if(after !== undefined, (query) =>
          query.where(
            olderThan({ table: 'wallet.exchange', column: 'madeAt', after: after ?? '', playerId }),
          ),
        )
        .orderBy('madeAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return c.json(pageById(rows, limit, toApiExchange), 200);
    },
  );
}

const toApiRate = (row: RateRow): z.infer<typeof rateOutput> => ({
  id: row.id,
  soldAsset: row.soldAsset,
  boughtAsset: row.boughtAsset,
  rate: row.rate,
  source: row.source,
  quotedAt: row.quotedAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});

const toApiExchange = (row: ExchangeRow): z.infer<typeof exchangeOutput> => ({
  id: row.id,
  sold: toMoneyText(BigInt(row.sold), row.soldAsset),
  bought: toMoneyText(BigInt(row.bought), row.boughtAsset),
  rate: row.rate,
  source: row.rateSource,
  quotedAt: row.quotedAt.toISOString(),
  journalId: row.journalId,
  madeAt: row.madeAt.toISOString(),
});
