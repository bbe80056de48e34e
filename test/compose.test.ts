import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HDKey } from 'viem/accounts';
import { parse } from 'yaml';
import { createDatabase, openPool } from '#db/connect.ts';
import { attemptStates, hasTakenMoney } from '#domain/payments/attempt-state.ts';
import { payoutStates } from '#domain/payments/payout-state.ts';
import { composeVariables, envLine } from '#platform/compose-env.ts';
import { ConfigFailure } from '#workers/config-failure.ts';
import { configKeys, loadConfig } from '#workers/config.ts';
import { loadSignerConfig } from '#workers/signer/signer-config.ts';
import { createMetrics } from '#workers/metrics.ts';
import { watchUnreadableRules } from '#workers/payment-metrics.ts';
import { showMissingResults } from '#workers/missing-result-metrics.ts';
import { showRuleReviews } from '#workers/rule-review-metrics.ts';
import {
  commandOf,
  compose,
  dockerfile,
  environmentOf,
  foldersOf,
  loadedBy,
  read,
  root,
  type ComposeService,
} from '#test/support/compose-file.ts';
import { loadVaultConfig, vaultConfigKeys } from '#vault/config.ts';

const services = Object.entries(compose.services);
const ours = ['api', 'worker', 'relay', 'migrate', 'seed', 'chain-watcher'] as const;

/** Of the compose specification, what this file uses. A misspelt key would be refused by the engine, or passed over. */
const serviceKeys = new Set([
  'image',
  'build',
  'command',
  'environment',
  'depends_on',
  'volumes',
  'ports',
  'profiles',
  'configs',
  'healthcheck',
  'restart',
  'init',
  'ulimits',
  'stop_grace_period',
]);

const dependenciesOf = ({ depends_on: needed }: ComposeService) =>
  Array.isArray(needed)
    ? needed.map((name) => ({ name, condition: 'service_started' }))
    : Object.entries(needed ?? {}).map(([name, { condition }]) => ({ name, condition }));

describe('docker-compose.yml', () => {
  test('uses known keys only', () => {
    expect(Object.keys(compose).filter((key) => !key.startsWith('x-'))).toEqual([
      'name',
      'services',
      'volumes',
      'configs',
    ]);
    for (const [name, service] of services)
      expect([name, Object.keys(service).filter((key) => !serviceKeys.has(key))]).toEqual([name, []]);
  });

  test('pins every image to a tag', () => {
    for (const [name, { image }] of services) {
      expect(image, name).toMatch(/^[\w./-]+:[\w.-]*\d[\w.-]*$/);
      expect(image, name).not.toMatch(/:latest$/);
    }
  });

  test('depends on services that exist and can give what is waited for', () => {
    for (const [name, service] of services) {
      for (const { name: needed, condition } of dependenciesOf(service)) {
        const target = compose.services[needed];
        expect(target, `${name} needs ${needed}`).toBeDefined();
        expect(
          target?.profiles === undefined || service.profiles !== undefined,
          `${name} needs ${needed} of a profile`,
        ).toBe(true);
        const builtHere = target?.build !== undefined;
        if (condition === 'service_healthy')
          expect(builtHere || target?.healthcheck !== undefined, `${needed} has no health check`).toBe(true);
      }
    }
  });

  test('declares every volume and config it mounts, and mounts files that exist', () => {
    const named = new Set<string>();
    for (const [name, { volumes = [], configs = [] }] of services) {
      for (const volume of volumes) {
        const source = volume.split(':')[0] ?? '';
        if (source.startsWith('.')) expect(existsSync(join(root, source)), `${name}: ${source}`).toBe(true);
        else named.add(source);
      }
      for (const { source } of configs) expect(Object.keys(compose.configs)).toContain(source);
    }
    expect([...named].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });

  test('opens ports on the loopback interface only, each once', () => {
    const all = services.flatMap(([, { ports = [] }]) => ports);
    for (const port of all) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(new Set(all.map((port) => port.split(':')[1])).size).toBe(all.length);
  });

  test('gives our processes only variables that the configuration reads', () => {
    for (const name of ours)
      expect(
        Object.keys(compose.services[name]?.environment ?? {}).filter((key) => !configKeys.includes(key)),
      ).toEqual([]);
  });

  test('the vault is asked for by its profile, and shares neither variables nor a server with the platform', () => {
    const { vault, 'vault-postgres': server } = compose.services;
    expect([vault?.profiles, server?.profiles]).toEqual([['vault'], ['vault']]);
    expect(Object.keys(vault?.environment ?? {}).filter((key) => !vaultConfigKeys.includes(key))).toEqual([]);
    const filled = environmentOf('vault', {
      PITBOSS_MODE: 'production',
      VAULT_PUBLIC_ORIGIN: 'https://cards.example.org',
      VAULT_DATABASE_PASSWORD: 'uVq3Zx81LrTq7Wm2',
      VAULT_TRANSIT_URL: 'https://keys.example.org',
      VAULT_TRANSIT_KEY: 'cards',
      VAULT_TRANSIT_TOKEN: 'hvs.one',
      VAULT_FINGERPRINT_KEYS: `f1:${Buffer.alloc(32, 3).toString('base64')}`,
      CARD_VAULT_CALLER_SECRET: 'k8Jx2Qw9Rt5Yb7Nm1Zc4',
      VAULT_SHOP_ORIGINS: 'https://shop.example.org',
      VAULT_DESTINATIONS:
        '[{"name":"alpha","origin":"https://api.example.org","path":"/v1/payment_methods","numberField":"card[number]","cvcField":"card[cvc]"}]',
    });
    expect(loadVaultConfig(filled).databaseUrl.reveal()).toContain('@vault-postgres:5432/vault');
    for (const name of ours)
      expect(
        Object.keys(compose.services[name]?.environment ?? {}).filter((key) => key.startsWith('VAULT_')),
      ).toEqual([]);
  });

  test('the generated development variables make a complete configuration for each process', () => {
    const variables = composeVariables();
    for (const name of ours) {
      const config = loadConfig(environmentOf(name, variables));
      expect(config.temporal.address).toBe('temporal:7233');
      expect(config.database.writerUrl.reveal()).toContain('@postgres:5432/pitboss');
      expect(config.clickhouse.url).toBe('http://clickhouse:8123');
      expect(config.psp.beta?.merchantAccount).toBe('PitbossSandbox');
      expect(config.gameStudio?.studioPublicKey).toContain('BEGIN PUBLIC KEY');
    }
    expect(loadConfig(environmentOf('api', variables)).database.ownerUrl).toBeUndefined();
    expect(loadConfig(environmentOf('seed', variables)).seed.operators.length).toBeGreaterThan(5);
  });

  test('every address points to a service of the file', () => {
    const variables = composeVariables();
    for (const name of ours) {
      const environment = environmentOf(name, variables);
      for (const [key, value] of Object.entries(environment)) {
        const host =
          /^(?:https?|postgres|smtp):\/\/(?:[^@/]*@)?([^:/]+)/.exec(value)?.[1] ??
          /^([\w-]+):\d+$/.exec(value)?.[1];
        if (host !== undefined && host !== '127.0.0.1')
          expect(Object.keys(compose.services), `${key} of ${name}`).toContain(host);
      }
    }
  });

  test('a chain with its signer is configured whole, and the signer is given nothing of the platform', () => {
    const variables = {
      ...composeVariables(),
      EVM_CHAIN_ID: '1',
      EVM_RPC_URL: 'https://node.example',
      EVM_XPUB: HDKey.fromMasterSeed(Buffer.alloc(32, 1)).derive("m/44'/60'/0'").publicExtendedKey,
      EVM_TOKENS: 'USDT=0xdAC17F958D2ee523a2206206994597C13D831ec7',
      EVM_SIGNER_URL: 'http://chain-signer:8080',
      EVM_SIGNER_SECRET: 'a-secret-of-the-signer-0123456789',
      SIGNER_SEED: '01'.repeat(32),
      SIGNER_PAYOUT_MAX: 'USDT=10000,ETH=5',
      SIGNER_DAY_MAX: 'USDT=50000,ETH=20',
    };
    expect(loadConfig(environmentOf('worker', variables)).evm).toMatchObject({
      chain: 'ethereum',
      chainId: 1,
      tokens: [{ asset: 'USDT' }],
      signer: { url: 'http://chain-signer:8080' },
    });
    const given = environmentOf('chain-signer', variables);
    expect(loadSignerConfig(given).payoutMax.get('USDT')).toBe(10_000_000_000n);
    const own = new Set(['EVM_CHAIN', 'EVM_CHAIN_ID', 'EVM_TOKENS', 'EVM_SIGNER_SECRET', 'PORT']);
    expect(Object.keys(given).filter((name) => configKeys.includes(name) && !own.has(name))).toEqual([]);
    for (const wrong of [
      { EVM_TOKENS: 'EUR=0xdAC17F958D2ee523a2206206994597C13D831ec7' },
      { EVM_XPUB: 'xprv9s21' },
    ])
      expect(() => loadConfig(environmentOf('worker', { ...variables, ...wrong }))).toThrow(ConfigFailure);
    expect(() => loadSignerConfig({ ...given, SIGNER_SEED: '' })).toThrow('SIGNER_SEED');
  });

  test('has no default for a secret, and production refuses the sandbox values', () => {
    expect(() => environmentOf('api', {})).toThrow(/^set /);
    expect(read('docker-compose.yml')).not.toMatch(/(?:PASSWORD|SECRET|KEY)(?:\w*):-[^}]/);
    const production = { ...composeVariables(), PITBOSS_MODE: 'production' };
    expect(() => loadConfig(environmentOf('api', production))).toThrow(ConfigFailure);
  });

  test('the .env lines quote what needs quoting', () => {
    expect(envLine(['A', 'x$y#z'])).toBe("A='x$y#z'");
    expect(envLine(['KEY', '-----BEGIN X-----\nab\n'])).toBe('KEY="-----BEGIN X-----\\nab"');
  });
});

describe('Dockerfile', () => {
  const stages = [...dockerfile.matchAll(/^FROM .+ AS (\S+)$/gm)].map(([, name]) => name);

  test('has every target that the compose file builds', () => {
    const targets = services.flatMap(([, { build }]) => (build === undefined ? [] : [build.target]));
    for (const target of targets) expect(stages).toContain(target);
  });

  test('leaves every engine out', () => {
    const engines = Object.keys(
      (JSON.parse(read('package.json')) as { optionalDependencies: object }).optionalDependencies,
    );
    for (const engine of engines)
      expect(dockerfile.split(`node_modules/${engine}`).length - 1, engine).toBeGreaterThanOrEqual(2);
  });

  test('copies layers that exist and runs files that exist', () => {
    for (const [, folder] of dockerfile.matchAll(/^COPY (\w+) \1$/gm))
      expect(existsSync(join(root, folder ?? '')), folder).toBe(true);
    const commands = services.flatMap(([, { command = [] }]) =>
      command.filter((part) => part.endsWith('.ts')),
    );
    const defaults = [...dockerfile.matchAll(/"node", "([\w/-]+\.ts)"/g)].map(([, file]) => file ?? '');
    for (const file of [...commands, ...defaults]) expect(existsSync(join(root, file)), file).toBe(true);
  });
});

describe('every image', () => {
  test('has the folders of all that its commands load, so that none of them ends at its first import', () => {
    const commands = services.flatMap(([name, { build }]) => {
      const file = build && commandOf(name).find((part) => part.endsWith('.ts') && !part.startsWith('--'));
      return build && file ? [{ target: build.target, file }] : [];
    });
    expect(commands.length).toBeGreaterThan(10);
    for (const { target, file } of [...commands, { target: 'vault', file: 'vault/rotate-keys.ts' }]) {
      const folders = new Set([...loadedBy(file)].map((loaded) => loaded.split('/')[0]));
      const missing = [...folders].filter((folder) => folder && !foldersOf(target).includes(folder));
      expect([target, file, missing]).toEqual([target, file, []]);
    }
  });
});

describe('Grafana and Prometheus', () => {
  const known = async () => {
    const { registry } = createMetrics({ ofProcess: true });
    watchUnreadableRules(registry, { error: () => {}, warn: () => {} });
    // Its figures come from the database, its names do not.
    const pool = openPool({
      url: 'postgres://nobody@127.0.0.1:1/none',
      applicationName: 'test',
      connectionsMax: 1,
    });
    const db = createDatabase(pool);
    showRuleReviews(registry, db);
    showMissingResults(registry, db);
    return new Set((await registry.getMetricsAsJSON()).map(({ name }) => name));
  };
  const metricsIn = (text: string) =>
    [...text.matchAll(/\bpitboss_\w+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, ''));

  test('every dashboard parses, has its own uid and shows only metrics that exist', async () => {
    const names = await known();
    const files = globSync('ops/grafana/dashboards/*.json', { cwd: root });
    expect(files.length).toBeGreaterThan(0);
    const uids = files.map((file) => {
      const dashboard = JSON.parse(read(file)) as {
        uid: string;
        panels: { id: number; targets: { expr: string }[] }[];
      };
      const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      for (const name of expressions.flatMap(metricsIn)) expect([...names], file).toContain(name);
      expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
      return dashboard.uid;
    });
    expect(new Set(uids).size).toBe(uids.length);
  });

  test('the dashboards refer to datasources that are provisioned', () => {
    const { datasources } = parse(read('ops/grafana/provisioning/datasources/datasources.yml')) as {
      datasources: { uid: string; url?: string }[];
    };
    const uids = datasources.map(({ uid }) => uid);
    for (const file of globSync('ops/grafana/dashboards/*.json', { cwd: root }))
      for (const [, uid] of read(file).matchAll(/"type": "prometheus",\s+"uid": "([^"]+)"/g))
        expect(uids).toContain(uid);
    expect(uids).toEqual(['prometheus', 'clickhouse']);
  });

  test('Prometheus scrapes services of the compose file, and its rules use metrics that exist', async () => {
    const { scrape_configs: jobs } = parse(read('ops/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    for (const target of jobs.flatMap(({ static_configs: groups }) =>
      groups.flatMap(({ targets }) => targets),
    ))
      expect(Object.keys(compose.services)).toContain(target.split(':')[0]);
    const names = await known();
    for (const name of metricsIn(read('ops/prometheus/rules.yml'))) expect([...names]).toContain(name);
  });

  test('the share of attempts that succeed counts every end with money, of charges and of payouts, and no word that is never said', () => {
    const withMoney = [
      ...attemptStates.filter((state) => hasTakenMoney(state) || state === 'authorised'),
      ...payoutStates.filter((state) => state.endsWith('paid')),
    ];
    for (const file of ['ops/prometheus/rules.yml', 'ops/grafana/dashboards/overview.json']) {
      const counted = [...read(file).matchAll(/psp_attempts_total\{outcome[=!]~\\?"([^"\\]+)/g)].map(
        ([, words]) => words?.split('|').toSorted(),
      );
      expect([file, counted]).toEqual([file, [withMoney.toSorted()]]);
    }
  });
});
