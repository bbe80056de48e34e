/** A card vault of a test's own: its process, its database and role, and the signed calls of a caller. */
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { programPath } from '#platform/joined-programs.ts';
import { migrateVault } from '#vault/migrate.ts';
import { freePort } from './ports.ts';
import { runAsAdmin, withDatabase } from './postgres-server.ts';
import { answersOk, startProcess, type TestProcess } from './processes.ts';

/** The role belongs to the whole server, so every test of a run must agree on it. */
const rolePassword = 'test-of-the-vault';
export const callerSecret = 'caller-secret-of-a-test';

export type VaultRig = {
  readonly url: string;
  readonly port: number;
  readonly callerSecret: string;
  readonly keyFile: string;
  /** Of the owner: to look and to tamper. */
  readonly pool: pg.Pool;
  readonly environment: Readonly<Record<string, string | undefined>>;
  vault(): TestProcess;
  /** Everything that vaults of this rig have printed. */
  output(): string;
  /** Starts it again, ending it first if it runs; `changes` stay. */
  restart(changes?: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** As the page does it. */
  tokenise(card: object): Promise<{ status: number; body: Record<string, unknown> }>;
  call(method: string, path: string, body?: unknown, more?: SigningFaults): Promise<Answer>;
  stop(): Promise<void>;
};

export type Answer = {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
};

type SigningFaults = { readonly secret?: string; readonly timestampMs?: number; readonly signature?: string };

export type VaultRigPlan = {
  readonly adminUrl: string;
  readonly database: string;
  readonly destinations: readonly object[];
  readonly shopOrigins: readonly string[];
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

export const stripeDestination = (origin: string) => ({
  name: 'alpha',
  origin,
  path: '/v1/payment_methods',
  numberField: 'card[number]',
  cvcField: 'card[cvc]',
});

export const checkoutDestination = (origin: string) => ({
  name: 'gamma',
  origin,
  path: '/tokens',
  numberField: 'number',
  cvcField: 'cvv',
});

export const adyenDestination = (origin: string) => ({
  name: 'beta',
  origin,
  path: '/v72/payments',
  numberField: 'paymentMethod.number',
  cvcField: 'paymentMethod.cvc',
});

export async function startVaultRig(plan: VaultRigPlan): Promise<VaultRig> {
  await runAsAdmin(plan.adminUrl, `create database ${plan.database}`);
  const ownerUrl = withDatabase(plan.adminUrl, plan.database);
  await migrateVault(ownerUrl, rolePassword);
  const databaseUrl = new URL(ownerUrl);
  databaseUrl.username = 'pitboss_vault';
  databaseUrl.password = rolePassword;
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-vault-'));
  const keyFile = join(folder, 'keys.json');
  writeKeyFile(keyFile, 'k1', { k1: randomBytes(32) });
  const port = plan.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  let environment: Record<string, string | undefined> = {
    VAULT_PORT: String(port),
    VAULT_DATABASE_URL: databaseUrl.href,
    VAULT_KEY_FILE: keyFile,
    VAULT_FINGERPRINT_KEYS: `f1:${Buffer.alloc(32, 7).toString('base64')}`,
    VAULT_CALLER_SECRETS: callerSecret,
    VAULT_SHOP_ORIGINS: plan.shopOrigins.join(','),
    VAULT_DESTINATIONS: JSON.stringify(plan.destinations),
    ...plan.environment,
  };
  let before = '';
  const start = (): Promise<TestProcess> =>
    startProcess({
      args: [programPath('vault/main.ts')],
      env: environment,
      isReady: () => answersOk(`${url}/healthz`),
      readyTimeoutMs: 120_000,
    });
  let running = await start();
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  pool.on('error', () => {});
  return {
    url,
    port,
    callerSecret,
    keyFile,
    pool,
    get environment() {
      return environment;
    },
    vault: () => running,
    output: () => before + running.output(),
    async restart(changes = {}) {
      await running.stop();
      before += running.output();
      environment = { ...environment, ...changes };
      running = await start();
    },
    async tokenise(card) {
      const answer = await fetch(`${url}/cards`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: url },
        body: JSON.stringify(card),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
    async call(method, path, body, faults = {}) {
      const text = body === undefined ? '' : JSON.stringify(body);
      const timestamp = String(faults.timestampMs ?? Date.now());
      const signature = createHmac('sha256', faults.secret ?? callerSecret)
        .update(`${timestamp}.${method}.${path}.${text}`)
        .digest('hex');
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          'x-vault-timestamp': timestamp,
          'x-vault-signature': faults.signature ?? `v1=${signature}`,
        },
        ...(method === 'POST' ? { body: text } : {}),
      });
      const shown = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: shown === '' ? {} : (JSON.parse(shown) as Record<string, unknown>),
      };
    },
    async stop() {
      await running.stop();
      await pool.end();
      await runAsAdmin(plan.adminUrl, `drop database if exists ${plan.database} with (force)`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function writeKeyFile(path: string, current: string, keys: Readonly<Record<string, Buffer>>): void {
  const shown = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.toString('base64')]));
  writeFileSync(path, JSON.stringify({ current, keys: shown }));
}
