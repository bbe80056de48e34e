/** A way to pay in as players and staff are shown it. */
import { z } from '@hono/zod-openapi';
import { toMoneyText } from '#domain/money.ts';
import type { MethodView } from '#domain/payments/deposit-methods.ts';
import { chainNames } from '#domain/payments/crypto/chains.ts';
import { payInMethods } from '#domain/payments/payment-rules.ts';
import { nullableMoneyOutput } from '../schemas.ts';
import { walletNames } from './payment-schemas.ts';

const chainOutput = z
  .strictObject({
    network: z.enum(chainNames),
    contract: z.string().nullable().openapi({ description: "Null for the chain's own coin." }),
    confirmations: z
      .array(
        z.strictObject({
          upTo: nullableMoneyOutput,
          blocks: z.int().openapi({ description: 'That must hold the transfer, its own included.' }),
        }),
      )
      .openapi({ description: 'By amount, the smallest first; the last one has no end.' }),
    state: z.enum(['available', 'delayed']).openapi({
      description: '`delayed`: the chain has not been read for a while; transfers are credited once it is.',
    }),
  })
  .openapi('DepositChain');

export const methodOutput = z
  .strictObject({
    method: z.enum(payInMethods),
    asset: z.string(),
    psps: z.array(z.string()).openapi({
      description:
        'Tokenise a card with each of these, those that answer come first; a wallet needs no token. None for ' +
        'transfers: `POST /v1/bank-transfers`, and for crypto `POST /v1/crypto-addresses` with the asset.',
    }),
    wallets: z.array(z.enum(walletNames)).openapi({ description: 'Of the method `e-wallet`.' }),
    chain: z.union([chainOutput, z.null()]).openapi({ description: 'Of the method `crypto`.' }),
    min: nullableMoneyOutput,
    max: nullableMoneyOutput,
    isImpaired: z
      .boolean()
      .openapi({ description: 'Nothing has reached any PSP of it lately; a payment may still succeed.' }),
  })
  .openapi('DepositMethod');

export function toApiMethod({
  method,
  asset,
  psps,
  range,
  isImpaired,
  chain,
}: MethodView): z.infer<typeof methodOutput> {
  const money = (units: bigint | null) => (units === null ? null : toMoneyText(units, asset));
  return {
    method,
    asset,
    psps: [...psps],
    wallets: method === 'e-wallet' ? [...walletNames] : [],
    chain:
      chain === undefined
        ? null
        : {
            network: chain.network,
            contract: chain.contract,
            confirmations: chain.terms.confirmations.map(({ upTo, blocks }) => ({
              upTo: money(upTo),
              blocks,
            })),
            state: chain.state,
          },
    min: money(range.min),
    max: money(range.max),
    isImpaired,
  };
}

export const staffMethodOutput = z
  .strictObject({
    ...methodOutput.shape,
    missing: z.union([
      z.strictObject({
        reason: z.enum(['closed', 'kyc-level']),
        by: z.string().openapi({ description: 'The rule that says so.' }),
      }),
      z.null(),
    ]),
  })
  .openapi('DepositMethodForStaff');

export const toStaffMethod = (view: MethodView): z.infer<typeof staffMethodOutput> => ({
  ...toApiMethod(view),
  missing: view.missing,
});
