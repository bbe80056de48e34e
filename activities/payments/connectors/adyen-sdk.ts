/**
 * What is used of Adyen's SDK, each part from its own file: its front door loads more than two thousand modules, which is
 * a good part of a second of every start and of every test. Required, because its default exports are CommonJS ones,
 * which an import sees in another place under Node than under a bundler.
 */
import { createRequire } from 'node:module';
import type clientModule from '@adyen/api-library/lib/src/client.js';
import type checkoutModule from '@adyen/api-library/lib/src/services/checkout/index.js';
import type disputesModule from '@adyen/api-library/lib/src/services/disputes/index.js';
import type payoutModule from '@adyen/api-library/lib/src/services/payout/index.js';
import type validatorModule from '@adyen/api-library/lib/src/utils/hmacValidator.js';

export { EnvironmentEnum } from '@adyen/api-library/lib/src/config.js';
export * as checkoutTypes from '@adyen/api-library/lib/src/typings/checkout/models.js';
export * as payoutTypes from '@adyen/api-library/lib/src/typings/payout/models.js';

const require = createRequire(import.meta.url);
const partOf = <Module extends { readonly default: unknown }>(path: string): Module['default'] =>
  (require(`@adyen/api-library/lib/src/${path}`) as Module).default;

export const Client = partOf<typeof clientModule>('client.js');
export type Client = InstanceType<typeof Client>;
export type Config = Client['config'];
export const CheckoutAPI = partOf<typeof checkoutModule>('services/checkout/index.js');
export type CheckoutAPI = InstanceType<typeof CheckoutAPI>;
export const DisputesAPI = partOf<typeof disputesModule>('services/disputes/index.js');
export const PayoutAPI = partOf<typeof payoutModule>('services/payout/index.js');
export const HmacValidator = partOf<typeof validatorModule>('utils/hmacValidator.js');
