/** Starting and finding games over the whole application: launches in each dialect, play without money, replays, the lobby. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGameProviders } from '#activities/games/configured-providers.ts';
import { publishBrand } from '#activities/pam/brands.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, type TestPlayer } from '#test/support/factories.ts';
import { makeIntegration } from '#test/support/integrations.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { startWireServer, type WireServer } from '#test/support/wire-server.ts';

const ours = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let database: TestDatabase;
let wire: WireServer;
let app: TestApi;
let ann: TestPlayer;
let token: string;

const dialects = ['hub88', 'caleta', 'a8r-v2', 'a8r-v1'] as const;

beforeAll(async () => {
  [database, wire] = await Promise.all([createTestDatabase(), startWireServer()]);
  const first = await createTestApi(database);
  app = await createTestApi(database, {
    keyRing: first.deps.keyRing,
    gameProviders: createGameProviders(first.deps),
  });
  await first.close();
  for (const dialect of dialects) {
    await makeIntegration(database.db, {
      id: `my-${dialect}`,
      dialect,
      baseUrl: wire.url,
      keyRing: app.deps.keyRing,
      ...(dialect.startsWith('a8r') ? { callerSecret: 'shared' } : { ownPrivateKey: ours.privateKey }),
      games: [{ code: 'acme:test', title: `Test of ${dialect}`, category: 'slots' }],
    });
  }
  ann = await makePlayer(database.db);
  token = await openTestSession(database, { playerId: ann.id });
});
afterAll(async () => {
  await app?.close();
  await wire?.close();
  await database?.drop();
});
beforeEach(() => {
  wire.requests.length = 0;
  const address = 'https://games.example/run';
  wire.script = () => ({
    body: { url: address, launch_url: address, launch_options: { game_url: address } },
  });
});

const back = { lobbyUrl: 'https://casino.example/', depositUrl: 'https://casino.example/cashier' };
const launch = (integration: string, changes: object = {}) =>
  app.send(
    'POST',
    '/v1/game-sessions',
    { integration, game: 'acme:test', asset: 'EUR', ...back, ...changes },
    { token },
  );
const demo = (integration: string, options: { token?: string } = {}, changes: object = {}) =>
  app.send(
    'POST',
    '/v1/demo-sessions',
    { integration, game: 'acme:test', country: 'MT', ...back, ...changes },
    options,
  );

const setGame = (changes: string, integration = 'my-hub88') =>
  database.ownerPool.query(`update games.game set ${changes} where integration = $1`, [integration]);

describe('a launch', () => {
  test.each(dialects)('of %s opens a session and answers with the address of the game', async (dialect) => {
    const answer = await launch(`my-${dialect}`);
    expect(answer).toMatchObject({ status: 201, body: { launchUrl: 'https://games.example/run' } });
    const sent = JSON.stringify(wire.requests[0]?.body);
    expect(sent).toContain(ann.id);
    const { rows } = await database.pool.query(
      'select integration, player_id from games.game_session where id = $1',
      [answer.body['gameSessionId']],
    );
    expect(rows).toEqual([{ integration: `my-${dialect}`, player_id: ann.id }]);
  });

  test('of a game that the provider withdrew, or that is closed to the country, is refused', async () => {
    await setGame("blocked_countries = '{MT}'");
    expect((await launch('my-hub88')).body['code']).toBe('unknown-game');
    await setGame("blocked_countries = '{US}', listed = false");
    expect((await launch('my-hub88')).body['code']).toBe('unknown-game');
    await setGame('listed = true');
    expect((await launch('my-hub88')).status).toBe(201);
  });

  test('of another brand’s integration is refused', async () => {
    const bob = await makePlayer(database.db, { brand: 'borealis' });
    const other = await openTestSession(database, { playerId: bob.id });
    const body = { integration: 'my-hub88', game: 'acme:test', asset: 'EUR', ...back };
    const answer = await app.send('POST', '/v1/game-sessions', body, { token: other });
    expect(answer.body['code']).toBe('unknown-game');
    expect(wire.requests).toHaveLength(0);
  });

  test('that the provider refuses or leaves unanswered says which', async () => {
    wire.script = () => ({ status: 400, body: { error: 'closed' } });
    expect(await launch('my-a8r-v2')).toMatchObject({ status: 422, body: { code: 'provider-refused' } });
    wire.script = () => ({ status: 500 });
    expect(await launch('my-a8r-v2')).toMatchObject({
      status: 503,
      body: { code: 'dependency-unavailable' },
    });
  });
});

describe('play without money', () => {
  const rule = (demoPlay: 'off' | 'signed-in' | 'anyone') =>
    database.db.transaction().execute((trx) =>
      publishBrand(trx, {
        id: 'aurora',
        name: 'Aurora',
        config: { currencies: ['EUR'], jurisdictions: ['MT'], languages: ['en'], demoPlay },
      }),
    );

  test('is for whom the brand lets, and moves and stores nothing', async () => {
    const sessions = async () =>
      (await database.pool.query('select count(*)::int as n from games.game_session')).rows[0].n;
    const before = await sessions();
    await rule('signed-in');
    expect((await demo('my-hub88')).body['code']).toBe('not-authenticated');
    expect((await demo('my-hub88', { token })).status).toBe(201);
    await rule('off');
    expect((await demo('my-hub88', { token })).body['code']).toBe('unknown-game');
    await rule('anyone');
    for (const dialect of dialects) expect((await demo(`my-${dialect}`)).status).toBe(201);
    expect(await sessions()).toBe(before);
    expect(wire.requests.map(({ raw }) => raw.toString()).join()).not.toContain(ann.id);
  });

  test('is refused for a game without it, for a closed country, and after many in a minute', async () => {
    await rule('anyone');
    await setGame('has_demo = false', 'my-caleta');
    expect((await demo('my-caleta')).body['code']).toBe('unknown-game');
    expect((await demo('my-hub88', {}, { country: 'US' })).body['code']).toBe('unknown-game');
    const answers = await Promise.all(Array.from({ length: 25 }, () => demo('my-hub88')));
    expect(answers.some(({ body }) => body['code'] === 'too-many-requests')).toBe(true);
  });
});

describe('a replay', () => {
  async function playedRound(integration: string): Promise<string> {
    const round = randomUUID();
    await database.pool.query(
      `insert into games.round (integration, round_ref, player_id, asset, game_code, state, opened_at, guard_at)
       values ($1, $2, $3, 'EUR', 'acme:test', 'settled', now(), now())`,
      [integration, round, ann.id],
    );
    return round;
  }

  test('is the player’s own, and the back office’s for every player', async () => {
    const round = await playedRound('my-hub88');
    const mine = `/v1/rounds/my-hub88/${round}/replay`;
    expect((await app.send('GET', mine, undefined, { token })).body).toEqual({
      url: 'https://games.example/run',
    });
    const bob = await makePlayer(database.db);
    const others = await openTestSession(database, { playerId: bob.id });
    expect((await app.send('GET', mine, undefined, { token: others })).status).toBe(404);
    const support = await app.signInAs(['support']);
    const path = `/admin/v1/rounds/my-hub88/${round}/replay?playerId=${ann.id}`;
    expect((await app.send('GET', path, undefined, { token: support })).status).toBe(200);
    const elsewhere = await app.signInAs(['support'], ['borealis']);
    expect((await app.send('GET', path, undefined, { token: elsewhere })).status).toBe(404);
    wire.script = () => ({ status: 404, body: {} });
    expect((await app.send('GET', mine, undefined, { token })).body['code']).toBe('not-found');
  });

  test('that the dialect has no call for says so', async () => {
    const round = await playedRound('my-a8r-v2');
    const answer = await app.send('GET', `/v1/rounds/my-a8r-v2/${round}/replay`, undefined, { token });
    expect(answer.body['code']).toBe('provider-lacks-feature');
  });
});

describe('the lobby', () => {
  beforeAll(async () => {
    await database.pool.query(
      `insert into games.game (integration, code, title, category, provider, live, image_url, platforms, blocked_countries, enabled)
       select 'my-a8r-v2', 'lobby:' || n, 'Lobby ' || (n / 3), case when n % 2 = 0 then 'slots' else 'roulette' end,
         'lobby-maker', n % 4 = 0, 'https://img.example/' || n || '.png',
         case when n % 3 = 0 then '{mobile}'::text[] else '{}' end, case when n = 1 then '{DE}'::text[] else '{}' end, n <> 2
       from generate_series(0, 11) n`,
    );
  });

  const codesOf = async (query: string): Promise<readonly string[]> => {
    const { body } = await app.send('GET', `/v1/games?provider=lobby-maker&${query}`);
    return (body['items'] as { code: string }[]).map(({ code }) => code.replace('lobby:', '')).toSorted();
  };

  test('shows pictures, categories and providers, and only what can be played', async () => {
    const { body } = await app.send('GET', '/v1/games?provider=lobby-maker&category=slots&limit=1');
    expect(body['items']).toMatchObject([
      {
        code: 'lobby:0',
        category: 'slots',
        provider: 'lobby-maker',
        live: true,
        imageUrl: 'https://img.example/0.png',
      },
    ]);
    expect(await codesOf('')).toEqual(['0', '1', '10', '11', '3', '4', '5', '6', '7', '8', '9']);
  });

  test.each([
    ['category=roulette', ['1', '11', '3', '5', '7', '9']],
    ['live=true', ['0', '4', '8']],
    ['platform=desktop', ['1', '10', '11', '4', '5', '7', '8']],
    ['country=DE', ['0', '10', '11', '3', '4', '5', '6', '7', '8', '9']],
    ['search=lobBY%201', ['3', '4', '5']],
    ['brand=borealis', []],
    ['integration=my-hub88', []],
  ])('filters by %s', async (query, codes) => {
    expect(await codesOf(query)).toEqual(codes);
  });

  test('is paged by title without losing or repeating one, also where titles are the same', async () => {
    const seen: string[] = [];
    let after = '';
    do {
      const { body } = await app.send('GET', `/v1/games?provider=lobby-maker&limit=2${after}`);
      seen.push(...(body['items'] as { code: string }[]).map(({ code }) => code));
      after = typeof body['next'] === 'string' ? `&after=${body['next']}` : '';
    } while (after !== '');
    expect(seen).toHaveLength(11);
    expect(new Set(seen).size).toBe(11);
    expect((await app.send('GET', '/v1/games?after=bm9uc2Vuc2U')).body['code']).toBe('invalid-request');
  });
});

describe('free rounds', () => {
  const order = (changes: object, key: string = randomUUID(), staff = admin) =>
    app.send(
      'POST',
      '/admin/v1/free-rounds',
      {
        playerId: ann.id,
        integration: 'my-a8r-v2',
        games: ['acme:test'],
        asset: 'EUR',
        count: 10,
        betValue: '0.20',
        days: 7,
        reason: 'a welcome',
        ...changes,
      },
      { token: staff, key },
    );
  let admin: string;
  beforeAll(async () => {
    admin = await app.signInAs(['content']);
  });

  test('are one row for one key, asked for before the provider is', async () => {
    const key = randomUUID();
    const [one, ...others] = await Promise.all([order({}, key), order({}, key), order({}, key)]);
    if (!one) throw new Error('no answer');
    expect(one).toMatchObject({ status: 202, body: { state: 'requested' } });
    for (const other of others) expect(other.body).toEqual(one.body);
    expect((await order({ count: 11 }, key)).body['code']).toBe('idempotency-key-reused');
    expect(wire.requests).toHaveLength(0);
    const list = await app.send(
      'GET',
      `/admin/v1/free-rounds?playerId=${ann.id}&state=requested`,
      undefined,
      {
        token: admin,
      },
    );
    expect(list.body['items']).toMatchObject([
      { id: one.body['id'], count: 10, betValue: { amount: '0.20', asset: 'EUR' }, games: ['acme:test'] },
    ]);
    await database.pool.query("update games.free_round_issue set state = 'issued' where id = $1", [
      one.body['id'],
    ]);
    const mine = await app.send('GET', '/v1/free-rounds', undefined, { token });
    expect(mine.body['items']).toMatchObject([{ id: one.body['id'], state: 'issued' }]);
    const cancel = (reason: string, cancelKey: string) =>
      app.send(
        'POST',
        `/admin/v1/free-rounds/${String(one.body['id'])}/cancellations`,
        { reason },
        { token: admin, key: cancelKey },
      );
    expect((await cancel('a mistake', '')).body['code']).toBe('idempotency-key-missing');
    const cancelKey = randomUUID();
    expect(await cancel('a mistake', cancelKey)).toMatchObject({
      status: 202,
      body: { state: 'cancelling' },
    });
    // The provider keeps them: the player has claimed them. The repeat of the lost answer asks for nothing more.
    await database.pool.query("update games.free_round_issue set state = 'issued' where id = $1", [
      one.body['id'],
    ]);
    expect(await cancel('a mistake', cancelKey)).toMatchObject({ status: 202, body: { state: 'issued' } });
    expect((await cancel('another reason', cancelKey)).body['code']).toBe('idempotency-key-reused');
  });

  test.each([
    ['longer than a8r allows', { days: 29 }, 'invalid-request'],
    ['with a stake where v1 has no word for it', { integration: 'my-a8r-v1' }, 'invalid-request'],
    ['with a stake finer than a cent', { betValue: '0.001' }, 'amount-too-precise'],
    ['without a stake to speak of', { betValue: '0' }, 'amount-not-positive'],
    ['in a game that is not offered', { games: ['lobby:2'] }, 'unknown-game'],
    ['in a currency that the player does not have', { asset: 'USD' }, 'wallet-not-found'],
    ['for nobody', { playerId: randomUUID() }, 'wallet-not-found'],
  ])('%s are refused', async (_, changes, code) => {
    expect((await order(changes)).body['code']).toBe(code);
  });

  test('are for nobody who may not play, and given by nobody who may not give', async () => {
    const carl = await makePlayer(database.db);
    await database.ownerPool.query(
      "update wallet.player_wallet set play_blocked_until = 'infinity', play_block_reason = 'self-exclusion' where player_id = $1",
      [carl.id],
    );
    expect((await order({ playerId: carl.id })).body['code']).toBe('self-excluded');
    expect((await order({}, randomUUID(), await app.signInAs(['support']))).status).toBe(403);
    const foreign = await app.signInAs(['content'], ['borealis']);
    expect((await order({}, randomUUID(), foreign)).status).toBe(404);
  });
});

describe('campaigns', () => {
  const campaign = {
    campaign_uuid: 'c1',
    name: 'Spring',
    prepaid_uuid: 'p1',
    currency: 'EUR',
    bet_value: 20_000,
    bet_count: 5,
    start_time: '2026-12-01T00:00:00Z',
    end_time: '2026-12-08T00:00:00Z',
  };
  const path = '/admin/v1/integrations/my-hub88/campaigns';
  const body = {
    name: 'Spring',
    prepaidId: 'p1',
    asset: 'EUR',
    betValue: '0.20',
    count: 5,
    startsAt: '2026-12-01T00:00:00Z',
    endsAt: '2026-12-08T00:00:00Z',
    reason: 'the spring campaign',
  };

  test('are made once for a key; one whose answer was lost is never asked for again', async () => {
    const admin = await app.signInAs(['content']);
    const key = randomUUID();
    wire.script = () => ({ body: campaign });
    const create = (idempotencyKey: string) =>
      app.send('POST', path, body, { token: admin, key: idempotencyKey });
    expect((await create(key)).body).toEqual({ campaignId: 'c1' });
    expect((await create(key)).body).toEqual({ campaignId: 'c1' });
    expect(wire.requests).toHaveLength(1);
    const lost = randomUUID();
    wire.script = (_request, response) => {
      response.socket?.destroy();
      return 'taken-over';
    };
    expect((await create(lost)).status).toBe(503);
    wire.script = () => ({ body: campaign });
    expect((await create(lost)).status).toBe(503);
    expect(wire.requests).toHaveLength(2);
  });

  test('and prepaid offers are shown as the provider has them; a8r has neither', async () => {
    const admin = await app.signInAs(['content']);
    const read = (address: string) => app.send('GET', address, undefined, { token: admin });
    wire.script = () => ({ body: [campaign] });
    expect((await read(path)).body['items']).toMatchObject([{ id: 'c1', betValue: '0.20' }]);
    wire.script = () => ({ body: campaign });
    expect((await read(`${path}/c1`)).body).toMatchObject({ id: 'c1', count: 5 });
    wire.script = () => ({ status: 404 });
    expect((await read(`${path}/c2`)).body['code']).toBe('not-found');
    wire.script = () => ({ body: [{ prepaid_uuid: 'p1', game_code: 'acme:test', currency: 'EUR' }] });
    expect((await read('/admin/v1/integrations/my-hub88/prepaids?asset=EUR')).body['items']).toEqual([
      { id: 'p1', game: 'acme:test', asset: 'EUR', betValue: null, count: null },
    ]);
    expect((await read('/admin/v1/integrations/my-a8r-v2/prepaids')).body['code']).toBe(
      'provider-lacks-feature',
    );
  });
});
