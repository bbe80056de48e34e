/** A dialect that the platform has never heard of needs one door and no other place: what misses its calls is answered in its words. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiDeps } from './context.ts';
import type { DialectDoor } from './games/dialect-doors.ts';
import { dialectDoors } from './games/dialect-doors.ts';
import { jsonAnswer } from './games/wallet-call.ts';
import { httpLimits } from './http-limits.ts';
import { createWalletDoors } from './wallet-doors.ts';
import { answerIncoming, answerRequest } from './wallet-fronts.ts';

let served = 0;
const toy: DialectDoor = {
  path: 'toy',
  mount: (doors) => {
    doors.post('/wallet/toy/:integration/bet', async ({ integration, body }) => {
      served += 1;
      return jsonAnswer(`${integration}: ${body.toString()}`);
    });
    doors.post('/wallet/toy/:integration/break', () => Promise.reject(new Error('a bug')));
  },
  refuse: ({ code }) => jsonAnswer(`toy says no: ${code}`, 418),
};
const log: object[] = [];
const deps = {
  config: { api: { trustedProxies: [] } },
  log: pino({}, { write: (line: string) => void log.push(JSON.parse(line) as object) }),
  metrics: { httpRequestDurationS: { labels: () => ({ observe: () => {} }) } },
} as unknown as ApiDeps;
const doors = createWalletDoors(deps, 1_000, { ...dialectDoors, toy });

let server: Server;
beforeAll(async () => {
  server = createServer(
    { ...httpLimits, headersTimeout: 500, requestTimeout: 1_000, connectionsCheckingInterval: 100 },
    (request, response) => answerIncoming(doors, request, response),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close().closeAllConnections();
});
const port = () => (server.address() as AddressInfo).port;

type Ask = (path: string, method?: string, body?: string) => Promise<string>;
const requestOf = (origin: string, path: string, method: string, body: string) =>
  new Request(`${origin}${path}`, { method, ...(method === 'GET' ? {} : { body }) });
const told = async (answer: Response) => `${answer.status} ${await answer.text()}`;
const fronts: readonly (readonly [string, Ask])[] = [
  [
    'a socket',
    async (path, method = 'POST', body = 'stake') =>
      told(await fetch(requestOf(`http://127.0.0.1:${port()}`, path, method, body))),
  ],
  [
    'a standard request',
    async (path, method = 'POST', body = 'stake') =>
      told(await answerRequest(doors, requestOf('http://pitboss', path, method, body))),
  ],
];

test.each(fronts)(
  'a fifth dialect answers a large body, a wrong method and an unknown address itself, behind %s',
  async (_, ask) => {
    expect(await ask('/wallet/toy/anybody/bet')).toBe('200 anybody: stake');
    expect(await ask('/wallet/toy/anybody/bet?mode=real')).toBe('200 anybody: stake');
    expect(await ask('/wallet/toy/anybody/bet', 'POST', '')).toBe('200 anybody: ');
    expect(await ask('/wallet/toy/anybody/bet', 'POST', 'x'.repeat(1_000))).toMatch(/^200 /);
    expect(await ask('/wallet/toy/anybody/bet', 'POST', 'x'.repeat(1_001))).toBe(
      '418 toy says no: body-too-large',
    );
    expect(await ask('/wallet/toy/anybody/bet', 'GET')).toMatch(/^418 toy says no: /);
    expect(await ask('/wallet/toy/anybody/win')).toBe('418 toy says no: not-found');
    expect(await ask('/wallet/toy/%00/bet')).toBe('418 toy says no: invalid-request');
    expect(log).toContainEqual(expect.objectContaining({ dialect: 'toy', msg: 'wallet call refused' }));
  },
);

test.each(fronts)(
  'an address under another one is answered by the longer of them, and one of nobody by the platform, behind %s',
  async (_, ask) => {
    expect(await ask('/wallet/a8r/v1/anybody/nothing')).toMatch(/^412 \{"code":400,/);
    expect(await ask('/wallet/a8r/v2/anybody/nothing')).toMatch(/^404 \{"code":"bad_route",/);
    expect(await ask('/wallet/a8r/anybody/v2/nothing')).toMatch(/^404 \{"code":"bad_route",/);
    expect(await ask('/wallet/caleta/anybody/nothing')).toBe('200 {"status":"RS_ERROR_WRONG_SYNTAX"}');
    expect(await ask('/wallet/morse/anybody/bet')).toMatch(/^404 \{.*"code":"not-found"/);
  },
);

test.each(fronts)(
  'a bug around an operation is a 500 with an id and nothing of the bug, behind %s',
  async (_, ask) => {
    const answer = await ask('/wallet/toy/anybody/break');
    expect(answer).toMatch(/^500 \{"type":"about:blank",.*"instance":"[\w-]{36}"\}$/);
    expect(answer).not.toContain('a bug');
    expect(log).toContainEqual(expect.objectContaining({ msg: 'unhandled error' }));
  },
);

/** Writes to a socket and tells what came until `ms` have passed. */
async function send(pieces: readonly string[], ms: number): Promise<{ text: string; isClosed: boolean }> {
  const socket = connect(port(), '127.0.0.1').setEncoding('utf8');
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk: string) => (text += chunk)).on('close', () => (isClosed = true));
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) socket.write(piece);
  await delay(ms);
  socket.destroy();
  return { text, isClosed };
}
const head = 'POST /wallet/toy/anybody/bet HTTP/1.1\r\nHost: pitboss\r\n';
const chunk = (size: number) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;

test('a body in pieces of undeclared length is counted, and what follows it on the line is a call of its own', async () => {
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
  const fits = await send([chunked, chunk(400), chunk(600), '0\r\n\r\n'], 300);
  expect(fits.text).toMatch(/^HTTP\/1\.1 200 [^]*anybody: x{1000}$/);
  const next = `${head}Content-Length: 5\r\n\r\nstake`;
  const large = await send([chunked, chunk(600), chunk(401), chunk(900), '0\r\n\r\n', next], 300);
  expect(large.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 418', 'HTTP/1.1 200']);
  expect(large.text).toContain('anybody: stake');
});

test('a body that is declared too large is answered at once; who never ends it is let go', async () => {
  const { text, isClosed } = await send([`${head}Content-Length: 100000\r\n\r\n`, 'x'.repeat(2_000)], 2_500);
  expect(text).toMatch(/^HTTP\/1\.1 418 [^]*toy says no: body-too-large/);
  expect(isClosed).toBe(true);
});

test('a caller that goes away before its body is whole has asked for nothing', async () => {
  const before = served;
  const { text } = await send([`${head}Content-Length: 10\r\n\r\n`, 'stake'], 200);
  await delay(100);
  expect([text, served]).toEqual(['', before]);
});
