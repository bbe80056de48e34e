/** A dialect that the platform has never heard of needs one door and no other place: what misses its calls is answered in its words. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ApiDeps } from './context.ts';
import type { DialectDoor } from './games/dialect-doors.ts';
import { dialectDoors } from './games/dialect-doors.ts';
import { createWalletDoors } from './wallet-doors.ts';

const toy: DialectDoor = {
  path: 'toy',
  mount: (doors) => doors.post('/wallet/toy/:integration/bet', async (c) => c.text(await c.req.text())),
  refuse: (c, { code }) => c.text(`toy says no: ${code}`, 418),
};
const log: object[] = [];
const deps = {
  config: { api: { trustedProxies: [] } },
  log: pino({}, { write: (line: string) => void log.push(JSON.parse(line) as object) }),
  metrics: { httpRequestDurationS: { labels: () => ({ observe: () => {} }) } },
} as unknown as ApiDeps;
const doors = createWalletDoors(deps, 1_000, { ...dialectDoors, toy });
const ask = async (path: string, method = 'POST', body: string | null = 'stake') => {
  const answer = await doors.request(path, { method, body: method === 'GET' ? null : body });
  return `${answer.status} ${await answer.text()}`;
};

test('a fifth dialect answers a large body, a wrong method and an unknown address itself', async () => {
  expect(await ask('/wallet/toy/anybody/bet')).toBe('200 stake');
  expect(await ask('/wallet/toy/anybody/bet', 'POST', 'x'.repeat(1_001))).toBe(
    '418 toy says no: body-too-large',
  );
  expect(await ask('/wallet/toy/anybody/bet', 'GET')).toMatch(/^418 toy says no: /);
  expect(await ask('/wallet/toy/anybody/win')).toBe('418 toy says no: not-found');
  expect(log).toContainEqual(expect.objectContaining({ dialect: 'toy', msg: 'wallet call refused' }));
});

test('an address under another one is answered by the longer of them, and one of nobody by the platform', async () => {
  expect(await ask('/wallet/a8r/v1/anybody/nothing')).toMatch(/^412 \{"code":400,/);
  expect(await ask('/wallet/a8r/v2/anybody/nothing')).toMatch(/^404 \{"code":"bad_route",/);
  expect(await ask('/wallet/a8r/anybody/v2/nothing')).toMatch(/^404 \{"code":"bad_route",/);
  expect(await ask('/wallet/caleta/anybody/nothing')).toBe('200 {"status":"RS_ERROR_WRONG_SYNTAX"}');
  expect(await ask('/wallet/morse/anybody/bet')).toMatch(/^404 \{.*"code":"not-found"/);
});
