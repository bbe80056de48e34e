/** What the vault is told from outside; the one reader of its environment, and of nothing that belongs to the platform. */
import { z } from 'zod';
import { ConfigFailure } from '#workers/config-failure.ts';
import { Secret } from '#workers/secret.ts';
import { secretProblems, type NamedSecret } from '#workers/secret-strength.ts';
import { destination, type Destination } from './forward.ts';
import type { FingerprintKey } from './fingerprint.ts';

export type VaultKeysConfig =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'transit'; readonly url: string; readonly key: string; readonly accessToken: Secret };

export type VaultConfig = {
  readonly mode: 'development' | 'production' | 'test';
  readonly host: string;
  readonly port: number;
  readonly publicOrigin: string;
  readonly databaseUrl: Secret;
  readonly keys: VaultKeysConfig;
  /** The first one is for new cards; the others are there while a rotation runs. */
  readonly fingerprintKeys: readonly [Secret<FingerprintKey>, ...Secret<FingerprintKey>[]];
  readonly callerSecrets: readonly Secret[];
  readonly shopOrigins: readonly string[];
  readonly destinations: readonly Destination[];
  /** True behind a proxy of ours that sets X-Forwarded-For. */
  readonly isBehindProxy: boolean;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
};

const items = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
const origin = z.string().refine((value) => URL.canParse(value) && new URL(value).origin === value);

const variables = z.object({
  PITBOSS_MODE: z.enum(['development', 'production', 'test']).default('development'),
  VAULT_HOST: z.string().default('127.0.0.1'),
  VAULT_PORT: z.coerce.number().int().min(0).max(65_535).default(18_800),
  VAULT_PUBLIC_ORIGIN: origin.optional(),
  VAULT_DATABASE_URL: z.string().refine((value) => URL.canParse(value) && value.startsWith('postgres')),
  VAULT_KEY_FILE: z.string().optional(),
  VAULT_TRANSIT_URL: z.url({ protocol: /^https?$/ }).optional(),
  VAULT_TRANSIT_KEY: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional(),
  VAULT_TRANSIT_TOKEN: z.string().optional(),
  VAULT_FINGERPRINT_KEYS: z
    .string()
    .transform(items)
    .pipe(z.array(z.string().regex(/^[\w.-]{1,32}:[A-Za-z0-9+/]{43}=$/)).min(1)),
  VAULT_CALLER_SECRETS: z.string().transform(items).pipe(z.array(z.string()).min(1)),
  VAULT_SHOP_ORIGINS: z.string().transform(items).pipe(z.array(origin).min(1)),
  VAULT_DESTINATIONS: z
    .string()
    .transform((value) => parseJson(value))
    .pipe(z.array(destination).min(1)),
  VAULT_BEHIND_PROXY: z.enum(['true', 'false']).default('false'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

type Variables = z.infer<typeof variables>;

/** Every variable the vault reads; docker-compose.yml is checked against it. */
export const vaultConfigKeys: readonly string[] = Object.keys(variables.shape);

const expected: Readonly<Partial<Record<keyof Variables, string>>> = {
  VAULT_PUBLIC_ORIGIN: 'the origin that browsers see, such as https://cards.example.org',
  VAULT_DATABASE_URL: 'the address of the database of the vault alone (postgres://)',
  VAULT_FINGERPRINT_KEYS: 'name:key pairs, separated by commas; a key is 32 random bytes in base64',
  VAULT_CALLER_SECRETS: 'secrets of the callers, separated by commas',
  VAULT_SHOP_ORIGINS: 'origins of the shops, separated by commas',
  VAULT_DESTINATIONS: 'a JSON list of {name, origin, path, numberField, cvcField}',
};

export function loadVaultConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): VaultConfig {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = variables.safeParse(present);
  if (!parsed.success) {
    // The value itself is never told: most of these are secrets.
    const names = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))];
    throw new ConfigFailure(
      names.map((name) => `${name} is not set, or is not ${expected[name as keyof Variables] ?? 'valid'}.`),
    );
  }
  const given = parsed.data;
  const problems: string[] = [];
  const keys = keysOf(given, problems);
  if (given.PITBOSS_MODE === 'production') problems.push(...productionProblems(given));
  const [first, ...others] = given.VAULT_FINGERPRINT_KEYS.map(fingerprintKeyOf);
  if (keys === undefined || first === undefined || problems.length > 0) throw new ConfigFailure(problems);
  return {
    mode: given.PITBOSS_MODE,
    host: given.VAULT_HOST,
    port: given.VAULT_PORT,
    publicOrigin: given.VAULT_PUBLIC_ORIGIN ?? `http://127.0.0.1:${given.VAULT_PORT}`,
    databaseUrl: new Secret(given.VAULT_DATABASE_URL),
    keys,
    fingerprintKeys: [first, ...others],
    callerSecrets: given.VAULT_CALLER_SECRETS.map((secret) => new Secret(secret)),
    shopOrigins: given.VAULT_SHOP_ORIGINS,
    destinations: given.VAULT_DESTINATIONS,
    isBehindProxy: given.VAULT_BEHIND_PROXY === 'true',
    logLevel: given.LOG_LEVEL,
  };
}

const migrationVariables = z.object({
  VAULT_DATABASE_OWNER_URL: z.string().min(1),
  VAULT_DATABASE_PASSWORD: z.string().min(1),
});

/** Of `vault/migrate.ts` alone: the running vault never sees the owner. */
export function loadVaultMigrationConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ownerUrl: Secret; password: Secret } {
  const parsed = migrationVariables.safeParse(environment);
  if (!parsed.success)
    throw new ConfigFailure(['VAULT_DATABASE_OWNER_URL and VAULT_DATABASE_PASSWORD must be set.']);
  return {
    ownerUrl: new Secret(parsed.data.VAULT_DATABASE_OWNER_URL),
    password: new Secret(parsed.data.VAULT_DATABASE_PASSWORD),
  };
}

function keysOf(given: Variables, problems: string[]): VaultKeysConfig | undefined {
  const {
    VAULT_KEY_FILE: path,
    VAULT_TRANSIT_URL: url,
    VAULT_TRANSIT_KEY: key,
    VAULT_TRANSIT_TOKEN: token,
  } = given;
  if (path !== undefined && url === undefined) return { kind: 'file', path };
  if (path === undefined && url !== undefined && key !== undefined && token !== undefined)
    return { kind: 'transit', url, key, accessToken: new Secret(token) };
  problems.push(
    'The key management is VAULT_KEY_FILE or all of VAULT_TRANSIT_URL, VAULT_TRANSIT_KEY and VAULT_TRANSIT_TOKEN.',
  );
  return undefined;
}

const fingerprintKeyOf = (pair: string): Secret<FingerprintKey> => {
  const [id = '', key = ''] = pair.split(':');
  return new Secret({ id, key: Buffer.from(key, 'base64') });
};

function productionProblems(given: Variables): string[] {
  const problems: string[] = [];
  if (given.VAULT_KEY_FILE !== undefined)
    problems.push('VAULT_KEY_FILE is for development: in production a key management keeps the key.');
  const isOpen = (address: string | undefined) => address === undefined || !address.startsWith('https://');
  if (isOpen(given.VAULT_PUBLIC_ORIGIN))
    problems.push('VAULT_PUBLIC_ORIGIN must be an https origin in production.');
  if (given.VAULT_TRANSIT_URL !== undefined && isOpen(given.VAULT_TRANSIT_URL))
    problems.push('VAULT_TRANSIT_URL must be an https address in production.');
  for (const shop of given.VAULT_SHOP_ORIGINS)
    if (isOpen(shop)) problems.push('VAULT_SHOP_ORIGINS must be https origins in production.');
  for (const { name, origin: address } of given.VAULT_DESTINATIONS)
    if (isOpen(address)) problems.push(`The destination ${name} must have an https origin in production.`);
  const secrets: NamedSecret[] = [
    ...given.VAULT_CALLER_SECRETS.map((value, index) => ({
      name: `Secret ${index + 1} of VAULT_CALLER_SECRETS`,
      value,
    })),
    { name: 'The password of the vault in its database', value: new URL(given.VAULT_DATABASE_URL).password },
  ];
  return [...problems, ...secretProblems(secrets)];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
