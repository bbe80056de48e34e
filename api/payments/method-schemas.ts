/** A way to pay in as players and staff are shown it. */
import { z } from '@hono/zod-openapi';
import { toMoneyText } from '#domain/money.ts';
import type { MethodView } from '#domain/payments/deposit-methods.ts';
import { payInMethods } from '#domain/payments/payment-rules.ts';
import { nullableMoneyOutput } from '../schemas.ts';
import { walletNames } from './payment-schemas.ts';

export const methodOutput = z
  .strictObject({
    method: z.enum(payInMethods),
    asset: z.string(),
    psps: z.array(z.string()).openapi({
      description:
        'Tokenise a card with each of these, those that answer come first; a wallet needs no token.',
    }),
    wallets: z.array(z.enum(walletNames)).openapi({ description: 'Of the method `e-wallet`.' }),
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
}: MethodView): z.infer<typeof methodOutput> {
  const money = (units: bigint | null) => (units === null ? null : toMoneyText(units, asset));
  return {
    method,
    asset,
    psps: [...psps],
    wallets: method === 'e-wallet' ? [...walletNames] : [],
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
