/** What every process of the platform is told from outside: the one place that reads the environment. */
import { z } from 'zod';
import {
  chainNames,
  tokenListProblems,
  type ChainName,
  type ListedToken,
} from '#domain/payments/crypto/chains.ts';
import { activeSecretsMax, type FormerSecret } from '#domain/former-secrets.ts';
import { parsePayoutSchedule, type PayoutSchedule } from '#domain/payments/payout-schedule.ts';
import { ConfigFailure } from './config-failure.ts';
import { Secret } from './secret.ts';
import { secretProblems, type NamedSecret } from './secret-strength.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What others may still sign webhooks with while a secret is rotated. */
type FormerSecrets = Secret<readonly FormerSecret[]>;

export interface PspAlphaConfig {
  readonly url: string;
  readonly apiKey: Secret;
  readonly webhookSecret: Secret;
  readonly formerSecrets?: FormerSecrets;
}

export interface PspBetaConfig {
  readonly url: string;
  readonly apiKey: Secret;
  readonly merchantAccount: string;
  /** Hex, as the Adyen dialect hands it out. */
  readonly hmacKey: Secret;
  readonly formerSecrets?: FormerSecrets;
  /** The account is set up for several partial captures of one payment. */
  readonly severalCaptures?: boolean;
}

export interface PspGammaConfig {
  readonly url: string;
  readonly apiKey: Secret;
  readonly processingChannelId: string;
  /** Where payouts are taken from. */
  readonly currencyAccountId: string;
  readonly webhookSecret: Secret;
  readonly formerSecrets?: FormerSecrets;
  /** It pays to our bank each day, so that a day's file tells its payout. */
  readonly paysDaily?: boolean;
  /** When it pays otherwise; files are proven together from payout to payout. */
  readonly payoutSchedule?: PayoutSchedule | undefined;
}

export interface CardVaultConfig {
  readonly url: string;
  /** Shared with the vault; signs our calls. */
  readonly callerSecret: Secret;
}

export interface BankConfig {
  readonly url: string;
  readonly apiKey: Secret;
  /** The account that payouts leave from and pay-ins arrive at. */
  readonly iban: string;
  readonly bic: string | null;
  readonly name: string;
}

export interface EvmConfig {
  readonly chain: ChainName;
  readonly chainId: number;
  /** Addresses of nodes carry keys. */
  readonly rpcUrl: Secret;
  /** Public: whoever has it sees all addresses and can take nothing. */
  readonly xpub: string;
  readonly tokens: readonly ListedToken[];
  /** Without it deposits are taken and nothing is paid out. */
  readonly signer: { readonly url: string; readonly secret: Secret } | undefined;
}

export interface KycVendorConfig {
  readonly url: string;
  readonly appToken: Secret;
  readonly secretKey: Secret;
  readonly webhookSecret: Secret;
  readonly formerSecrets?: FormerSecrets;
}

export interface GameStudioConfig {
  readonly url: string;
  /** PEM: ours, signs what we send to the studio. */
  readonly operatorPrivateKey: Secret;
  /** PEM: theirs, checks what the studio sends to us. */
  readonly studioPublicKey: string;
  /** Shared with the studio where it speaks a8r; a version without its token is not connected. */
  readonly a8rTokens: { readonly v2: Secret | undefined; readonly v1: Secret | undefined };
}

export interface OddsFeedConfig {
  /** Shared with the feed, which signs its messages with it. */
  readonly webhookSecret: Secret;
}

export interface OperatorLogin {
  readonly email: string;
  readonly password: Secret;
  readonly role: string;
}

export interface Config {
  readonly mode: 'development' | 'production' | 'test';
  readonly home: string;
  readonly api: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string;
    /** Networks whose forwarding headers are believed; none means that only the peer's own address counts. */
    readonly trustedProxies: readonly string[];
  };
  readonly database: {
    /** Owner of the schemas: migrations and the seed only. */
    readonly ownerUrl: Secret | undefined;
    readonly writerUrl: Secret;
    readonly readerUrl: Secret;
    readonly writerPassword: Secret | undefined;
    readonly readerPassword: Secret | undefined;
  };
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly uiUrl: string | undefined;
  };
  readonly clickhouse: {
    readonly url: string;
    readonly user: string;
    readonly password: Secret;
    readonly database: string;
  };
  readonly kafka: { readonly brokers: readonly string[] };
  readonly mail: { readonly smtpUrl: Secret | undefined; readonly from: string };
  readonly keys: {
    readonly keyEncryption: Secret<Buffer>;
    readonly blindIndex: Secret<Buffer>;
    readonly payloadCodec: Secret<Buffer>;
  };
  /** Of the ledger's Merkle log. */
  readonly ledgerLog: {
    /** Names the log and its key in checkpoints. */
    readonly origin: string;
    /** Secret half of an Ed25519 key; only the relay signs. */
    readonly signingKey: Secret<Buffer> | undefined;
    /** Where checkpoints are sent to be co-signed. */
    readonly witnessUrl: string | undefined;
    /** Verifier key (name+id+key) of the witness; its answers are checked with it. */
    readonly witnessKey: string | undefined;
  };
  readonly audit: {
    /** When false, an audit that finds a difference raises the alarm and leaves withdrawals open. */
    readonly stopsWithdrawals: boolean;
    /** Hour of the day (UTC) after which the whole ledger is read once. */
    readonly fullScanHour: number;
  };
  readonly psp: {
    readonly alpha: PspAlphaConfig | undefined;
    readonly beta: PspBetaConfig | undefined;
    readonly gamma: PspGammaConfig | undefined;
  };
  /** Our own vault for card numbers; without it every PSP makes its own tokens. */
  readonly cardVault: CardVaultConfig | undefined;
  readonly bank: BankConfig | undefined;
  readonly evm: EvmConfig | undefined;
  readonly kycVendor: KycVendorConfig | undefined;
  readonly gameStudio: GameStudioConfig | undefined;
  readonly oddsFeed: OddsFeedConfig | undefined;
  readonly seed: { readonly operators: readonly OperatorLogin[] };
  /** Health and metrics on a port of their own, which is never published. */
  /** Wallets that an API process keeps in memory between bets. */
  readonly walletsRemembered: number;
  readonly metricsPort: number | undefined;
  /** Where that port is bound: loopback, or in a container every address. */
  readonly metricsHost: string;
  /** Opens `/metrics` on the API's own port to whoever sends it as a bearer token. */
  readonly metricsToken: Secret | undefined;
  /** Metrics of the Temporal SDK's own runtime, which wants a port of its own. */
  readonly sdkMetricsPort: number | undefined;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly otlpEndpoint: string | undefined;
  readonly workerBuildId: string | undefined;
}

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .refine((value) => value > 0 && value < 65_536, 'must be a port number between 1 and 65535');

const url = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)),
      `must be an address that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    );

const key32Bytes = z
  .string()
  .refine(
    (value) => /^[A-Za-z0-9+/]{43}=$/.test(value),
    'must be 32 random bytes in base64 (openssl rand -base64 32)',
  );

/** One line in an env file cannot hold a PEM, so a literal \n is accepted for a line break. */
const pem = z
  .string()
  .transform((value) => value.replaceAll('\\n', '\n'))
  .refine((value) => value.includes('-----BEGIN '), 'must be a key in PEM form');

const networks = z
  .string()
  .transform(listOf)
  .refine(
    (items) => items.every((item) => network.safeParse(item).success),
    'must be networks such as 10.0.0.0/8 or addresses, separated by commas',
  );
const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** Such as USDT=0x…,USDC=0x… */
const tokens = z
  .string()
  .transform((value) =>
    listOf(value).map((item) => {
      const [asset = '', contract = ''] = item.split('=');
      return { asset, contract };
    }),
  )
  .refine(
    (items) => items.every(({ contract }) => /^0x[0-9a-fA-F]{40}$/.test(contract)),
    'must be assets with their contracts, such as USDT=0x…, separated by commas',
  );

const operators = z.string().transform((value, context) => {
  const parsed = z
    .array(z.object({ email: z.string(), password: z.string(), role: z.string() }))
    .safeParse(parseJson(value));
  if (parsed.success) return parsed.data;
  context.addIssue('must be a JSON list of {email, password, role}');
  return z.NEVER;
});

const payoutDays = z.string().transform((value, context): PayoutSchedule => {
  const schedule = parsePayoutSchedule(value);
  if (schedule.ok) return schedule.value;
  context.addIssue('must be days of the week (mon,thu) or of the month (1,15), each once');
  return z.NEVER;
});

const hexadecimal = /^([0-9a-f]{2})+$/i;

/** Ended ones may stay in the list: they prove what was taken while they were valid. */
const formerSecretsMax = 8;

const formerSecrets = z.string().transform((value, context): readonly FormerSecret[] => {
  const parsed = z
    .array(
      z.strictObject({
        name: z.string().min(1).max(60),
        secret: z.string().min(1),
        validUntil: z.iso.datetime({ offset: true }),
      }),
    )
    .max(formerSecretsMax)
    .safeParse(parseJson(value));
  if (parsed.success) return parsed.data;
  context.addIssue('must be a JSON list of {name, secret, validUntil}, validUntil with its zone');
  return z.NEVER;
});

const variables = z.object({
  PITBOSS_MODE: z.enum(['development', 'production', 'test']).default('development'),
  PITBOSS_HOME: z.string().default('.pitboss'),
  PORT: port.default(8080),
  API_HOST: z.string().default('127.0.0.1'),
  TRUSTED_PROXIES: networks.default([]),
  PUBLIC_URL: url('http', 'https').optional(),
  DATABASE_URL: url('postgres', 'postgresql').optional(),
  DATABASE_WRITER_URL: url('postgres', 'postgresql').optional(),
  DATABASE_READER_URL: url('postgres', 'postgresql').optional(),
  DATABASE_WRITER_PASSWORD: z.string().optional(),
  DATABASE_READER_PASSWORD: z.string().optional(),
  TEMPORAL_ADDRESS: z.string().regex(/^[^\s/]+:\d+$/, 'must be host:port'),
  TEMPORAL_NAMESPACE: z.string().default('pitboss'),
  TEMPORAL_UI_URL: url('http', 'https').optional(),
  CLICKHOUSE_URL: url('http', 'https'),
  CLICKHOUSE_USER: z.string().optional(),
  CLICKHOUSE_PASSWORD: z.string().optional(),
  CLICKHOUSE_DATABASE: z.string().regex(/^\w+$/, 'must be a plain name').default('pitboss'),
  KAFKA_BROKERS: z.string().optional(),
  SMTP_URL: url('smtp', 'smtps').optional(),
  MAIL_FROM: z.string().default('Pitboss <no-reply@pitboss.localhost>'),
  KEY_ENCRYPTION_KEY: key32Bytes,
  BLIND_INDEX_KEY: key32Bytes,
  PAYLOAD_CODEC_KEY: key32Bytes,
  LEDGER_SIGNING_KEY: key32Bytes.optional(),
  LEDGER_LOG_ORIGIN: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'must be a name like operator.example/ledger')
    .default('pitboss.localhost/ledger'),
  LEDGER_WITNESS_URL: url('http', 'https').optional(),
  LEDGER_WITNESS_KEY: z.string().optional(),
  AUDIT_STOPS_WITHDRAWALS: z.enum(['true', 'false']).default('true'),
  AUDIT_FULL_SCAN_HOUR: z
    .string()
    .regex(/^(\d|1\d|2[0-3])$/, 'must be an hour from 0 to 23')
    .transform(Number)
    .default(3),
  PSP_ALPHA_URL: url('http', 'https').optional(),
  PSP_ALPHA_API_KEY: z.string().optional(),
  PSP_ALPHA_WEBHOOK_SECRET: z.string().optional(),
  PSP_ALPHA_FORMER_WEBHOOK_SECRETS: formerSecrets.default([]),
  PSP_BETA_URL: url('http', 'https').optional(),
  PSP_BETA_API_KEY: z.string().optional(),
  PSP_BETA_MERCHANT_ACCOUNT: z.string().optional(),
  PSP_BETA_SEVERAL_CAPTURES: z.enum(['true', 'false']).default('false'),
  /** True is the stricter one: a day's file without its payout is not taken as whole. */
  PSP_GAMMA_PAYS_DAILY: z.enum(['true', 'false']).default('true'),
  PSP_GAMMA_PAYOUT_DAYS: payoutDays.optional(),
  PSP_BETA_HMAC_KEY: z.string().regex(hexadecimal, 'must be hexadecimal').optional(),
  PSP_BETA_FORMER_HMAC_KEYS: formerSecrets.default([]),
  PSP_GAMMA_URL: url('http', 'https').optional(),
  PSP_GAMMA_API_KEY: z.string().optional(),
  PSP_GAMMA_PROCESSING_CHANNEL_ID: z.string().optional(),
  PSP_GAMMA_CURRENCY_ACCOUNT_ID: z.string().optional(),
  PSP_GAMMA_WEBHOOK_SECRET: z.string().optional(),
  PSP_GAMMA_FORMER_WEBHOOK_SECRETS: formerSecrets.default([]),
  CARD_VAULT_URL: url('http', 'https').optional(),
  CARD_VAULT_CALLER_SECRET: z.string().optional(),
  BANK_URL: url('http', 'https').optional(),
  BANK_API_KEY: z.string().optional(),
  BANK_IBAN: z.string().optional(),
  BANK_ACCOUNT_NAME: z.string().optional(),
  BANK_BIC: z.string().optional(),
  EVM_CHAIN: z.enum(chainNames).default('ethereum'),
  EVM_CHAIN_ID: z
    .string()
    .regex(/^[1-9]\d{0,9}$/, 'must be a number')
    .optional(),
  EVM_RPC_URL: url('http', 'https').optional(),
  EVM_XPUB: z
    .string()
    .regex(/^xpub[1-9A-HJ-NP-Za-km-z]{107}$/, 'must be an extended public key (xpub…)')
    .optional(),
  EVM_TOKENS: tokens.default([]),
  EVM_SIGNER_URL: url('http', 'https').optional(),
  EVM_SIGNER_SECRET: z.string().optional(),
  KYC_VENDOR_URL: url('http', 'https').optional(),
  KYC_VENDOR_APP_TOKEN: z.string().optional(),
  KYC_VENDOR_SECRET_KEY: z.string().optional(),
  KYC_VENDOR_WEBHOOK_SECRET: z.string().optional(),
  KYC_VENDOR_FORMER_WEBHOOK_SECRETS: formerSecrets.default([]),
  GAME_STUDIO_URL: url('http', 'https').optional(),
  HUB88_PRIVATE_KEY: pem.optional(),
  GAME_STUDIO_PUBLIC_KEY: pem.optional(),
  A8R_V2_AUTH_TOKEN: z.string().optional(),
  A8R_V1_AUTH_TOKEN: z.string().optional(),
  ODDS_FEED_WEBHOOK_SECRET: z.string().optional(),
  SEED_OPERATORS: operators.optional(),
  WALLETS_REMEMBERED: z
    .string()
    .regex(/^[1-9]\d{0,7}$/, 'must be a number of wallets from 1 to 99999999')
    .transform(Number)
    .default(250_000),
  METRICS_PORT: port.optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
  METRICS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  SDK_METRICS_PORT: port.optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').optional(),
  WORKER_BUILD_ID: z.string().optional(),
});

type Variables = z.infer<typeof variables>;

/** Every variable the platform reads; docker-compose.yml is checked against it. */
export const configKeys: readonly string[] = Object.keys(variables.shape);

export function loadConfig(environment: Environment = process.env): Config {
  const parsed = variables.safeParse(withoutEmpty(environment));
  if (!parsed.success) throw new ConfigFailure(parsed.error.issues.map(sentence));
  const problems: string[] = [];
  const config = assemble(parsed.data, problems);
  if (config.mode === 'production') problems.push(...productionProblems(config, parsed.data));
  if (problems.length > 0) throw new ConfigFailure(problems);
  return config;
}

/** What the bring-up itself needs before any address is known. */
export function readEnvironment(): Environment {
  return process.env;
}

const analyticsVariables = z.object({
  CLICKHOUSE_PORT: port,
  CLICKHOUSE_USER: z.string().default('default'),
  CLICKHOUSE_PASSWORD: z.string().min(1),
  CLICKHOUSE_DIR: z.string().min(1),
});

export interface AnalyticsConfig {
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly dir: string;
}

/** The embedded analytics engine is told its own four variables and no secret of the platform. */
export function loadAnalyticsConfig(environment: Environment = process.env): AnalyticsConfig {
  const parsed = analyticsVariables.safeParse(withoutEmpty(environment));
  if (!parsed.success) throw new ConfigFailure(parsed.error.issues.map(sentence));
  const { CLICKHOUSE_PORT, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_DIR } = parsed.data;
  return {
    port: CLICKHOUSE_PORT,
    user: CLICKHOUSE_USER,
    password: new Secret(CLICKHOUSE_PASSWORD),
    dir: CLICKHOUSE_DIR,
  };
}

function assemble(given: Variables, problems: string[]): Config {
  return {
    mode: given.PITBOSS_MODE,
    home: given.PITBOSS_HOME,
    api: {
      host: given.API_HOST,
      port: given.PORT,
      publicUrl: (given.PUBLIC_URL ?? `http://127.0.0.1:${given.PORT}`).replace(/\/$/, ''),
      trustedProxies: given.TRUSTED_PROXIES,
    },
    database: databaseOf(given, problems),
    temporal: {
      address: given.TEMPORAL_ADDRESS,
      namespace: given.TEMPORAL_NAMESPACE,
      uiUrl: given.TEMPORAL_UI_URL,
    },
    clickhouse: clickhouseOf(given),
    kafka: { brokers: listOf(given.KAFKA_BROKERS) },
    mail: { smtpUrl: secretOf(given.SMTP_URL), from: given.MAIL_FROM },
    keys: {
      keyEncryption: keyOf(given.KEY_ENCRYPTION_KEY),
      blindIndex: keyOf(given.BLIND_INDEX_KEY),
      payloadCodec: keyOf(given.PAYLOAD_CODEC_KEY),
    },
    ledgerLog: ledgerLogOf(given, problems),
    audit: {
      stopsWithdrawals: given.AUDIT_STOPS_WITHDRAWALS === 'true',
      fullScanHour: given.AUDIT_FULL_SCAN_HOUR,
    },
    psp: {
      alpha: pspAlphaOf(given, problems),
      beta: pspBetaOf(given, problems),
      gamma: pspGammaOf(given, problems),
    },
    cardVault: cardVaultOf(given, problems),
    bank: bankOf(given, problems),
    evm: evmOf(given, problems),
    kycVendor: kycVendorOf(given, problems),
    gameStudio: gameStudioOf(given, problems),
    oddsFeed: oddsFeedOf(given),
    seed: {
      operators: (given.SEED_OPERATORS ?? []).map((operator) => ({
        ...operator,
        password: new Secret(operator.password),
      })),
    },
    walletsRemembered: given.WALLETS_REMEMBERED,
    metricsPort: given.METRICS_PORT,
    metricsHost: given.METRICS_HOST,
    metricsToken: secretOf(given.METRICS_TOKEN),
    sdkMetricsPort: given.SDK_METRICS_PORT,
    logLevel: given.LOG_LEVEL,
    otlpEndpoint: given.OTEL_EXPORTER_OTLP_ENDPOINT,
    workerBuildId: given.WORKER_BUILD_ID,
  };
}

function ledgerLogOf(given: Variables, problems: string[]): Config['ledgerLog'] {
  const witness = wholeGroup(given, ['LEDGER_WITNESS_URL', 'LEDGER_WITNESS_KEY'] as const, problems);
  return {
    origin: given.LEDGER_LOG_ORIGIN,
    signingKey: given.LEDGER_SIGNING_KEY === undefined ? undefined : keyOf(given.LEDGER_SIGNING_KEY),
    witnessUrl: witness?.LEDGER_WITNESS_URL,
    witnessKey: witness?.LEDGER_WITNESS_KEY,
  };
}

function databaseOf(given: Variables, problems: string[]): Config['database'] {
  const writerUrl =
    given.DATABASE_WRITER_URL ??
    roleUrl(given.DATABASE_URL, 'pitboss_writer', given.DATABASE_WRITER_PASSWORD);
  const readerUrl =
    given.DATABASE_READER_URL ??
    roleUrl(given.DATABASE_URL, 'pitboss_reader', given.DATABASE_READER_PASSWORD);
  if (writerUrl === undefined)
    problems.push(
      'DATABASE_WRITER_URL is not set, and DATABASE_URL with DATABASE_WRITER_PASSWORD is not there to derive it from.',
    );
  if (readerUrl === undefined)
    problems.push(
      'DATABASE_READER_URL is not set, and DATABASE_URL with DATABASE_READER_PASSWORD is not there to derive it from.',
    );
  return {
    ownerUrl: secretOf(given.DATABASE_URL),
    writerUrl: new Secret(writerUrl ?? ''),
    readerUrl: new Secret(readerUrl ?? ''),
    writerPassword: secretOf(given.DATABASE_WRITER_PASSWORD),
    readerPassword: secretOf(given.DATABASE_READER_PASSWORD),
  };
}

function roleUrl(
  ownerUrl: string | undefined,
  role: string,
  password: string | undefined,
): string | undefined {
  if (ownerUrl === undefined || password === undefined) return undefined;
  const derived = new URL(ownerUrl);
  derived.username = role;
  derived.password = encodeURIComponent(password);
  return derived.href;
}

function clickhouseOf(given: Variables): Config['clickhouse'] {
  const address = new URL(given.CLICKHOUSE_URL);
  const user = given.CLICKHOUSE_USER ?? decodeURIComponent(address.username);
  const password = given.CLICKHOUSE_PASSWORD ?? decodeURIComponent(address.password);
  address.username = '';
  address.password = '';
  return {
    url: address.href.replace(/\/$/, ''),
    user: user === '' ? 'default' : user,
    password: new Secret(password),
    database: given.CLICKHOUSE_DATABASE,
  };
}

function pspAlphaOf(given: Variables, problems: string[]): PspAlphaConfig | undefined {
  const names = ['PSP_ALPHA_URL', 'PSP_ALPHA_API_KEY', 'PSP_ALPHA_WEBHOOK_SECRET'] as const;
  const group = wholeGroup(given, names, problems);
  return (
    group && {
      url: group.PSP_ALPHA_URL,
      apiKey: new Secret(group.PSP_ALPHA_API_KEY),
      webhookSecret: new Secret(group.PSP_ALPHA_WEBHOOK_SECRET),
      formerSecrets: formerOf(
        given,
        'PSP_ALPHA_FORMER_WEBHOOK_SECRETS',
        'PSP_ALPHA_WEBHOOK_SECRET',
        problems,
      ),
    }
  );
}

function pspBetaOf(given: Variables, problems: string[]): PspBetaConfig | undefined {
  const names = [
    'PSP_BETA_URL',
    'PSP_BETA_API_KEY',
    'PSP_BETA_MERCHANT_ACCOUNT',
    'PSP_BETA_HMAC_KEY',
  ] as const;
  const group = wholeGroup(given, names, problems);
  return (
    group && {
      url: group.PSP_BETA_URL,
      apiKey: new Secret(group.PSP_BETA_API_KEY),
      merchantAccount: group.PSP_BETA_MERCHANT_ACCOUNT,
      hmacKey: new Secret(group.PSP_BETA_HMAC_KEY),
      formerSecrets: formerOf(given, 'PSP_BETA_FORMER_HMAC_KEYS', 'PSP_BETA_HMAC_KEY', problems),
      severalCaptures: given.PSP_BETA_SEVERAL_CAPTURES === 'true',
    }
  );
}

function pspGammaOf(given: Variables, problems: string[]): PspGammaConfig | undefined {
  const names = [
    'PSP_GAMMA_URL',
    'PSP_GAMMA_API_KEY',
    'PSP_GAMMA_PROCESSING_CHANNEL_ID',
    'PSP_GAMMA_CURRENCY_ACCOUNT_ID',
    'PSP_GAMMA_WEBHOOK_SECRET',
  ] as const;
  const group = wholeGroup(given, names, problems);
  return (
    group && {
      url: group.PSP_GAMMA_URL,
      apiKey: new Secret(group.PSP_GAMMA_API_KEY),
      processingChannelId: group.PSP_GAMMA_PROCESSING_CHANNEL_ID,
      currencyAccountId: group.PSP_GAMMA_CURRENCY_ACCOUNT_ID,
      webhookSecret: new Secret(group.PSP_GAMMA_WEBHOOK_SECRET),
      formerSecrets: formerOf(
        given,
        'PSP_GAMMA_FORMER_WEBHOOK_SECRETS',
        'PSP_GAMMA_WEBHOOK_SECRET',
        problems,
      ),
      paysDaily: given.PSP_GAMMA_PAYS_DAILY === 'true' && given.PSP_GAMMA_PAYOUT_DAYS === undefined,
      payoutSchedule: given.PSP_GAMMA_PAYOUT_DAYS,
    }
  );
}

const formerNames = [
  'PSP_ALPHA_FORMER_WEBHOOK_SECRETS',
  'PSP_BETA_FORMER_HMAC_KEYS',
  'PSP_GAMMA_FORMER_WEBHOOK_SECRETS',
  'KYC_VENDOR_FORMER_WEBHOOK_SECRETS',
] as const;

/** A rotation has the current secret and one more: names and secrets differ, and what has ended may stay. */
function formerOf(
  given: Variables,
  name: (typeof formerNames)[number],
  currentName:
    | 'PSP_ALPHA_WEBHOOK_SECRET'
    | 'PSP_BETA_HMAC_KEY'
    | 'PSP_GAMMA_WEBHOOK_SECRET'
    | 'KYC_VENDOR_WEBHOOK_SECRET',
  problems: string[],
): FormerSecrets {
  const former = given[name];
  const active = former.filter(({ validUntil }) => Date.parse(validUntil) > Date.now());
  if (active.length > activeSecretsMax - 1)
    problems.push(
      `${name} has ${active.length} secrets that have not ended; beside ${currentName} one may be.`,
    );
  if (new Set(former.map((one) => one.name)).size < former.length) problems.push(`${name} has a name twice.`);
  const secrets = [given[currentName], ...former.map(({ secret }) => secret)];
  if (new Set(secrets).size < secrets.length)
    problems.push(`${name} has a secret twice, or the current one.`);
  if (currentName === 'PSP_BETA_HMAC_KEY' && !former.every(({ secret }) => hexadecimal.test(secret)))
    problems.push(`The secrets of ${name} must be hexadecimal.`);
  return new Secret(former);
}

function cardVaultOf(given: Variables, problems: string[]): CardVaultConfig | undefined {
  const group = wholeGroup(given, ['CARD_VAULT_URL', 'CARD_VAULT_CALLER_SECRET'] as const, problems);
  return group && { url: group.CARD_VAULT_URL, callerSecret: new Secret(group.CARD_VAULT_CALLER_SECRET) };
}

function bankOf(given: Variables, problems: string[]): BankConfig | undefined {
  const names = ['BANK_URL', 'BANK_API_KEY', 'BANK_IBAN', 'BANK_ACCOUNT_NAME'] as const;
  const group = wholeGroup(given, names, problems);
  return (
    group && {
      url: group.BANK_URL,
      apiKey: new Secret(group.BANK_API_KEY),
      iban: group.BANK_IBAN,
      bic: given.BANK_BIC ?? null,
      name: group.BANK_ACCOUNT_NAME,
    }
  );
}

function evmOf(given: Variables, problems: string[]): EvmConfig | undefined {
  const group = wholeGroup(given, ['EVM_RPC_URL', 'EVM_CHAIN_ID', 'EVM_XPUB'] as const, problems);
  const signer = wholeGroup(given, ['EVM_SIGNER_URL', 'EVM_SIGNER_SECRET'] as const, problems);
  problems.push(...tokenListProblems(given.EVM_CHAIN, given.EVM_TOKENS));
  return (
    group && {
      chain: given.EVM_CHAIN,
      chainId: Number(group.EVM_CHAIN_ID),
      rpcUrl: new Secret(group.EVM_RPC_URL),
      xpub: group.EVM_XPUB,
      tokens: given.EVM_TOKENS,
      signer: signer && { url: signer.EVM_SIGNER_URL, secret: new Secret(signer.EVM_SIGNER_SECRET) },
    }
  );
}

function kycVendorOf(given: Variables, problems: string[]): KycVendorConfig | undefined {
  const names = [
    'KYC_VENDOR_URL',
    'KYC_VENDOR_APP_TOKEN',
    'KYC_VENDOR_SECRET_KEY',
    'KYC_VENDOR_WEBHOOK_SECRET',
  ] as const;
  const group = wholeGroup(given, names, problems);
  return (
    group && {
      url: group.KYC_VENDOR_URL,
      appToken: new Secret(group.KYC_VENDOR_APP_TOKEN),
      secretKey: new Secret(group.KYC_VENDOR_SECRET_KEY),
      webhookSecret: new Secret(group.KYC_VENDOR_WEBHOOK_SECRET),
      formerSecrets: formerOf(
        given,
        'KYC_VENDOR_FORMER_WEBHOOK_SECRETS',
        'KYC_VENDOR_WEBHOOK_SECRET',
        problems,
      ),
    }
  );
}

function gameStudioOf(given: Variables, problems: string[]): GameStudioConfig | undefined {
  const names = ['GAME_STUDIO_URL', 'HUB88_PRIVATE_KEY', 'GAME_STUDIO_PUBLIC_KEY'] as const;
  const group = wholeGroup(given, names, problems);
  return (
    group && {
      url: group.GAME_STUDIO_URL,
      operatorPrivateKey: new Secret(group.HUB88_PRIVATE_KEY),
      studioPublicKey: group.GAME_STUDIO_PUBLIC_KEY,
      a8rTokens: { v2: secretOf(given.A8R_V2_AUTH_TOKEN), v1: secretOf(given.A8R_V1_AUTH_TOKEN) },
    }
  );
}

function oddsFeedOf(given: Variables): OddsFeedConfig | undefined {
  const secret = secretOf(given.ODDS_FEED_WEBHOOK_SECRET);
  return secret && { webhookSecret: secret };
}

/** A counterparty is configured with all its variables or not at all: half of one would fail at the first call. */
function wholeGroup<Name extends keyof Variables>(
  given: Variables,
  names: readonly Name[],
  problems: string[],
): Record<Name, string> | undefined {
  const present = names.filter((name) => given[name] !== undefined);
  if (present.length === 0) return undefined;
  for (const name of names) {
    if (given[name] === undefined)
      problems.push(`${name} is missing although ${present.join(' and ')} is set.`);
  }
  if (present.length < names.length) return undefined;
  return given as Record<Name, string>;
}

function productionProblems(config: Config, given: Variables): string[] {
  const problems: string[] = [];
  if (given.PUBLIC_URL === undefined || !given.PUBLIC_URL.startsWith('https://'))
    problems.push('PUBLIC_URL must be an https address in production.');
  if (given.SMTP_URL === undefined)
    problems.push('SMTP_URL is not set; in production players get their mail from a real server.');
  if (config.seed.operators.length > 0)
    problems.push('SEED_OPERATORS is set; sample operators are not created in production.');
  return [...problems, ...secretProblems(productionSecrets(config, given))];
}

function productionSecrets(config: Config, given: Variables): NamedSecret[] {
  const passwordIn = (address: Secret) => decodeURIComponent(new URL(address.reveal()).password);
  const secrets: NamedSecret[] = [
    { name: 'KEY_ENCRYPTION_KEY', value: given.KEY_ENCRYPTION_KEY },
    { name: 'BLIND_INDEX_KEY', value: given.BLIND_INDEX_KEY },
    { name: 'PAYLOAD_CODEC_KEY', value: given.PAYLOAD_CODEC_KEY },
    { name: 'The password of the database writer', value: passwordIn(config.database.writerUrl) },
    { name: 'The password of the database reader', value: passwordIn(config.database.readerUrl) },
    { name: 'The ClickHouse password', value: config.clickhouse.password.reveal() },
  ];
  if (given.METRICS_TOKEN !== undefined) secrets.push({ name: 'METRICS_TOKEN', value: given.METRICS_TOKEN });
  if (config.database.ownerUrl !== undefined)
    secrets.push({
      name: 'The password of the database owner',
      value: passwordIn(config.database.ownerUrl),
    });
  if (given.LEDGER_SIGNING_KEY !== undefined)
    secrets.push({ name: 'LEDGER_SIGNING_KEY', value: given.LEDGER_SIGNING_KEY });
  const vendorNames = [
    'PSP_ALPHA_API_KEY',
    'PSP_ALPHA_WEBHOOK_SECRET',
    'PSP_BETA_API_KEY',
    'PSP_BETA_HMAC_KEY',
    'PSP_GAMMA_API_KEY',
    'PSP_GAMMA_WEBHOOK_SECRET',
    'CARD_VAULT_CALLER_SECRET',
    'BANK_API_KEY',
    'EVM_SIGNER_SECRET',
    'KYC_VENDOR_APP_TOKEN',
    'KYC_VENDOR_SECRET_KEY',
    'KYC_VENDOR_WEBHOOK_SECRET',
    'A8R_V2_AUTH_TOKEN',
    'A8R_V1_AUTH_TOKEN',
    'ODDS_FEED_WEBHOOK_SECRET',
  ] as const;
  for (const name of vendorNames) {
    const value = given[name];
    if (value !== undefined) secrets.push({ name, value });
  }
  for (const name of formerNames)
    for (const { name: of, secret: value } of given[name]) secrets.push({ name: `${name} (${of})`, value });
  return secrets;
}

function secretOf(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}

function keyOf(base64: string): Secret<Buffer> {
  return new Secret(Buffer.from(base64, 'base64'));
}

function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Compose files and shells hand over unset variables as empty strings. */
function withoutEmpty(environment: Environment): Record<string, string> {
  const present: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value !== '') present[name] = value;
  }
  return present;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sentence(issue: z.core.$ZodIssue): string {
  const name = issue.path.join('.');
  if (issue.code === 'invalid_type') return `${name} is not set.`;
  if (issue.code === 'invalid_value') return `${name} must be one of ${issue.values.join(', ')}.`;
  return `${name} ${issue.message}.`;
}
