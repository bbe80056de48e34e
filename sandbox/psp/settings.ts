/** What the PSP process is told by its environment. */
import { z } from 'zod';
import { optionalVariable, portVariable, requiredVariable } from '../support/environment.ts';

export interface StripeSettings {
  dialect: 'stripe';
  apiKey: string;
  webhookSecret: string;
}
export interface AdyenSettings {
  dialect: 'adyen';
  apiKey: string;
  hmacKey: string;
  merchantAccount: string;
  /** What a capture leaves stays held, for further ones. */
  severalCaptures: boolean;
}

export interface CheckoutSettings {
  dialect: 'checkout';
  apiKey: string;
  webhookSecret: string;
  processingChannelId: string;
  currencyAccountId: string;
}

export interface PspSettings {
  port: number;
  stateDirectory: string;
  webhookUrl: string;
  publicUrl: string;
  account: StripeSettings | AdyenSettings | CheckoutSettings;
}

export function readPspSettings(): PspSettings {
  return {
    port: portVariable(),
    stateDirectory: requiredVariable('STATE_DIR'),
    webhookUrl: requiredVariable('WEBHOOK_URL'),
    publicUrl: optionalVariable('PUBLIC_URL', ''),
    account: readAccount(),
  };
}

function readAccount(): PspSettings['account'] {
  const dialect = z.enum(['stripe', 'adyen', 'checkout']).parse(requiredVariable('DIALECT'));
  const apiKey = requiredVariable('API_KEY');
  switch (dialect) {
    case 'stripe':
      return { dialect, apiKey, webhookSecret: requiredVariable('WEBHOOK_SECRET') };
    case 'adyen':
      return {
        dialect,
        apiKey,
        merchantAccount: requiredVariable('MERCHANT_ACCOUNT'),
        severalCaptures: optionalVariable('SEVERAL_CAPTURES', 'false') === 'true',
        hmacKey: z
          .string()
          .regex(/^([0-9a-fA-F]{2})+$/, 'HMAC_KEY must be hex')
          .parse(requiredVariable('HMAC_KEY')),
      };
    case 'checkout':
      return {
        dialect,
        apiKey,
        webhookSecret: requiredVariable('WEBHOOK_SECRET'),
        processingChannelId: requiredVariable('PROCESSING_CHANNEL_ID'),
        currencyAccountId: requiredVariable('CURRENCY_ACCOUNT_ID'),
      };
  }
}
