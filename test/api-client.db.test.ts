/** The generated client against a served API: paths and answers as typed, the token on every request, problems as values. */
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPitbossClient, type PitbossClient } from '#api-client/client.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
let api: TestApi;
let server: ServerType;
let client: PitbossClient;
let token: string | null = null;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await createTestApi(database);
  server = serve({ fetch: api.api.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  client = createPitbossClient({ baseUrl: `http://127.0.0.1:${port}`, token: () => token });
});
afterAll(async () => {
  server?.close();
  await api?.close();
  await database?.drop();
});

test('reads what is public, with the path filled in', async () => {
  const { data, error } = await client.GET('/v1/brands/{brand}', { params: { path: { brand: 'aurora' } } });
  expect(error).toBeUndefined();
  expect(data?.terms?.version).toBeGreaterThan(0);
});

test('a refusal is a value with the stable code of its problem', async () => {
  const { data, error, response } = await client.POST('/v1/sessions', {
    body: { brand: 'aurora', email: 'nobody@players.example', password: 'not the password' },
  });
  expect(data).toBeUndefined();
  expect(error?.code).toBe('invalid-credentials');
  expect(response.status).toBe(401);
});

test('the token that is there at the moment goes with each request', async () => {
  token = null;
  expect((await client.GET('/admin/v1/payments/work-items')).error?.code).toBe('not-authenticated');
  token = await api.signInAs(['payments']);
  expect((await client.GET('/admin/v1/payments/work-items')).data?.items).toEqual([]);
  token = randomUUID();
  expect((await client.GET('/admin/v1/payments/work-items')).error?.code).toBe('not-authenticated');
});
