/** The routes of the player's deposits as the API document shows them. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyInput, pageOf } from '../schemas.ts';
import { methodOutput } from './method-schemas.ts';
import {
  body,
  depositOutput,
  depositRefusals,
  idPageQuery,
  instrumentOutput,
  json,
  walletNames,
} from './payment-schemas.ts';

const cardInput = z
  .strictObject({
    kind: z.literal('card'),
    tokens: z
      .array(
        z.strictObject({
          psp: z
            .string()
            .regex(/^[a-z]{1,20}$/)
            .openapi({ example: 'alpha' }),
          // A card number is never a token: twelve or more digits alone are refused.
          token: z
            .string()
            .regex(/^(?!\d{12,19}$)[\w-]{4,128}$/, 'must be a token of the PSP, never a card number')
            .openapi({ example: 'pm_0123456789' }),
        }),
      )
      .min(1)
      .max(5)
      .openapi({
        description: 'The same card as each PSP knows it; the route decides where it is tried first.',
      }),
  })
  .openapi('CardInstrument');

const walletInput = z
  .strictObject({
    kind: z.literal('e-wallet'),
    wallet: z.enum(walletNames).openapi({ description: 'The answer says where the player goes to pay.' }),
  })
  .openapi('WalletInstrument');

const depositInput = z
  .strictObject({
    money: moneyInput,
    instrument: z.discriminatedUnion('kind', [cardInput, walletInput]),
    returnUrl: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .openapi({ description: 'Where the player goes after a challenge.' }),
    billingCountry: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .optional()
      .openapi({ example: 'MT', description: 'Of the billing address; routing rules may use it.' }),
  })
  .openapi('DepositRequest');

export const requestRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/deposits',
    operationId: 'requestDeposit',
    tags: ['payments'],
    summary: 'Pay in; the answer says what the player does next',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { headers: idempotencyHeader, body: body(depositInput) },
    responses: {
      200: json(
        depositOutput,
        'The deposit; a repeat with the same key answers with the same deposit as it is now',
      ),
      ...problemResponses('malformed-json', 'invalid-request', ...depositRefusals, 'dependency-unavailable'),
    },
  });

export const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/deposits/{id}',
    operationId: 'readDeposit',
    tags: ['payments'],
    summary: 'Where a deposit stands',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam },
    responses: {
      200: json(depositOutput, 'The deposit'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found'),
    },
  });

export const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/deposits',
    operationId: 'listDeposits',
    tags: ['payments'],
    summary: "The player's deposits, newest first",
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { query: idPageQuery },
    responses: {
      200: json(pageOf(depositOutput, 'DepositPage'), 'A page of deposits'),
      ...problemResponses('invalid-request', 'not-authenticated'),
    },
  });

export const methodsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/deposit-methods',
    operationId: 'listDepositMethods',
    tags: ['payments'],
    summary: 'How the player can pay in',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(methodOutput) }), 'The methods'),
      ...problemResponses('not-authenticated'),
    },
  });

export const instrumentsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/instruments',
    operationId: 'listInstruments',
    tags: ['payments'],
    summary: 'Cards that paid in, and that money can go back to',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(instrumentOutput) }), 'The cards'),
      ...problemResponses('not-authenticated'),
    },
  });

export const completeRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/deposits/{id}/complete',
    operationId: 'completeDepositAction',
    tags: ['payments'],
    summary: 'The player is back from the challenge',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({
            redirectResult: z.string().max(20_000).optional(),
            paymentIntent: z.string().max(200).optional(),
          })
          .openapi('DepositReturn', {
            description: 'What the PSP added to the return address; it is only handed back to the PSP.',
          }),
      ),
    },
    responses: {
      200: json(
        depositOutput,
        'The deposit after the PSP was asked; a repeat with the same key answers with it as it is now',
      ),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'not-found',
        'deposit-not-awaiting-action',
        'dependency-unavailable',
      ),
    },
  });
