/** The optional card vault of a development home (CARD_VAULT=on): its database and role, its key file, its process. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Secret } from '#workers/secret.ts';
import type { Config, Environment } from '#workers/config.ts';
import { writePrivately, type DevSecrets } from './dev-secrets.ts';
import type { PlatformEnvironment } from './environment.ts';
import type { Ports } from './ports.ts';
import { ensureDatabase } from './postgres.ts';
import { bare, nodePlan } from './process-plans.ts';
import type { ProcessPlan } from './supervisor.ts';

export interface CardVaultRequest {
  readonly home: string;
  readonly given: Environment;
  readonly ports: Ports;
  readonly secrets: DevSecrets;
  readonly env: PlatformEnvironment;
  readonly config: Config;
}

/** Makes database, role and key file where they are missing; the process is told its own variables and no others. */
export async function prepareCardVault(request: CardVaultRequest): Promise<ProcessPlan> {
  const { home, given, ports, secrets, env, config } = request;
  const ownerUrl = new URL(env.databaseUrl);
  ownerUrl.pathname = '/pitboss_vault';
  await ensureDatabase(ownerUrl.href);
  const { migrateVault } = await import('#vault/migrate.ts');
  await migrateVault(ownerUrl.href, secrets.cardVault.database);
  const keyFile = join(home, 'card-vault-keys.json');
  writePrivately(keyFile, {
    current: 'development',
    keys: { development: secrets.cardVault.keyEncryptionKey },
  });
  const databaseUrl = new URL(ownerUrl);
  databaseUrl.username = 'pitboss_vault';
  databaseUrl.password = secrets.cardVault.database;
  const url = `http://127.0.0.1:${ports.cardVault}`;
  const shops = [new URL(config.api.publicUrl).origin, given['VAULT_SHOP_ORIGINS'] ?? ''];
  return nodePlan({
    name: 'card-vault',
    label: 'The card vault',
    script: 'vault/main.ts',
    env: {
      ...bare(given),
      VAULT_PORT: String(ports.cardVault),
      VAULT_PUBLIC_ORIGIN: url,
      VAULT_DATABASE_URL: databaseUrl.href,
      VAULT_KEY_FILE: keyFile,
      VAULT_FINGERPRINT_KEYS: `development:${secrets.cardVault.fingerprintKey}`,
      VAULT_CALLER_SECRETS: secrets.cardVault.callerSecret,
      VAULT_SHOP_ORIGINS: shops.filter((shop) => shop !== '').join(','),
      VAULT_DESTINATIONS: JSON.stringify(destinationsOf(config)),
      LOG_LEVEL: config.logLevel,
    },
    readyUrl: `${url}/readyz`,
    stopGraceMs: 10_000,
  });
}

/** Where the connectors that charge its cards have their PSPs make payment methods. */
function destinationsOf({ psp }: Config): object[] {
  const originOf = (address: string) => new URL(address).origin;
  const account = (name: string, { url, apiKey }: { url: string; apiKey: Secret }) => ({
    name,
    origin: originOf(url),
    credentialHashes: [createHash('sha256').update(`Bearer ${apiKey.reveal()}`).digest('hex')],
  });
  return [
    ...(psp.alpha
      ? [
          {
            ...account('alpha', psp.alpha),
            path: '/v1/payment_methods',
            numberField: 'card[number]',
            cvcField: 'card[cvc]',
          },
        ]
      : []),
    ...(psp.gamma
      ? [{ ...account('gamma', psp.gamma), path: '/tokens', numberField: 'number', cvcField: 'cvv' }]
      : []),
  ];
}
