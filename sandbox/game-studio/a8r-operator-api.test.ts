/** The a8r provider's side of the studio: signatures over raw bytes, launches, catalogues, free rounds, and the words of refusals. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../support/json-log.ts';
import { createTemporaryDirectory } from '../support/party-process.ts';
import { createPartyRoutes, type PartyApp } from '../support/party-server.ts';
import { openStateStore, type StateStore } from '../support/state-store.ts';
import { serveA8rV1Operator, serveA8rV2Operator } from './a8r-operator-api.ts';
import { createFreeRoundsBook, freeRoundTables, type FreeRoundsBook } from './free-rounds-book.ts';
import { signRequest } from './hmac-signature.ts';
import { createRoundBook, studioTables } from './round-book.ts';

const directory = createTemporaryDirectory();
let store: StateStore;
let app: PartyApp;
let freeRounds: FreeRoundsBook;

beforeAll(() => {
  store = openStateStore(directory.path, 'studio.sqlite', studioTables + freeRoundTables);
  freeRounds = createFreeRoundsBook(store);
  app = createPartyRoutes();
  app.onError((error, c) => {
    createLog('test')('failed', { error: error.stack });
    return c.json({ error: 'internal' }, 500);
  });
  const parts = {
    book: createRoundBook(store),
    freeRounds,
    token: 'token',
    casinoId: 'casino',
    publicUrl: () => 'http://studio',
  };
  serveA8rV2Operator(app, parts);
  serveA8rV1Operator(app, parts);
});

afterAll(() => {
  store.close();
  directory.remove();
});

async function call(path: string, fields: object, token = 'token') {
  const body = JSON.stringify({ casino_id: 'casino', ...fields });
  const response = await app.request(path, {
    method: 'POST',
    body,
    headers: { 'x-request-sign': signRequest(body, token) },
  });
  return { http: response.status, body: (await response.json()) as Record<string, unknown> };
}

const soon = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const launch = { client_type: 'desktop', game: 'pbs:dragonvault', ip: '203.0.113.7', locale: 'en', urls: {} };
const issue = { freespins_quantity: 5, games: ['pbs:dragonvault'], valid_until: soon(7) };
const player = { id: 'player-1', currency: 'EUR', country: 'MT' };

test('a call that the casino has not signed is refused in the version’s words', async () => {
  expect(await call('/a8r/v2/casino_a8r.Game/List', {}, 'other')).toMatchObject({
    http: 403,
    body: { code: 'permission_denied' },
  });
  expect(await call('/gcp/sessions', launch, 'other')).toMatchObject({ http: 403, body: { code: 403 } });
  expect((await app.request('/gcp/sessions', { method: 'POST', body: '{}' })).status).toBe(403);
});

test('the list of games has each under its a8r code, and v1 hands out a catalogue', async () => {
  const { body } = await call('/a8r/v2/casino_a8r.Game/List', {});
  const [provider] = body['providers'] as { games: { id: string; category: string }[] }[];
  expect(provider?.games).toHaveLength(6);
  expect(provider?.games[0]).toMatchObject({ id: 'pbs:dragonvault', category: 'slots', live: false });
  const yaml = await (await app.request('/gcp/games.yml')).text();
  expect(yaml.match(/identifier: "pbs:/g)).toHaveLength(6);
});

test('a launch answers with an address, and an unknown game or a missing field does not', async () => {
  const real = await call('/a8r/v2/casino_a8r.Launcher/Real', { ...launch, jurisdiction: 'MT', player });
  expect(real.body['launch_url']).toMatch(/^http:\/\/studio\/play\?session=/);
  const demo = await call('/gcp/demo', launch);
  expect(demo.body['launch_options']).toMatchObject({ strategy: 'iframe' });
  expect(await call('/a8r/v2/casino_a8r.Launcher/Demo', { ...launch, game: 'pbs:none' })).toMatchObject({
    http: 404,
    body: { code: 'not_found' },
  });
  expect(await call('/a8r/v2/casino_a8r.Launcher/Real', launch)).toMatchObject({
    http: 400,
    body: { code: 'invalid_argument' },
  });
  expect((await call('/gcp/sessions', launch)).http).toBe(412);
});

test('free rounds are issued once per id, for a month at most, and cancelled until they are played', async () => {
  const method = '/a8r/v2/casino_a8r.Freespins';
  const first = { ...issue, issue_id: 'i1', bet_amount: '0.5', player };
  expect((await call(`${method}/Issue`, first)).http).toBe(200);
  expect((await call(`${method}/Issue`, { ...first, bet_amount: '9' })).http).toBe(200);
  expect(freeRounds.find('a8r-v2', 'i1')).toMatchObject({ betValue: 500_000_000_000n, betCount: 5 });
  expect((await call(`${method}/Issue`, { ...first, issue_id: 'i2', valid_until: soon(40) })).http).toBe(400);
  expect((await call(`${method}/Issue`, { ...first, issue_id: 'i2', bet_amount: '1e3' })).http).toBe(400);
  expect((await call(`${method}/Cancel`, { issue_id: 'i1', provider: 'pbs' })).http).toBe(200);
  expect((await call(`${method}/Cancel`, { issue_id: 'nobody', provider: 'pbs' })).http).toBe(404);

  // The two versions are two casinos' integrations: an id of one is none of the other's.
  const v1 = { ...issue, issue_id: 'i1', currency: 'EUR', user: { id: 'player-1' } };
  expect((await call('/gcp/freespins/issue', v1)).http).toBe(200);
  const issued = freeRounds.find('a8r-v1', 'i1');
  expect(issued).toMatchObject({ status: 'active', betValue: 10n });
  if (issued !== undefined) freeRounds.progress(issued, 5, 40n, 'finished');
  expect((await call('/gcp/freespins/cancel', { issue_id: 'i1' })).http).toBe(412);
});
