/** Clients that send slowly, too much or never the end, over real sockets: they are let go, and nobody else waits for them. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { listen } from '#api/listen.ts';
import { httpLimits } from '#api/http-limits.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

/** The same limits, kept sooner, so that the test need not wait as long as a client may. */
const hurried = {
  ...httpLimits,
  headersTimeout: 600,
  requestTimeout: 1_200,
  connectionsCheckingInterval: 100,
};

let database: TestDatabase;
let app: TestApi;
let server: Server;
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  server = listen(app.api, { host: '127.0.0.1', port: 0 }, hurried);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
}, 60_000);
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await app?.close();
  await database?.drop();
});

/** Sends the pieces one after another with a pause between, never an end, and answers with all that came until the close. */
async function send(pieces: readonly string[], pauseMs: number): Promise<{ text: string; afterMs: number }> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const startedMs = performance.now();
  let text = '';
  let isClosed = false;
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => ((isClosed = true), resolve())));
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (isClosed) break;
    socket.write(piece);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, pauseMs))]);
  }
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 8_000))]);
  expect(isClosed, 'the server let the connection go').toBe(true);
  return { text, afterMs: performance.now() - startedMs };
}

const drip = (text: string): string[] => [...text];
const head = 'POST /v1/sessions HTTP/1.1\r\nHost: pitboss\r\nContent-Type: application/json\r\n';

test('headers that drip in are answered 408 and the connection is closed', async () => {
  const { text } = await send(drip(`${head}X-Slow: ${'z'.repeat(400)}`), 50);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
});

test('a body that drips in is cut off in the same way, with a declared length and without', async () => {
  const declared = await send([`${head}Content-Length: 60000\r\n\r\n`, ...drip('{'.repeat(200))], 50);
  expect(declared.text).not.toMatch(/^HTTP\/1\.1 [25]00 /);
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
  const undeclared = await send([chunked, ...drip('x').flatMap(() => Array(100).fill('1\r\nx\r\n'))], 50);
  expect(undeclared.text).not.toMatch(/^HTTP\/1\.1 [25]00 /);
});

test('a line that says nothing at all is let go', async () => {
  expect((await send([], 0)).afterMs).toBeLessThan(8_000);
});

test('while many connections drip, others are served as if there were none', async () => {
  const dripping = Array.from({ length: 100 }, () => send(drip(head.repeat(3)), 40));
  for (let turn = 0; turn < 10; turn += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(3_000) });
    expect(answer.status).toBe(200);
    await answer.text();
  }
  const told = await Promise.all(dripping);
  expect(told.filter(({ text }) => text.startsWith('HTTP/1.1 408 ')).length).toBeGreaterThan(90);
});

test('headers above the limit are answered 431, bodies above theirs 413 before they are read', async () => {
  const large = await send([`${head}X-Large: ${'z'.repeat(httpLimits.maxHeaderSize)}\r\n\r\n`], 0);
  expect(large.text).toMatch(/^HTTP\/1\.1 431 /);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: 'x'.repeat(70_000),
  });
  expect(answer.status).toBe(413);
});

test('what runs in production has the limits as they are written down', async () => {
  const real = listen(app.api, { host: '127.0.0.1', port: 0 });
  await once(real, 'listening');
  const { headersTimeout, requestTimeout, keepAliveTimeout } = real;
  real.close();
  expect({ headersTimeout, requestTimeout, keepAliveTimeout }).toEqual({
    headersTimeout: 10_000,
    requestTimeout: 20_000,
    keepAliveTimeout: 65_000,
  });
});
