/**
 * A real worker process on a real Temporal server: one trace from the request to the statement, a history that nobody
 * can read, a current version, outcomes counted.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '#api/app.ts';
import type { ApiDeps } from '#api/context.ts';
import { openDeps } from '#api/main.ts';
import { isBundleCurrent } from '#workers/bundle-on-disk.ts';
import { buildWorkflowBundle } from '#workers/bundle.ts';
import { loadConfig, type Config } from '#workers/config.ts';
import { createTemporalGateway } from '#workers/temporal-client.ts';
import type { round } from '#workflows/round.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { startDevTemporal, type DevTemporal } from './support/dev-temporal.ts';
import { freePort } from './support/ports.ts';
import { answersOk, startProcess, type TestProcess } from './support/processes.ts';

type Span = { traceId: string; spanId: string; parentSpanId?: string; name: string };

/** Takes what exporters send: OTLP in JSON over HTTP. */
class Collector {
  readonly spans: Span[] = [];
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: { resourceSpans?: { scopeSpans: { spans: Span[] }[] }[] } = JSON.parse(
        Buffer.concat(chunks).toString(),
      );
      for (const resource of body.resourceSpans ?? [])
        for (const scope of resource.scopeSpans) this.spans.push(...scope.spans);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
}

const collector = new Collector();
const playerId = randomUUID();
const workflowId = `round:studio:r-1:${playerId}`;
let database: TestDatabase;
let temporal: DevTemporal;
let worker: TestProcess;
let config: Config;
let deps: ApiDeps;
const closings: (() => unknown)[] = [];
let metricsPort: number;

beforeAll(async () => {
  collector.server.listen(0, '127.0.0.1');
  await once(collector.server, 'listening');
  const address = collector.server.address();
  const collectorUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  if (!(await isBundleCurrent())) await buildWorkflowBundle();
  database = await createTestDatabase();
  temporal = await startDevTemporal();
  metricsPort = await freePort();
  const env = {
    PITBOSS_MODE: 'test',
    DATABASE_WRITER_URL: database.writerUrl,
    DATABASE_READER_URL: database.readerUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    CLICKHOUSE_URL: 'http://nobody:nobody@127.0.0.1:1',
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BLIND_INDEX_KEY: randomBytes(32).toString('base64'),
    PAYLOAD_CODEC_KEY: randomBytes(32).toString('base64'),
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    METRICS_PORT: String(metricsPort),
  };
  worker = await startProcess({
    args: ['workers/main.ts', 'play'],
    env,
    isReady: () => answersOk(`http://127.0.0.1:${metricsPort}/readyz`),
    readyTimeoutMs: 60_000,
  });
  config = loadConfig(env);
  deps = await openDeps(config, { add: (close) => closings.push(close), started: true });
}, 120_000);

afterAll(async () => {
  for (const close of closings) await close();
  await worker.stop();
  await temporal.stop();
  await database.drop();
  collector.server.close();
});

test('a request is one trace down to the statement, and its history tells nobody anything', async () => {
  // Everything is the product's but for one more route: none of its own starts a workflow that fails at once.
  const api = createApi(deps);
  api.post('/v1/try', async (c) => {
    const client = await deps.temporal();
    const handle = await client.workflow.start<typeof round>('round', {
      workflowId,
      taskQueue: 'play',
      args: [{ integration: 'studio', roundRef: 'r-1', playerId, brand: 'aurora', asset: 'EUR' }],
    });
    const outcome = await handle.result().then(
      () => 'ended',
      (error: unknown) => String(Reflect.get(Object(error), 'cause')?.cause),
    );
    return c.text(outcome);
  });
  const answer = await api.request('/v1/try', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  // There is no such round: the failure came through the interceptor, by its code, and was not retried.
  expect(await answer.text()).toContain('There is no such round.');

  const named = (name: string) => collector.spans.find((span) => span.name.includes(name));
  await expect
    .poll(
      () =>
        [
          'POST /v1/try',
          'StartWorkflow:round',
          'RunWorkflow:round',
          'StartActivity:readRound',
          'RunActivity:readRound',
          'sql select',
        ].filter((name) => !named(name)),
      { timeout: 15_000 },
    )
    .toEqual([]);
  const request = named('POST /v1/try');
  for (const name of ['StartWorkflow:round', 'RunWorkflow:round', 'RunActivity:readRound', 'sql select']) {
    expect(named(name)?.traceId, name).toBe(request?.traceId);
  }
  expect(named('sql select')?.parentSpanId).toBe(named('RunActivity:readRound')?.spanId);

  const client = await deps.temporal();
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  expect(Buffer.from(started?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
  const texts = (history.events ?? []).flatMap(({ activityTaskFailedEventAttributes: failed }) =>
    failed?.failure ? [failed.failure] : [],
  );
  expect(texts.length).toBe(1);
  expect(JSON.stringify(texts)).not.toContain('no such round');

  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(metrics).toContain('pitboss_workflow_outcomes_total{workflow="round",outcome="failed"} 1');
}, 60_000);

test('a workflow call answers dependency-unavailable while Temporal is away, and quickly', async () => {
  const nobody = createTemporalGateway(
    loadConfig({
      DATABASE_WRITER_URL: database.writerUrl,
      DATABASE_READER_URL: database.readerUrl,
      TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
      KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      BLIND_INDEX_KEY: randomBytes(32).toString('base64'),
      PAYLOAD_CODEC_KEY: randomBytes(32).toString('base64'),
    }),
    pino({ level: 'silent' }),
  );
  const startedAt = performance.now();
  await expect(nobody()).rejects.toMatchObject({ failure: { code: 'dependency-unavailable' } });
  expect(performance.now() - startedAt).toBeLessThan(4_000);
  const again = performance.now();
  await expect(nobody()).rejects.toMatchObject({ failure: { code: 'dependency-unavailable' } });
  expect(performance.now() - again).toBeLessThan(200);
  expect(await nobody.isReachable()).toBe(false);
  const somebody = createTemporalGateway(config, pino({ level: 'silent' }));
  expect(await somebody.isReachable()).toBe(true);
  await somebody.close();

  const handle = (await deps.temporal()).workflow.getHandle(workflowId);
  await temporal.process.kill9();
  await expect(handle.describe()).rejects.toMatchObject({ failure: { code: 'dependency-unavailable' } });
}, 30_000);
