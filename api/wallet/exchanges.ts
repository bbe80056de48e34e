/** Exchanges between a player's own assets at a rate in force. */
import { createRoute, z } from '@hono/zod-openapi';
import { exchangeAssets } from '#activities/payments/commands/exchange-assets.ts';
import type { ExchangeRow } from '#activities/wallet/exchanges.ts';
import { orThrow } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { body, idPageQuery, json } from '../payments/payment-schemas.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { moneyInput, moneyOutput, pageOf, timestamp } from '../schemas.ts';
import { assetInput } from './schemas.ts';

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
  mountExchange(api, deps);
  mountMyExchanges(api, deps);
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
