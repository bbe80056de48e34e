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
}

export interface PspSettings {
  port: number;
  stateDirectory: string;
  webhookUrl: string;
  publicUrl: string;
  account: StripeSettings | AdyenSettings;
}

export function readPspSettings(): PspSettings {
  const dialect = z.enum(['stripe', 'adyen']).parse(requiredVariable('DIALECT'));
  const apiKey = requiredVariable('API_KEY');
  return {
    port: portVariable(),
    stateDirectory: requiredVariable('STATE_DIR'),
    webhookUrl: requiredVariable('WEBHOOK_URL'),
    publicUrl: optionalVariable('PUBLIC_URL', ''),
    account:
      dialect === 'stripe'
        ? { dialect, apiKey, webhookSecret: requiredVariable('WEBHOOK_SECRET') }
        : {
            dialect,
            apiKey,
            merchantAccount: requiredVariable('MERCHANT_ACCOUNT'),
            hmacKey: z
              .string()
              .regex(/^([0-9a-fA-F]{2})+$/, 'HMAC_KEY must be hex')
              .parse(requiredVariable('HMAC_KEY')),
          },
  };
}
