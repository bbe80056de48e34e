/** Crypto for the player: an address to pay to, what was seen on the chain, and own addresses to withdraw to. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  addCryptoDestination,
  issueDepositAddress,
  type CryptoOffer,
} from '#activities/payments/commands/crypto-addresses.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { cryptoDepositStates } from '#domain/payments/crypto/deposit-state.ts';
import { chainNames } from '#domain/payments/crypto/chains.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { moneyOutput, timestamp } from '../schemas.ts';
import { body, depositRefusals, json } from './payment-schemas.ts';

const address = z.string().openapi({
  example: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  description: 'With its checksum (EIP-55).',
});

const addressRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/crypto-addresses',
    operationId: 'issueCryptoAddress',
    tags: ['payments'],
    summary: 'The address on a chain to pay to',
    description:
      "The player's own, the same for ever and for every asset of the chain. Only the named contract (or the chain's coin, sent by a plain transfer) is credited; coins that a contract sends are not seen.",
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      body: body(z.strictObject({ asset: z.string().min(1).max(12) }).openapi('CryptoAddressRequest')),
    },
    responses: {
      200: json(
        z
          .strictObject({
            chain: z.enum(chainNames),
            asset: z.string(),
            address,
            contract: address.nullable().openapi({ description: "Null for the chain's own coin." }),
          })
          .openapi('CryptoAddress'),
        'Where to pay to',
      ),
      ...problemResponses('malformed-json', 'invalid-request', 'not-found', ...depositRefusals),
    },
  });

const cryptoDepositOutput = z
  .strictObject({
    cryptoDepositId: z.uuid(),
    chain: z.string(),
    txHash: z.string(),
    state: z.enum(cryptoDepositStates).openapi({
      description:
        '`seen` and `confirming`: waiting for blocks. `parked`: not credited, a person may look at it.',
    }),
    money: moneyOutput,
    depthRequired: z.int().openapi({ description: 'Blocks that must hold it, its own included.' }),
    reason: z.string().nullable(),
    depositId: z.uuid().nullable().openapi({ description: 'Once credited.' }),
    seenAt: timestamp,
  })
  .openapi('CryptoDeposit');

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/crypto-deposits',
    operationId: 'listCryptoDeposits',
    tags: ['payments'],
    summary: 'What arrived on chains, newest first, credited or not',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(cryptoDepositOutput) }), 'At most 100'),
      ...problemResponses('not-authenticated'),
    },
  });

const destinationRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/crypto-destinations',
    operationId: 'addCryptoDestination',
    tags: ['payments'],
    summary: 'Keep an own address as a place to withdraw to',
    description: 'It rests for a day before it can be used. A repeat changes nothing.',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      body: body(z.strictObject({ address: z.string().min(1).max(64) }).openapi('CryptoDestinationRequest')),
    },
    responses: {
      200: json(
        z
          .strictObject({ instrumentId: z.uuid(), address, usableFrom: timestamp })
          .openapi('CryptoDestination'),
        'The instrument to withdraw to',
      ),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'invalid-address-checksum',
        'not-authenticated',
        'payment-method-unavailable',
      ),
    },
  });

export function mountCrypto(api: Api, deps: ApiDeps): void {
  const mustOffer = (): CryptoOffer => {
    if (deps.config.evm === undefined)
      throw new FailureError(fail('payment-method-unavailable', 'Crypto is not offered.').failure);
    return deps.config.evm;
  };

  api.openapi(addressRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction, sessionId } = c.var.player;
    const { asset } = c.req.valid('json');
    const issued = orThrow(
      await issueDepositAddress(deps.db, mustOffer(), {
        playerId,
        brand,
        jurisdiction,
        asset,
        sessionId,
        ip: clientAddress(c),
      }),
    );
    return c.json({ ...issued, asset }, 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const rows = await deps.db
      .selectFrom('payments.cryptoDeposit as seen')
      .leftJoin('payments.cryptoCredit as credit', (join) =>
        join.onRef('credit.cryptoDepositId', '=', 'seen.id').on('credit.reversedAt', 'is', null),
      )
      .selectAll('seen')
      .select('credit.depositId')
      .where('seen.playerId', '=', c.var.player.playerId)
      .orderBy('seen.seenAt', 'desc')
      .orderBy('seen.id', 'desc')
      .limit(100)
      .execute();
    return c.json(
      {
        items: rows.map((row) => ({
          cryptoDepositId: row.id,
          chain: row.chain,
          txHash: row.txHash,
          state: cryptoDepositOutput.shape.state.parse(row.state),
          money: toMoneyText(BigInt(row.amount), row.asset),
          depthRequired: row.depthRequired,
          reason: row.reason,
          depositId: row.depositId,
          seenAt: row.seenAt.toISOString(),
        })),
      },
      200,
    );
  });

  api.openapi(destinationRoute(deps), async (c) => {
    const kept = orThrow(
      await addCryptoDestination(deps.db, deps.keyRing, mustOffer(), {
        playerId: c.var.player.playerId,
        address: c.req.valid('json').address,
      }),
    );
    return c.json({ ...kept, usableFrom: kept.usableFrom.toISOString() }, 200);
  });
}
