/** The environment of every child, made of the home's secrets, the derived ports and whatever the outside has set. */
import { delimiter, join } from 'node:path';
import type { Environment } from '#workers/config.ts';
import { findAnvil } from './anvil-binary.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import type { DevSecrets } from './dev-secrets.ts';
import { checkout } from './home.ts';
import type { Ports } from './ports.ts';

/** Which parts are ours to start: an address from outside always wins. */
export interface Embedded {
  readonly postgres: boolean;
  readonly temporal: boolean;
  readonly clickhouse: boolean;
  readonly mailbox: boolean;
  readonly pspAlpha: boolean;
  readonly pspBeta: boolean;
  readonly pspGamma: boolean;
  readonly bank: boolean;
  readonly kycVendor: boolean;
  readonly gameStudio: boolean;
  readonly oddsFeed: boolean;
  /** The local chain with its watcher and signer; only where its program is installed. */
  readonly chain: boolean;
  /** Only when it is asked for: CARD_VAULT=on. */
  readonly cardVault: boolean;
}

export interface PlatformEnvironment {
  /** Owner's address: migrations and seed. */
  readonly databaseUrl: string;
  readonly rolePasswords: { readonly writer: string; readonly reader: string };
  /** For API, workers and relay. */
  readonly forServices: Record<string, string>;
  /** With the key that the ledger is signed with, which no other process is given. */
  readonly forRelay: Record<string, string>;
  readonly forSeed: Record<string, string>;
}

/** Where the sandbox chain's first transaction puts its token. */
export const sandboxTokens = 'USDT=0x5FbDB2315678afecb367f032d93F642f64180aa3';

const isSet = (environment: Environment, name: string) => (environment[name] ?? '') !== '';

/**
 * A counterparty's address alone may be a proxy in front of our own stand-in; with its key it is somebody else's.
 */
export function decideEmbedded(given: Environment): Embedded {
  if (given['PITBOSS_MODE'] === 'production') return decideProduction(given);
  return {
    postgres: !isSet(given, 'DATABASE_URL'),
    temporal: !isSet(given, 'TEMPORAL_ADDRESS'),
    clickhouse: !isSet(given, 'CLICKHOUSE_URL'),
    mailbox: !isSet(given, 'SMTP_URL'),
    pspAlpha: !isSet(given, 'PSP_ALPHA_API_KEY'),
    pspBeta: !isSet(given, 'PSP_BETA_API_KEY'),
    pspGamma: !isSet(given, 'PSP_GAMMA_API_KEY'),
    bank: !isSet(given, 'BANK_API_KEY'),
    kycVendor: !isSet(given, 'KYC_VENDOR_APP_TOKEN'),
    gameStudio: !isSet(given, 'HUB88_PRIVATE_KEY'),
    oddsFeed: !isSet(given, 'ODDS_FEED_WEBHOOK_SECRET'),
    chain: !isSet(given, 'EVM_RPC_URL') && !isSet(given, 'EVM_XPUB') && findAnvil() !== null,
    cardVault: given['CARD_VAULT'] === 'on' && !isSet(given, 'CARD_VAULT_URL'),
  };
}

function decideProduction(given: Environment): Embedded {
  const missing = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL'].filter(
    (name) => !isSet(given, name),
  );
  if (missing.length > 0)
    throw new BringUpFailure(
      `${missing.join(', ')} must be set in production mode: the embedded engines and their generated secrets are for development.`,
    );
  return {
    postgres: false,
    temporal: false,
    clickhouse: false,
    mailbox: false,
    pspAlpha: false,
    pspBeta: false,
    pspGamma: false,
    bank: false,
    kycVendor: false,
    gameStudio: false,
    oddsFeed: false,
    chain: false,
    cardVault: false,
  };
}

export function composeEnvironment(request: {
  given: Environment;
  home: string;
  ports: Ports;
  secrets: DevSecrets | undefined;
  embedded: Embedded;
}): PlatformEnvironment {
  const { given, home, ports, secrets, embedded } = request;
  const common = {
    ...present(given),
    PITBOSS_HOME: home,
    PORT: String(ports.api),
    PATH: childPath(given),
    NODE_NO_WARNINGS: '1',
    ...(secrets === undefined ? {} : defaultsFrom(request.given, ports, secrets, embedded)),
  };
  const databaseUrl = given['DATABASE_URL'] || ownerUrl(ports, secrets);
  const rolePasswords = {
    writer: rolePassword(given, 'WRITER', secrets?.database.writer),
    reader: rolePassword(given, 'READER', secrets?.database.reader),
  };
  const roles = {
    DATABASE_WRITER_URL:
      given['DATABASE_WRITER_URL'] || roleUrl(databaseUrl, 'pitboss_writer', rolePasswords.writer),
    DATABASE_READER_URL:
      given['DATABASE_READER_URL'] || roleUrl(databaseUrl, 'pitboss_reader', rolePasswords.reader),
  };
  // Only migrations and the seed may act as the owner.
  const {
    DATABASE_URL: _owner,
    LEDGER_SIGNING_KEY: ledgerSigningKey,
    SEED_OPERATORS: _operators,
    ...withoutOwner
  }: Record<string, string> = common;
  return {
    databaseUrl,
    rolePasswords,
    forServices: { ...withoutOwner, ...roles },
    forRelay: {
      ...withoutOwner,
      ...roles,
      ...(ledgerSigningKey === undefined ? {} : { LEDGER_SIGNING_KEY: ledgerSigningKey }),
    },
    forSeed: {
      ...common,
      ...roles,
      DATABASE_URL: databaseUrl,
      ...(secrets === undefined ? {} : { SEED_OPERATORS: JSON.stringify(secrets.operators) }),
    },
  };
}

function defaultsFrom(
  given: Environment,
  ports: Ports,
  secrets: DevSecrets,
  embedded: Embedded,
): Record<string, string> {
  const address = (port: number) => `http://127.0.0.1:${port}`;
  const defaults: Record<string, string> = {
    PITBOSS_MODE: 'development',
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    CLICKHOUSE_URL: address(ports.clickhouse),
    SMTP_URL: `smtp://127.0.0.1:${ports.mailboxSmtp}`,
    KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey,
    BLIND_INDEX_KEY: secrets.blindIndexKey,
    PAYLOAD_CODEC_KEY: secrets.payloadCodecKey,
    LEDGER_SIGNING_KEY: secrets.ledgerSigningKey,
    ...(embedded.temporal ? { TEMPORAL_UI_URL: address(ports.temporalUi) } : {}),
    ...(embedded.clickhouse ? { CLICKHOUSE_USER: 'default', CLICKHOUSE_PASSWORD: secrets.clickhouse } : {}),
    ...(embedded.pspAlpha
      ? {
          PSP_ALPHA_URL: address(ports.pspAlpha),
          PSP_ALPHA_API_KEY: secrets.pspAlpha.apiKey,
          PSP_ALPHA_WEBHOOK_SECRET: secrets.pspAlpha.webhookSecret,
        }
      : {}),
    ...(embedded.pspBeta
      ? {
          PSP_BETA_URL: address(ports.pspBeta),
          PSP_BETA_API_KEY: secrets.pspBeta.apiKey,
          PSP_BETA_MERCHANT_ACCOUNT: secrets.pspBeta.merchantAccount,
          PSP_BETA_HMAC_KEY: secrets.pspBeta.hmacKey,
          PSP_BETA_SEVERAL_CAPTURES: 'true',
        }
      : {}),
    ...(embedded.pspGamma
      ? {
          PSP_GAMMA_URL: address(ports.pspGamma),
          PSP_GAMMA_API_KEY: secrets.pspGamma.apiKey,
          PSP_GAMMA_PROCESSING_CHANNEL_ID: secrets.pspGamma.processingChannelId,
          PSP_GAMMA_CURRENCY_ACCOUNT_ID: secrets.pspGamma.currencyAccountId,
          PSP_GAMMA_WEBHOOK_SECRET: secrets.pspGamma.webhookSecret,
        }
      : {}),
    ...(embedded.cardVault
      ? {
          CARD_VAULT_URL: address(ports.cardVault),
          CARD_VAULT_CALLER_SECRET: secrets.cardVault.callerSecret,
        }
      : {}),
    ...(embedded.bank
      ? {
          BANK_URL: address(ports.bank),
          BANK_API_KEY: secrets.bank.apiKey,
          BANK_IBAN: secrets.bank.iban,
          BANK_ACCOUNT_NAME: secrets.bank.name,
        }
      : {}),
    ...(embedded.kycVendor
      ? {
          KYC_VENDOR_URL: address(ports.kycVendor),
          KYC_VENDOR_APP_TOKEN: secrets.kycVendor.appToken,
          KYC_VENDOR_SECRET_KEY: secrets.kycVendor.secretKey,
          KYC_VENDOR_WEBHOOK_SECRET: secrets.kycVendor.webhookSecret,
        }
      : {}),
    ...(embedded.gameStudio
      ? {
          GAME_STUDIO_URL: address(ports.gameStudio),
          HUB88_PRIVATE_KEY: secrets.hub88.operatorPrivateKey,
          GAME_STUDIO_PUBLIC_KEY: secrets.hub88.studioPublicKey,
          A8R_V2_AUTH_TOKEN: secrets.a8r.v2Token,
          A8R_V1_AUTH_TOKEN: secrets.a8r.v1Token,
        }
      : {}),
    ...(embedded.chain
      ? {
          EVM_CHAIN: 'ethereum',
          EVM_CHAIN_ID: '31337',
          EVM_RPC_URL: address(ports.chainRpc),
          EVM_XPUB: secrets.evm.xpub,
          EVM_TOKENS: sandboxTokens,
          EVM_SIGNER_URL: address(ports.chainSigner),
          EVM_SIGNER_SECRET: secrets.evm.signerSecret,
        }
      : {}),
    ...(embedded.oddsFeed ? { ODDS_FEED_WEBHOOK_SECRET: secrets.oddsFeed.webhookSecret } : {}),
  };
  return { ...defaults, ...present(given, Object.keys(defaults)) };
}

function ownerUrl(ports: Ports, secrets: DevSecrets | undefined): string {
  return `postgres://pitboss:${secrets?.database.owner ?? ''}@127.0.0.1:${ports.postgres}/pitboss`;
}

/** Migrations give the roles their passwords, so they must be the ones the services will use. */
function rolePassword(given: Environment, role: 'WRITER' | 'READER', generated: string | undefined): string {
  const fromUrl = given[`DATABASE_${role}_URL`];
  if (fromUrl !== undefined && URL.canParse(fromUrl)) return decodeURIComponent(new URL(fromUrl).password);
  const password = given[`DATABASE_${role}_PASSWORD`] || generated;
  if (password === undefined)
    throw new BringUpFailure(
      `DATABASE_${role}_URL or DATABASE_${role}_PASSWORD must be set in production mode.`,
    );
  return password;
}

function roleUrl(databaseUrl: string, role: string, password: string): string {
  if (!URL.canParse(databaseUrl))
    throw new BringUpFailure(
      'DATABASE_URL is not an address of the form postgres://user:password@host:port/database.',
    );
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = encodeURIComponent(password);
  return url.href;
}

/** A child that calls node or npx means the one that npm installed with us. */
export function childPath(given: Environment): string {
  return `${join(checkout, 'node_modules', '.bin')}${delimiter}${given['PATH'] ?? ''}`;
}

function present(environment: Environment, names = Object.keys(environment)): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined && value !== '') values[name] = value;
  }
  return values;
}
