/** `npx node platform/compose-env.ts > .env`: random secrets and sandbox addresses for docker-compose.yml on one machine. */
import { createDevSecrets } from './dev-secrets.ts';

/** The variables docker-compose.yml asks for, fit for a development stack with the sandbox profile. */
export function composeVariables(): Record<string, string> {
  const secrets = createDevSecrets();
  return {
    COMPOSE_PROFILES: 'sandbox',
    PITBOSS_MODE: 'development',
    PUBLIC_URL: 'http://127.0.0.1:8080',
    POSTGRES_PASSWORD: secrets.database.owner,
    DATABASE_WRITER_PASSWORD: secrets.database.writer,
    DATABASE_READER_PASSWORD: secrets.database.reader,
    TEMPORAL_DB_PASSWORD: secrets.temporalDatabase,
    CLICKHOUSE_PASSWORD: secrets.clickhouse,
    GRAFANA_PASSWORD: secrets.grafana,
    KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey,
    BLIND_INDEX_KEY: secrets.blindIndexKey,
    PAYLOAD_CODEC_KEY: secrets.payloadCodecKey,
    LEDGER_SIGNING_KEY: secrets.ledgerSigningKey,
    SMTP_URL: 'smtp://mailbox:2525',
    KAFKA_BROKERS: '',
    PSP_ALPHA_URL: 'http://psp-alpha:8080',
    PSP_ALPHA_API_KEY: secrets.pspAlpha.apiKey,
    PSP_ALPHA_WEBHOOK_SECRET: secrets.pspAlpha.webhookSecret,
    PSP_BETA_URL: 'http://psp-beta:8080',
    PSP_BETA_API_KEY: secrets.pspBeta.apiKey,
    PSP_BETA_MERCHANT_ACCOUNT: secrets.pspBeta.merchantAccount,
    PSP_BETA_HMAC_KEY: secrets.pspBeta.hmacKey,
    PSP_BETA_SEVERAL_CAPTURES: 'true',
    PSP_GAMMA_URL: 'http://psp-gamma:8080',
    PSP_GAMMA_API_KEY: secrets.pspGamma.apiKey,
    PSP_GAMMA_PROCESSING_CHANNEL_ID: secrets.pspGamma.processingChannelId,
    PSP_GAMMA_CURRENCY_ACCOUNT_ID: secrets.pspGamma.currencyAccountId,
    PSP_GAMMA_WEBHOOK_SECRET: secrets.pspGamma.webhookSecret,
    BANK_URL: 'http://bank:8080',
    BANK_API_KEY: secrets.bank.apiKey,
    BANK_IBAN: secrets.bank.iban,
    BANK_ACCOUNT_NAME: secrets.bank.name,
    KYC_VENDOR_URL: 'http://kyc-vendor:8080',
    KYC_VENDOR_APP_TOKEN: secrets.kycVendor.appToken,
    KYC_VENDOR_SECRET_KEY: secrets.kycVendor.secretKey,
    KYC_VENDOR_WEBHOOK_SECRET: secrets.kycVendor.webhookSecret,
    GAME_STUDIO_URL: 'http://game-studio:8080',
    HUB88_PRIVATE_KEY: secrets.hub88.operatorPrivateKey,
    HUB88_PUBLIC_KEY: secrets.hub88.operatorPublicKey,
    GAME_STUDIO_PRIVATE_KEY: secrets.hub88.studioPrivateKey,
    GAME_STUDIO_PUBLIC_KEY: secrets.hub88.studioPublicKey,
    A8R_V2_AUTH_TOKEN: secrets.a8r.v2Token,
    A8R_V1_AUTH_TOKEN: secrets.a8r.v1Token,
    ODDS_FEED_WEBHOOK_SECRET: secrets.oddsFeed.webhookSecret,
    SEED_OPERATORS: JSON.stringify(secrets.operators),
  };
}

/** Double quotes for keys, whose line breaks are written \n; single quotes for the rest, taken as they are. */
export function envLine([name, value]: [string, string]): string {
  if (value.includes('\n')) return `${name}="${value.trimEnd().replaceAll('\n', '\\n')}"`;
  return `${name}='${value}'`;
}

if (import.meta.main) {
  const head =
    '# Made by platform/compose-env.ts for docker-compose.yml. Development only; keep it out of version control.';
  process.stdout.write(`${[head, ...Object.entries(composeVariables()).map(envLine)].join('\n')}\n`);
}
