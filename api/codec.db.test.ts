/** What the Temporal UI and an orchestrator ask of the API, on the real application. */
import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EncryptingCodec } from '#workers/payload-codec.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createApi } from './app.ts';

const codec = new EncryptingCodec(randomBytes(32));
const uiUrl = 'http://127.0.0.1:9233';
let database: TestDatabase;
let open: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  open = await createTestApi(database, { payloadCodec: codec });
});
afterAll(async () => {
  await open.close();
  await database.drop();
});

/** A payload as the UI sends it. */
async function sealed(value: unknown) {
  const [payload] = await codec.encode(toPayloads(defaultPayloadConverter, value) ?? [], {
    type: 'workflow',
    namespace: 'pitboss',
    workflowId: 'deposit:1',
  });
  return {
    metadata: Object.fromEntries(
      Object.entries(payload?.metadata ?? {}).map(([name, part]) => [
        name,
        Buffer.from(part).toString('base64'),
      ]),
    ),
    data: Buffer.from(payload?.data ?? []).toString('base64'),
  };
}

const apiIn = (mode: 'development' | 'production') =>
  createApi({
    ...open.deps,
    config: { ...open.deps.config, mode, temporal: { ...open.deps.config.temporal, uiUrl } },
  });

const post = async (
  mode: 'development' | 'production',
  body: unknown,
  headers: Record<string, string> = {},
) =>
  apiIn(mode).request('/codec/decode', {
    method: 'POST',
    headers: { host: '127.0.0.1:8080', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

describe('the codec', () => {
  test('opens a payload for the UI on loopback, and names only the UI as allowed origin', async () => {
    const answer = await post(
      'development',
      { payloads: [await sealed({ stage: 'captured' })] },
      { origin: uiUrl },
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(uiUrl);
    const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
    expect(JSON.parse(Buffer.from(payloads[0]?.data ?? '', 'base64').toString())).toEqual({
      stage: 'captured',
    });
    const foreign = await post('development', { payloads: [] }, { origin: 'https://elsewhere.example' });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('takes pages larger than the body limit of the API', async () => {
    const answer = await post('development', { payloads: [await sealed('x'.repeat(200_000))] });
    expect(answer.status).toBe(200);
  });

  test('is closed to other hosts in development and to strangers in production', async () => {
    expect((await post('development', { payloads: [] }, { host: 'evil.example' })).status).toBe(403);
    expect((await post('production', { payloads: [] })).status).toBe(401);
    const support = await open.signInAs(['support']);
    expect((await post('production', { payloads: [] }, { authorization: `Bearer ${support}` })).status).toBe(
      403,
    );
    const compliance = await open.signInAs(['compliance']);
    expect(
      (await post('production', { payloads: [] }, { authorization: `Bearer ${compliance}` })).status,
    ).toBe(200);
  });

  test.each([
    ['no list', {}],
    ['no base64', { payloads: [{ data: '***' }] }],
    [
      'a stranger’s payload',
      {
        payloads: [
          { metadata: { encoding: Buffer.from('binary/encrypted').toString('base64') }, data: 'AAAA' },
        ],
      },
    ],
  ])('answers 400 to %s', async (_what, body) => {
    expect((await post('development', body)).status).toBe(400);
  });
});

describe('health', () => {
  test('is ready with the database alone and names what is away', async () => {
    const answer = await open.send('GET', '/readyz');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'degraded',
      dependencies: { database: { state: 'up' }, temporal: { state: 'down' }, clickHouse: { state: 'down' } },
    });
    expect((await open.send('GET', '/healthz')).body).toEqual({ status: 'alive' });
  });

  test('counts the request that it answered under its route', async () => {
    await open.send('GET', '/healthz');
    expect((await open.send('GET', '/metrics')).text).toContain(
      'pitboss_http_request_duration_seconds_count{method="GET",route="/healthz",status="200"}',
    );
  });
});

const codeIn = (body: unknown): unknown =>
  body !== null && typeof body === 'object' && 'code' in body ? body.code : undefined;

describe('what careless and hostile callers send to the codec', () => {
  test('is refused as such: a body beyond all bounds, and a host that is none', async () => {
    const large = await post('development', { payloads: [{ data: 'A'.repeat(9 * 1024 * 1024) }] });
    expect([large.status, codeIn(await large.json())]).toEqual([413, 'body-too-large']);
    for (const host of ['[', 'a b', '127.0.0.1:99999', 'evil.example']) {
      const answer = await post('development', { payloads: [] }, { host });
      expect([host, answer.status, codeIn(await answer.json())]).toEqual([host, 403, 'forbidden']);
    }
  });
});

describe('figures', () => {
  test('answer 503 with Retry-After while ClickHouse is away, and the relay’s state goes on', async () => {
    const token = await open.signInAs(['analyst']);
    for (const path of [
      '/admin/v1/kpis?from=2026-03-01&to=2026-03-02&brand=aurora&asset=EUR',
      '/admin/v1/ledger-comparison?day=2026-03-01',
    ]) {
      const answer = await open.send('GET', path, undefined, { token });
      expect(answer.status, path).toBe(503);
      expect(answer.headers.get('retry-after')).not.toBeNull();
    }
    expect((await open.send('GET', '/admin/v1/relay', undefined, { token })).status).toBe(200);
    const support = await open.signInAs(['support']);
    expect((await open.send('GET', '/admin/v1/relay', undefined, { token: support })).status).toBe(403);
  });

  test('of a backlog of a day are counted as far as an answer in time allows', async () => {
    for (let rows = 0; rows <= 100_000; rows += 10_000)
      await database.ownerPool.query(`
        insert into compliance.outbox (event_id, type, version, brand, occurred_at, payload)
        select gen_random_uuid(), 'pam.sign-in.refused', 1, 'aurora', now() - interval '1 day', '{}'
        from generate_series(1, 10000)`);
    await database.ownerPool.query(`insert into compliance.relay_cursor (sink) values ('clickhouse')`);
    const token = await open.signInAs(['analyst']);
    const { body } = await open.send('GET', '/admin/v1/relay', undefined, { token });
    expect(body).toMatchObject({ sinks: [{ sink: 'clickhouse', backlogRows: 100_000 }] });
    expect((body['sinks'] as { lagS: number }[])[0]?.lagS).toBeGreaterThan(86_000);
  });
});
