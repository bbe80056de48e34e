/** Bank transfers for the player: an account of his own to withdraw to, and the reference for a transfer to us. */
import { createRoute, z } from '@hono/zod-openapi';
import { announceTransfer } from '#activities/payments/commands/announce-transfer.ts';
import { addBankAccount } from '#activities/payments/commands/bank-accounts.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable } from '#domain/money.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { moneyInput, moneyOutput } from '../schemas.ts';
import { body, depositRefusals, json } from './payment-schemas.ts';

const accountRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/bank-accounts',
    operationId: 'addBankAccount',
    tags: ['payments'],
    summary: 'Keep an own bank account as a place to withdraw to',
    description:
      "The holder is the player: the name is taken from the player's own data. A repeat changes nothing.",
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      body: body(
        z
          .strictObject({
            iban: z.string().min(15).max(42).openapi({ example: 'DE89 3704 0044 0532 0130 00' }),
          })
          .openapi('BankAccountRequest'),
      ),
    },
    responses: {
      200: json(
        z.strictObject({ instrumentId: z.uuid() }).openapi('BankAccount'),
        'The instrument to withdraw to',
      ),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'not-found',
        'payment-method-unavailable',
      ),
    },
  });

const announceRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/bank-transfers',
    operationId: 'announceBankTransfer',
    tags: ['payments'],
    summary: 'Pay in by bank transfer: the reference to write into it',
    description:
      'The transfer must carry the reference and exactly this amount, and come from an account in the name of the player. It is a deposit, and takes its share of the limits at once.',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      headers: idempotencyHeader,
      body: body(z.strictObject({ money: moneyInput }).openapi('BankTransferRequest')),
    },
    responses: {
      200: json(
        z
          .strictObject({
            depositId: z.uuid(),
            money: moneyOutput,
            reference: z.string().openapi({ example: 'RF18539007547034', description: 'ISO 11649.' }),
            payTo: z.strictObject({ iban: z.string(), name: z.string() }),
          })
          .openapi('BankTransfer'),
        'Where to, and with what reference',
      ),
      ...problemResponses('malformed-json', 'invalid-request', ...depositRefusals, 'dependency-unavailable'),
    },
  });

export function mountBankTransfers(api: Api, deps: ApiDeps): void {
  const mustHaveBank = () => {
    if (deps.config.bank === undefined)
      throw new FailureError(fail('payment-method-unavailable', 'Bank transfers are not offered.').failure);
    return deps.config.bank;
  };

  api.openapi(accountRoute(deps), async (c) => {
    mustHaveBank();
    const { iban } = c.req.valid('json');
    const { playerId } = c.var.player;
    return c.json(orThrow(await addBankAccount(deps.db, deps.keyRing, { playerId, iban })), 200);
  });

  api.openapi(announceRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction, sessionId } = c.var.player;
    const { money } = c.req.valid('json');
    orThrow(parsePayable(money));
    const { iban, name } = mustHaveBank();
    const depositId = idFromKey('bank-transfer', playerId, c.req.valid('header')['idempotency-key']);
    const fingerprint = requestFingerprint({ money });
    const { reference } = orThrow(
      await announceTransfer(deps.db, {
        depositId,
        playerId,
        brand,
        jurisdiction,
        money,
        fingerprint,
        origin: { sessionId, ip: clientAddress(c) },
      }),
    );
    return c.json({ depositId, money, reference, payTo: { iban, name } }, 200);
  });
}
