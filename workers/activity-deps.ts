/** Wires what activities depend on from the configuration; a party that is not configured refuses when it is called. */
import type { ClickHouseClient } from '@clickhouse/client';
import { createTransport } from 'nodemailer';
import type { Logger } from 'pino';
import type { ActivityDeps } from '#activities/deps.ts';
import { createGameProviders } from '#activities/games/configured-providers.ts';
import { createKycVendor, type KycVendor } from '#activities/kyc/vendor.ts';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { sepaPsp } from '#activities/payments/commands/bank-accounts.ts';
import { createPspBreakers } from '#activities/payments/psp-breakers.ts';
import { createPspConnectors, pspTimeoutMs } from '#activities/payments/connectors.ts';
import { createSepaConnector } from '#activities/payments/connectors/sepa.ts';
import { createEvmConnector } from '#activities/payments/connectors/evm.ts';
import { evmPsp } from '#activities/payments/evm/evm-deps.ts';
import { openBank } from '#activities/payments/sepa/bank-client.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { evmOf } from './configured-chain.ts';
import type { Config } from './config.ts';

export type WorkerParts = {
  readonly config: Config;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly log: Logger;
};

/** An SMTP server that hangs must not hold an activity longer than its retry profile allows. */
const smtpTimeoutMs = 10_000;

export function createActivityDeps({ config, db, clickhouse, log }: WorkerParts): ActivityDeps {
  const { kycVendor: vendor, bank } = config;
  const evm = evmOf(config);
  const keyRing = createKeyRing({
    kek: config.keys.keyEncryption.reveal(),
    blindIndexKey: config.keys.blindIndex.reveal(),
  });
  return {
    db,
    log,
    clickhouse,
    publicUrl: config.api.publicUrl,
    keyRing,
    psps: new Map([
      ...createPspConnectors(pspAccounts(config)),
      ...(bank === undefined ? [] : [[sepaPsp, createSepaConnector(db)] as const]),
      ...(evm === null ? [] : [[evmPsp, createEvmConnector(db, evm)] as const]),
    ]),
    breakers: createPspBreakers(),
    bank: bank ? openBank({ ...bank, apiKey: bank.apiKey.reveal() }, pspTimeoutMs) : null,
    evm,
    kycVendor: vendor
      ? createKycVendor({
          url: vendor.url,
          appToken: vendor.appToken.reveal(),
          secretKey: vendor.secretKey.reveal(),
        })
      : unconfiguredVendor,
    gameProviders: createGameProviders({ db, keyRing }),
    mailer: {
      from: config.mail.from,
      transport: createTransport({
        url: config.mail.smtpUrl?.reveal() ?? 'smtp://127.0.0.1:1',
        connectionTimeout: smtpTimeoutMs,
        greetingTimeout: smtpTimeoutMs,
        socketTimeout: smtpTimeoutMs,
      }),
    },
  };
}

/** Accounts at PSPs, in the clear for the connectors alone. */
export function pspAccounts({ psp, cardVault }: Pick<Config, 'psp' | 'cardVault'>) {
  const { alpha, beta, gamma } = psp;
  return {
    vault: cardVault && { url: cardVault.url, callerSecret: cardVault.callerSecret.reveal() },
    alpha: alpha && {
      url: alpha.url,
      apiKey: alpha.apiKey.reveal(),
      webhookSecret: alpha.webhookSecret.reveal(),
      formerSecrets: alpha.formerSecrets?.reveal() ?? [],
    },
    beta: beta && {
      url: beta.url,
      apiKey: beta.apiKey.reveal(),
      merchantAccount: beta.merchantAccount,
      hmacKey: beta.hmacKey.reveal(),
      formerSecrets: beta.formerSecrets?.reveal() ?? [],
      severalCaptures: beta.severalCaptures === true,
    },
    gamma: gamma && {
      url: gamma.url,
      apiKey: gamma.apiKey.reveal(),
      processingChannelId: gamma.processingChannelId,
      currencyAccountId: gamma.currencyAccountId,
      webhookSecret: gamma.webhookSecret.reveal(),
      formerSecrets: gamma.formerSecrets?.reveal() ?? [],
      paysDaily: gamma.paysDaily !== false,
      ...(gamma.payoutSchedule && { payoutSchedule: gamma.payoutSchedule }),
    },
  };
}

const refuse = (): Promise<never> =>
  Promise.reject(new FailureError(fail('dependency-unavailable', 'No KYC vendor is configured.').failure));

const unconfiguredVendor: KycVendor = {
  ensureApplicant: refuse,
  readApplicant: refuse,
  createVerifyLink: refuse,
  screen: refuse,
};
