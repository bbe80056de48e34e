/**
 * What docker-compose.yml describes, without an engine: its servers are real ones that the test starts, and every service
 * that we build runs with the file's own command and variables. Only the hosts of addresses are replaced, each by the
 * place where that service stands here: a wrong address, a missing variable or a wrong command ends this test.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Consumer, stringDeserializers } from '@platformatic/kafka';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { composeVariables } from '#platform/compose-env.ts';
import { startPostgres } from '#platform/postgres.ts';
import { commandOf, compose, environmentOf, root } from '#test/support/compose-file.ts';
import { startClickHouse } from '#test/support/clickhouse.ts';
import { startDevTemporal } from '#test/support/dev-temporal.ts';
import { findKafkaJars, startKafka } from '#test/support/kafka-broker.ts';
import { freePorts } from '#test/support/ports.ts';
import { answersOk, startProcess } from '#test/support/processes.ts';
import { isBundleCurrent } from '#workers/bundle-on-disk.ts';
import { buildWorkflowBundle } from '#workers/bundle.ts';
import { kafkaTopic } from '#workers/relay/kafka-sink.ts';

const counterparties = [
  'psp-alpha',
  'psp-beta',
  'psp-gamma',
  'bank',
  'kyc-vendor',
  'game-studio',
  'odds-feed',
  'mailbox',
] as const;
const platform = ['api', 'worker', 'relay'] as const;
const jars = await findKafkaJars();

/** Ports inside a container, by the variable that moves them here. */
const listening = { PORT: '8080', METRICS_PORT: '', SDK_METRICS_PORT: '', SMTP_PORT: '2525' } as const;

const folder = mkdtempSync(join(tmpdir(), 'pitboss-compose-'));
const variables: Record<string, string> = { ...composeVariables(), KAFKA_BROKERS: 'kafka:9092' };
const undo: (() => Promise<void>)[] = [];
/** Where what the file calls `service:port` stands here. */
const places = new Map<string, string>();

const placeOf = (service: string, port: string): string => {
  const place = places.get(`${service}:${port}`);
  if (place === undefined) throw new Error(`Nothing of this test listens as ${service}:${port}.`);
  return place;
};

/** The addresses of a value, moved to where they stand here: inside the network, and as published on the host. */
function moved(value: string): string {
  const inside = value.replaceAll(
    /(^|[/@])([a-z][a-z-]*):(\d+)/g,
    (whole, before: string, name: string, port: string) =>
      compose.services[name] === undefined ? whole : `${before}${placeOf(name, port)}`,
  );
  return inside.replaceAll(/127\.0\.0\.1:(\d+)/g, (whole, published: string) => {
    for (const [name, { ports = [] }] of Object.entries(compose.services))
      for (const port of ports) {
        const [, outer, inner = ''] = port.split(':');
        if (outer === published) return places.get(`${name}:${inner}`) ?? whole;
      }
    return whole;
  });
}

function environmentHere(service: string): Record<string, string> {
  const given = environmentOf(service, variables);
  const here = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, moved(value)]));
  for (const [name, fixed] of Object.entries(listening))
    if (given[name] !== undefined)
      here[name] = placeOf(service, fixed === '' ? given[name] : fixed).split(':')[1] ?? '';
  for (const name of ['HOST', 'API_HOST', 'METRICS_HOST']) if (name in here) here[name] = '127.0.0.1';
  const home = join(folder, service);
  mkdirSync(home, { recursive: true });
  // What the image sets.
  return { ...here, NODE_ENV: 'production', PITBOSS_HOME: home, STATE_DIR: home, LOG_LEVEL: 'warn' };
}

async function startService(service: string): Promise<void> {
  const [program, ...args] = commandOf(service);
  if (program !== 'node') throw new Error(`${service} runs ${program}.`);
  const env = environmentHere(service);
  const isPlatform = platform.some((name) => name === service);
  const port = service === 'worker' || service === 'relay' ? env['METRICS_PORT'] : env['PORT'];
  const process_ = await startProcess({
    args,
    env: { ...cleared, ...env },
    isReady: () => answersOk(`http://127.0.0.1:${port}${isPlatform ? '/readyz' : '/healthz'}`),
    readyTimeoutMs: 60_000,
  });
  undo.push(() => process_.stop());
}

/** Nothing of the developer's own shell reaches a service. */
const cleared = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name in environmentOf('relay', variables) || name === 'DATABASE_URL')
    .map((name) => [name, undefined]),
);

async function runService(service: string): Promise<string> {
  const [, ...args] = commandOf(service);
  const ran = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...cleared, ...environmentHere(service) },
  });
  return `${ran.stdout}${ran.stderr}`;
}

async function startServers(): Promise<void> {
  const [postgresPort = 0, ...ports] = await freePorts(40);
  const next = () => `127.0.0.1:${ports.pop()}`;
  for (const service of [...counterparties, ...platform, 'migrate', 'seed']) {
    const given = environmentOf(service, variables);
    for (const [name, fixed] of Object.entries(listening))
      if (given[name] !== undefined) places.set(`${service}:${fixed === '' ? given[name] : fixed}`, next());
  }
  const [postgres, clickhouse, temporal, kafka] = await Promise.all([
    startPostgres({
      dir: join(folder, 'postgres'),
      port: postgresPort,
      password: variables['POSTGRES_PASSWORD'] ?? '',
      durability: 'none',
    }),
    startClickHouse({ user: 'pitboss', password: variables['CLICKHOUSE_PASSWORD'] ?? '' }),
    startDevTemporal(),
    jars === null ? null : startKafka(jars),
  ]);
  undo.push(
    () => postgres.stop('immediate'),
    () => clickhouse.stop(),
    () => temporal.stop(),
  );
  places.set('postgres:5432', new URL(postgres.url).host);
  places.set('clickhouse:8123', new URL(clickhouse.url).host);
  places.set('temporal:7233', temporal.address);
  if (kafka === null) variables['KAFKA_BROKERS'] = '';
  else {
    undo.push(() => kafka.stop());
    places.set('kafka:9092', kafka.broker);
  }
}

beforeAll(async () => {
  const bundle = isBundleCurrent().then((current) => (current ? null : buildWorkflowBundle()));
  await startServers();
  await runService('migrate');
  await Promise.all([...counterparties.map(startService), runService('seed'), bundle]);
  await Promise.all(platform.map(startService));
}, 240_000);

afterAll(async () => {
  for (const step of undo.toReversed()) await step();
  rmSync(folder, { recursive: true, force: true });
}, 90_000);

test('the demo passes on what the file describes, down to the last unit in ClickHouse', async () => {
  const at = (service: string) => `http://${placeOf(service, '8080')}`;
  const { LEDGER_SIGNING_KEY: _key, ...given } = environmentHere('relay');
  const cast = {
    api: at('api'),
    temporalUi: 'http://127.0.0.1:8233',
    sandbox: {
      pspAlpha: at('psp-alpha'),
      pspBeta: at('psp-beta'),
      gameStudio: at('game-studio'),
      kycVendor: at('kyc-vendor'),
      mailbox: at('mailbox'),
      oddsFeed: at('odds-feed'),
    },
    operators: JSON.parse(variables['SEED_OPERATORS'] ?? '[]'),
  };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(cast));
  const demo = promisify(execFile)(process.execPath, ['sandbox/demo/main.ts'], {
    cwd: root,
    env: {
      ...process.env,
      ...given,
      DATABASE_URL: environmentHere('migrate')['DATABASE_URL'],
      PITBOSS_HOME: folder,
      NODE_ENV: 'test',
    },
  });
  const { stdout } = await demo.catch((error: { stdout: string; stderr: string }) => ({
    stdout: `${error.stdout}${error.stderr}`,
  }));
  expect(stdout).toContain('All invariants hold.');
  expect(stdout).not.toContain('BROKEN');
}, 180_000);

test.skipIf(jars === null)(
  'every fact of it is on the broker, too',
  async () => {
    const consumer = new Consumer({
      clientId: 'test',
      groupId: randomUUID(),
      bootstrapBrokers: [placeOf('kafka', '9092')],
      deserializers: stringDeserializers,
    });
    const missing = new Set([
      'pam.player.registered',
      'payments.deposit.captured',
      'payments.withdrawal.paid',
    ]);
    try {
      const stream = await consumer.consume({ topics: [kafkaTopic], mode: 'earliest', autocommit: false });
      for await (const { value } of stream) {
        missing.delete((JSON.parse(String(value)) as { type: string }).type);
        if (missing.size === 0) break;
      }
    } finally {
      await consumer.close(true);
    }
    expect([...missing]).toEqual([]);
  },
  60_000,
);

test('every address that our services are given is one of those that were tried', () => {
  const tried = new Set([...counterparties, ...platform, 'postgres', 'clickhouse', 'temporal', 'kafka']);
  for (const service of ['migrate', 'seed', ...platform, ...counterparties])
    for (const [name, value] of Object.entries(environmentOf(service, variables)))
      for (const [, host = ''] of value.matchAll(/(?:^|[/@])([a-z][a-z-]*):\d+/g))
        if (host in compose.services) expect([...tried], `${name} of ${service}`).toContain(host);
});
