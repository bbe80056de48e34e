/** Rates in force, for players and staff, and the end of one before its time, which waits for nobody. */
import { createRoute, z } from '@hono/zod-openapi';
import { currentRates, endRate } from '#activities/wallet/rates.ts';
import type { Api } from '../app.ts';
import { requireAllBrands, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from './decided.ts';
import { rateOutput, reasonInput, toApiRate } from './rate-schemas.ts';

const ratesOutput = pageOf(rateOutput, 'Rates');

export function mountRates(api: Api, deps: ApiDeps): void {
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
        200: json(ratesOutput, 'At most one per pair of assets'),
        ...problemResponses(
          'not-authenticated',
          'session-expired',
          'player-blocked',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => c.json({ items: (await currentRates(deps.db)).map(toApiRate), next: null }, 200),
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/wallet/rates',
      operationId: 'listRatesInForce',
      tags: ['wallet'],
      summary: 'The rates in force, as players are shown them',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      responses: {
        200: json(ratesOutput, 'At most one per pair of assets'),
        ...problemResponses('not-authenticated', 'forbidden'),
      },
    }),
    async (c) => c.json({ items: (await currentRates(deps.db)).map(toApiRate), next: null }, 200),
  );

  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/wallet/rates/{id}/endings',
      operationId: 'endRate',
      tags: ['wallet'],
      summary: 'End a rate before its time, at once: its pair has none until two people agree on another one',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:rate:decide')] as const,
      request: {
        params: idParam,
        body: body(z.strictObject({ reason: reasonInput }).openapi('RateEnding')),
      },
      responses: {
        204: { description: 'Ended, now or before' },
        ...problemResponses(
          'malformed-json',
          'invalid-request',
          'not-authenticated',
          'forbidden',
          'not-found',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      requireAllBrands(operator);
      const { operatorId } = operator;
      const order = { ...c.req.valid('json'), rateId: c.req.valid('param').id, operatorId };
      await decided(deps.db, (trx) => endRate(trx, order));
      return c.body(null, 204);
    },
  );
}
