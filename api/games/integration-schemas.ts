/** What the back office says and hears about provider connections, and the words that their neighbours share. */
import { z } from '@hono/zod-openapi';
import { dialects, type WalletDialect } from '#domain/games/dialects.ts';
import { isNetwork } from '../networks.ts';
import { timestamp } from '../schemas.ts';

export const integrationId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,39}$/)
  .openapi({ example: 'studio' });
export const integrationParam = z.object({ id: integrationId });
export const reasonText = z.string().trim().min(3).max(500);

const dialectNames = Object.keys(dialects) as [WalletDialect, ...WalletDialect[]];
const dialectName = z.enum(dialectNames);

const plainText = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII');

const address = z
  .url({ protocol: /^https?$/ })
  .max(1_024)
  .openapi({ example: 'https://api.provider.example' });

const network = z
  .string()
  .max(50)
  .refine(isNetwork, 'must be a network such as 192.0.2.0/24 or 2001:db8::/32, or an address')
  .openapi({ example: '192.0.2.0/24' });

const configShape = {
  operatorId: plainText(100).openapi({
    example: 'pitboss',
    description: 'How the provider knows us: operator id or casino id.',
  }),
  subPartnerId: z.union([z.literal(''), plainText(100)]).openapi({ description: 'Empty for none.' }),
  baseUrl: address,
  catalogueUrl: z
    .union([z.literal(''), address])
    .openapi({ description: 'Of dialects whose catalogue is a file; empty for none.' }),
  callerNetworks: z
    .array(network)
    .max(64)
    .openapi({ description: 'Where wallet calls may come from; an empty list means anywhere.' }),
  balanceOnInsufficientFunds: z.boolean(),
  tokensRotate: z.boolean(),
  sharesPersonalData: z.boolean(),
  newGamesEnabled: z.boolean().openapi({ description: 'Whether imported games are offered at once.' }),
  importEveryH: z.int().min(0).max(720).openapi({ description: 'Hours; 0 leaves imports to people.' }),
  enabled: z.boolean(),
};

export const integrationSchema = z
  .strictObject({
    id: z.string(),
    version: z.int(),
    dialect: z.string(),
    brand: z.string(),
    ...configShape,
    operatorId: z.string(),
    subPartnerId: z.string().nullable(),
    baseUrl: z.string(),
    catalogueUrl: z.string().nullable(),
    importEveryH: z.int().nullable(),
    callerNetworks: z.array(z.string()),
    walletUrl: z.string().openapi({ description: 'What the provider puts before its wallet calls.' }),
    credentialKinds: z.array(z.string()).openapi({ description: 'Kinds of keys that this dialect needs.' }),
    createdAt: timestamp,
  })
  .openapi('Integration');

const optionalConfig = {
  subPartnerId: configShape.subPartnerId.optional(),
  catalogueUrl: configShape.catalogueUrl.optional(),
  callerNetworks: configShape.callerNetworks.optional(),
  balanceOnInsufficientFunds: configShape.balanceOnInsufficientFunds.optional(),
  tokensRotate: configShape.tokensRotate.optional(),
  sharesPersonalData: configShape.sharesPersonalData.optional(),
  newGamesEnabled: configShape.newGamesEnabled.optional(),
  importEveryH: configShape.importEveryH.optional(),
  enabled: configShape.enabled.optional(),
};

export const creation = z
  .strictObject({
    id: integrationId,
    dialect: dialectName,
    brand: z.string().min(1).max(40).openapi({ example: 'aurora' }),
    operatorId: configShape.operatorId,
    baseUrl: configShape.baseUrl,
    ...optionalConfig,
    reason: reasonText,
  })
  .openapi('IntegrationCreation');

export const change = z
  .strictObject({
    version: z.int().min(1).openapi({ description: 'The version that was seen.' }),
    operatorId: configShape.operatorId.optional(),
    baseUrl: configShape.baseUrl.optional(),
    ...optionalConfig,
    reason: reasonText,
  })
  .openapi('IntegrationChange');

export const versionAnswer = z
  .strictObject({ id: z.string(), version: z.int() })
  .openapi('IntegrationVersion');
export const versionEntry = z
  .strictObject({ version: z.int(), publishedAt: timestamp, config: z.record(z.string(), z.unknown()) })
  .openapi('IntegrationVersionEntry');

export const guardedAnswers = [
  'not-authenticated',
  'session-expired',
  'forbidden',
  'dependency-unavailable',
] as const;
