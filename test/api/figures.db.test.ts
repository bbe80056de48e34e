/** Who is shown `/metrics` on the port that players reach, over real sockets, and the port of its own. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { listen } from '#api/listen.ts';
import type { Config } from '#workers/config.ts';
import { startHealthServer } from '#workers/health-server.ts';
import { Secret } from '#workers/secret.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

const token = 'a token that Prometheus sends';

let database: TestDatabase;
let plain: TestApi;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  plain = await createTestApi(database);
}, 60_000);
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});
afterAll(async () => {
  await plain?.close();
  await database?.drop();
});

const addressOf = async (server: Server): Promise<string> => {
  if (!server.listening) await once(server, 'listening');
  undo.push(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

async function served(
  changes: Partial<Config>,
): Promise<(headers?: Record<string, string>) => Promise<string>> {
  const app = await createTestApi(database, { config: { ...plain.deps.config, ...changes } });
  undo.push(() => app.close());
  const url = await addressOf(listen(app.api, { host: '127.0.0.1', port: 0 }));
  return async (headers = {}) => {
    const answer = await fetch(`${url}/metrics`, { headers });
    const text = await answer.text();
    expect(text.includes('pitboss_http_request_duration_seconds')).toBe(answer.status === 200);
    return `${answer.status} ${answer.headers.get('content-type')?.split(';')[0]}`;
  };
}

const figures = '200 text/plain';
const nothing = '404 application/problem+json';

test('in development whoever asks from the machine itself sees the figures, and nobody through a proxy on it', async () => {
  const ask = await served({ mode: 'development', metricsToken: undefined });
  expect(await ask()).toBe(figures);
  for (const forwarded of [
    { 'x-forwarded-for': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { via: '1.1 proxy' },
  ])
    expect(await ask(forwarded)).toBe(nothing);
});

test('in production the players’ port has no figures without a token', async () => {
  const ask = await served({ mode: 'production', metricsToken: undefined });
  expect(await ask()).toBe(nothing);
  expect(await ask({ authorization: `Bearer ${token}` })).toBe(nothing);
});

test('with a token it alone opens them, from anywhere', async () => {
  const ask = await served({ mode: 'production', metricsToken: new Secret(token) });
  const said = Buffer.from(token).toString('base64url');
  expect(await ask()).toBe(nothing);
  expect(await ask({ authorization: `Bearer ${said}` })).toBe(nothing);
  const own = await served({ mode: 'production', metricsToken: new Secret(said) });
  expect(await own({ authorization: `Bearer ${said}`, 'x-forwarded-for': '198.51.100.7' })).toBe(figures);
});

test('Prometheus has a port of its own, which answers what every process of ours answers there', async () => {
  const { metrics, log } = plain.deps;
  const plan = {
    port: 0,
    metrics,
    log,
    probes: { database: () => Promise.resolve() },
    required: ['database'],
  };
  const url = await addressOf(startHealthServer(plan, '127.0.0.1'));
  const answers = await Promise.all(
    ['healthz', 'readyz', 'metrics'].map(async (path) => (await fetch(`${url}/${path}`)).status),
  );
  expect(answers).toEqual([200, 200, 200]);
});
