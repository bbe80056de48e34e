/** Our calls in all four dialects against servers on the wire: signed over the very bytes, and nothing of an answer taken on trust. */
import { createHmac, createSecretKey, createVerify, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWireServer, type WireRequest, type WireServer } from '#test/support/wire-server.ts';
import { createA8rV1Provider } from './a8r-play-adapter.ts';
import { a8rSignature } from './a8r-call.ts';
import { createA8rV2Provider } from './a8r-twirp-adapter.ts';
import { createCaletaProvider, createHub88Provider } from './hub88-adapter.ts';
import type { ProviderAccess } from './provider-access.ts';
import type { DemoRequest, FreeRoundsOrder, GameProvider, LaunchRequest, PlayerCard } from './providers.ts';

const ours = generateKeyPairSync('rsa', { modulusLength: 2048 });
const token = 'test-auth-token-xyz';

let wire: WireServer;
const access = (): ProviderAccess => ({
  baseUrl: wire.url,
  operatorId: 'pitboss',
  subPartnerId: null,
  catalogueUrl: `${wire.url}/games.yml`,
  signingKey: ours.privateKey,
});
const shared = (): ProviderAccess => ({ ...access(), signingKey: createSecretKey(Buffer.from(token)) });

const providers: Readonly<Record<string, () => GameProvider>> = {
  hub88: () => createHub88Provider(access()),
  caleta: () => createCaletaProvider(access()),
  'a8r-v2': () => createA8rV2Provider(shared()),
  'a8r-v1': () => createA8rV1Provider(shared()),
};
const dialects = Object.keys(providers);
const providerOf = (dialect: string): GameProvider => {
  const make = providers[dialect];
  if (!make) throw new Error(`no ${dialect}`);
  return make();
};

beforeAll(async () => {
  wire = await startWireServer();
});
afterAll(() => wire.close());
beforeEach(() => {
  wire.requests.length = 0;
  wire.script = () => ({ status: 404 });
});

/** Independent of the code under test: the header is checked over the bytes that arrived. */
function isSignedByUs(dialect: string, { raw, headers }: WireRequest): boolean {
  if (dialect.startsWith('a8r'))
    return headers['x-request-sign'] === createHmac('sha256', token).update(raw).digest('hex');
  const header = dialect === 'hub88' ? 'x-hub88-signature' : 'x-auth-signature';
  const signature = String(headers[header] ?? '');
  return createVerify('RSA-SHA256').update(raw).verify(ours.publicKey, signature, 'base64');
}

const player: PlayerCard = {
  playerId: '11111111-2222-4333-8444-555555555555',
  asset: 'EUR',
  country: 'MT',
  jurisdiction: 'MT',
  registeredOn: '2026-01-02',
  personal: null,
};
const demo: DemoRequest = {
  game: 'acme:test',
  country: 'MT',
  jurisdiction: 'MT',
  language: 'en',
  platform: 'mobile',
  lobbyUrl: 'https://casino.example/lobby',
  depositUrl: 'https://casino.example/cashier',
  ip: '203.0.113.7',
};
const launch: LaunchRequest = { ...demo, player, token: 'game-token' };
const order: FreeRoundsOrder = {
  issueId: '99999999-2222-4333-8444-555555555555',
  player,
  games: ['acme:test'],
  count: 10,
  betValue: '0.2',
  validUntil: '2026-12-01T00:00:00.000Z',
  prepaidId: null,
  prepaid: null,
  campaignId: null,
};

const launchAnswers: Readonly<Record<string, (url: string) => unknown>> = {
  hub88: (url) => ({ url }),
  caleta: (url) => ({ url }),
  'a8r-v2': (url) => ({ launch_url: url }),
  'a8r-v1': (url) => ({ launch_options: { game_url: url, strategy: 'iframe' } }),
};
const launched = (dialect: string, url: string): unknown => launchAnswers[dialect]?.(url);

const codeOf = (result: { ok: boolean } | { ok: false; failure: { code: string } }): string | null =>
  'failure' in result ? result.failure.code : null;

test('the a8r signature is the published one', () => {
  const key = (secret: string): ProviderAccess => ({
    ...access(),
    signingKey: createSecretKey(Buffer.from(secret)),
  });
  expect(a8rSignature(key(token), Buffer.from('{"player_id":"u1","currency":"EUR"}'))).toBe(
    '53d22c721397abe742700d4fc12f88d33e68ae02b5a156704ee901dfe8e616fe',
  );
  const batch =
    '{"player_id":"u1","round_id":"r1","game_id":"acme:test","currency":"EUR","provider":"acme","transactions":[{"id":"t1","type":"bet","amount":"1.50"},{"id":"t2","type":"win","amount":"0.123456789012","bet_id":"t1"}]}';
  expect(a8rSignature(key(token), Buffer.from(batch))).toBe(
    '83c66975f841663e16cf2871a901589ecd6d0004c76985e364c8d19543fc7e7e',
  );
  const yeet = '{"user_id":"8|USDT|USD","currency":"USD","game":"acceptance:test"}';
  expect(a8rSignature(key('test'), Buffer.from(yeet))).toBe(
    '442c4cd8926008096225416b21f5a1862fbf4fc4e5224362e3b463e85a39f40a',
  );
});

describe.each(dialects)('%s', (dialect) => {
  test('launches with what the dialect wants, signed over the bytes sent', async () => {
    wire.script = () => ({ body: launched(dialect, 'https://games.example/run?x=1') });
    expect(await providerOf(dialect).launchUrl(launch)).toEqual({
      ok: true,
      value: 'https://games.example/run?x=1',
    });
    const [request] = wire.requests;
    if (!request) throw new Error('nothing was sent');
    expect(isSignedByUs(dialect, request)).toBe(true);
    expect([request.path, request.body]).toEqual(launchRequests[dialect]);
  });

  test('launches play without money without naming anybody', async () => {
    wire.script = () => ({ body: launched(dialect, 'https://games.example/demo') });
    expect(await providerOf(dialect).demoUrl?.(demo)).toMatchObject({ ok: true });
    const [request] = wire.requests;
    if (!request) throw new Error('nothing was sent');
    expect(isSignedByUs(dialect, request)).toBe(true);
    expect([request.path, request.body]).toEqual(demoRequests[dialect]);
  });

  test.each([
    ['a script instead of an address', 'javascript:alert(1)'],
    ['an address with a space', 'https://games.example/ run'],
    ['an endless address', `https://games.example/${'x'.repeat(5_000)}`],
    ['a number', 7],
  ])('does not follow %s', async (_, url) => {
    wire.script = () => ({ body: launched(dialect, url as string) });
    expect(codeOf(await providerOf(dialect).launchUrl(launch))).toBe('dependency-unavailable');
  });

  test.each([
    ['no JSON', { body: '<html>' }],
    ['a key twice', { body: '{"url":"https://a.example","url":"https://b.example"}' }],
    ['a redirect', { status: 302, headers: { location: 'https://elsewhere.example' } }],
    ['its own failure', { status: 503 }],
    ['"later"', { status: 429 }],
    ['too much', { body: JSON.stringify({ fill: 'x'.repeat(300_000) }) }],
  ])('takes %s for no answer', async (_, answer) => {
    wire.script = () => answer;
    expect(codeOf(await providerOf(dialect).launchUrl(launch))).toBe('dependency-unavailable');
  });

  test('a connection that is cut is no answer', async () => {
    wire.script = (_request, response) => {
      response.socket?.destroy();
      return 'taken-over';
    };
    expect(codeOf(await providerOf(dialect).launchUrl(launch))).toBe('dependency-unavailable');
  });

  test('a refusal is told as one, its words made printable', async () => {
    wire.script = () => ({ status: 400, body: `{"error":"no${'\\u0007'}"} \u0007${'y'.repeat(400)}` });
    const answer = await providerOf(dialect).launchUrl(launch);
    expect(codeOf(answer)).toBe('provider-refused');
    if (!answer.ok) expect(answer.failure.detail).toMatch(/^[\x20-\x7e]{1,260}$/);
  });

  test('takes free rounds back by our id, and a refusal means that they were claimed', async () => {
    const [path, fields] = cancelRequests[dialect] ?? ['', {}];
    wire.script = () => ({ body: {} });
    const issue = { issueId: order.issueId, games: order.games };
    expect(await providerOf(dialect).cancelFreeRounds?.(issue)).toEqual({ ok: true, value: undefined });
    expect(wire.requests[0]).toMatchObject({ path, body: fields });
    wire.script = () => ({ status: 412, body: { code: 'claimed' } });
    expect(codeOf((await providerOf(dialect).cancelFreeRounds?.(issue)) ?? { ok: true })).toBe(
      'provider-refused',
    );
  });
});

const hub88Launch = {
  game_code: 'acme:test',
  country: 'MT',
  lang: 'en',
  platform: 'GPL_MOBILE',
  lobby_url: demo.lobbyUrl,
  deposit_url: demo.depositUrl,
  ip: demo.ip,
};
const urls = { return_url: demo.lobbyUrl, deposit_url: demo.depositUrl };
const a8rPlayer = {
  id: player.playerId,
  country: 'MT',
  registered_at: '2026-01-02',
  nickname: 'player-11111111',
};
const v1Launch = {
  casino_id: 'pitboss',
  game: 'acme:test',
  locale: 'en',
  ip: demo.ip,
  client_type: 'mobile',
  urls,
};
const v2Launch = { ...v1Launch, jurisdiction: 'MT' };
const realHub88 = {
  operator_id: 'pitboss',
  ...hub88Launch,
  currency: 'EUR',
  user: player.playerId,
  token: 'game-token',
};

const launchRequests: Readonly<Record<string, readonly [string, object]>> = {
  hub88: ['/operator/generic/v2/game/url', realHub88],
  caleta: ['/operator/generic/v2/game/url', realHub88],
  'a8r-v2': ['/v2/casino_a8r.Launcher/Real', { ...v2Launch, player: { ...a8rPlayer, currency: 'EUR' } }],
  'a8r-v1': ['/sessions', { ...v1Launch, currency: 'EUR', user: a8rPlayer }],
};
const demoRequests: Readonly<Record<string, readonly [string, object]>> = {
  hub88: ['/operator/generic/v2/game/url', { operator_id: 'pitboss', ...hub88Launch, currency: 'XXX' }],
  caleta: ['/operator/generic/v2/game/url', { operator_id: 'pitboss', ...hub88Launch, currency: 'FUN' }],
  'a8r-v2': ['/v2/casino_a8r.Launcher/Demo', v2Launch],
  'a8r-v1': ['/demo', v1Launch],
};
const a8rCancel = { casino_id: 'pitboss', issue_id: order.issueId, provider: 'acme' };
const rewardCancel = { operator_id: 'pitboss', reward_uuid: order.issueId };
const cancelRequests: Readonly<Record<string, readonly [string, object]>> = {
  hub88: ['/operator/generic/v2/freebet/rewards/cancel', rewardCancel],
  caleta: ['/operator/generic/v2/freebet/rewards/cancel', rewardCancel],
  'a8r-v2': ['/v2/casino_a8r.Freespins/Cancel', a8rCancel],
  'a8r-v1': ['/freespins/cancel', a8rCancel],
};

test('a shared person travels in a8r launches alone', async () => {
  const personal = {
    firstName: 'Ada',
    lastName: 'Byron',
    dateOfBirth: '1990-12-10',
    email: 'ada@player.example',
  };
  const named = { ...launch, player: { ...player, personal } };
  for (const dialect of dialects) {
    wire.script = () => ({ body: launched(dialect, 'https://games.example/run') });
    await providerOf(dialect).launchUrl(named);
  }
  const [hub88, caleta, v2, v1] = wire.requests.map(({ raw }) => raw.toString());
  expect(hub88).not.toContain('Ada');
  expect(caleta).not.toContain('Ada');
  expect(JSON.parse(v2 ?? '')).toMatchObject({
    player: { firstname: 'Ada', lastname: 'Byron', date_of_birth: '1990-12-10', email: personal.email },
  });
  expect(JSON.parse(v1 ?? '')).toMatchObject({
    user: { firstname: 'Ada', lastname: 'Byron', date_of_birth: '1990-12-10' },
  });
  expect(v1).not.toContain('@');
});

describe('catalogues', () => {
  test('Hub88: games in our words; what cannot be read is counted, a picture that is none is left out', async () => {
    wire.script = () => ({
      body: [
        {
          game_code: 'clt_dragon',
          name: 'Dragon',
          category: 'Video Slots',
          product: 'Caleta',
          enabled: true,
          url_thumb: 'https://img.example/t.png',
          url_background: 'javascript:alert(1)',
          platforms: ['GPL_DESKTOP', 'GPL_TV'],
          blocked_countries: ['us', 'FR'],
          rtp: 95.5,
        },
        { game_code: 'bad\u0000code', name: 'Bad', category: 'Slots' },
        'nothing',
      ],
    });
    expect(await providerOf('hub88').gameList?.()).toMatchObject({
      ok: true,
      value: {
        unreadable: 2,
        games: [
          {
            code: 'clt_dragon',
            title: 'Dragon',
            provider: 'Caleta',
            imageUrl: 'https://img.example/t.png',
            backgroundUrl: null,
            platforms: ['desktop'],
            blockedCountries: ['US', 'FR'],
            enabled: true,
          },
        ],
      },
    });
    expect(wire.requests[0]).toMatchObject({
      path: '/operator/generic/v2/game/list',
      body: { operator_id: 'pitboss' },
    });
  });

  test('a8r v2: providers with their games, pictures below their base, release and recall', async () => {
    wire.script = () => ({
      body: {
        providers: [
          {
            name: 'acme',
            image_assets: { base_url: 'https://img.example/a/' },
            games: [
              {
                id: 'acme:one',
                title: 'One',
                producer: 'Acme Labs',
                category: 'roulette',
                live: true,
                images: { square: 'one.png', wide: '/one-wide.png' },
                released_at: '2026-01-01',
                recalled_at: '2026-06-01T00:00:00Z',
              },
              { id: 'nocolon', title: 'Bad', category: 'slots' },
            ],
          },
        ],
      },
    });
    expect(await providerOf('a8r-v2').gameList?.()).toMatchObject({
      ok: true,
      value: {
        unreadable: 1,
        games: [
          {
            code: 'acme:one',
            provider: 'acme',
            producer: 'Acme Labs',
            live: true,
            imageUrl: 'https://img.example/a/one.png',
            backgroundUrl: 'https://img.example/a/one-wide.png',
            releasedAtMs: Date.UTC(2026, 0, 1),
            recalledAtMs: Date.UTC(2026, 5, 1),
          },
        ],
      },
    });
    expect(wire.requests[0]).toMatchObject({
      path: '/v2/casino_a8r.Game/List',
      body: { casino_id: 'pitboss' },
    });
  });

  test('a8r v1: a YAML file at its own address, without aliases', async () => {
    const yaml = [
      '- title: 88 Dragons',
      '  identifier: acme:dragons',
      '  identifier2: Dragons',
      '  provider: acme',
      '  producer: acme labs',
      '  category: slots',
      '  has_freespins: true',
      '  devices: [desktop, mobile]',
      '  payout: 96.1',
      '- title: No identifier',
    ].join('\n');
    wire.script = () => ({ body: yaml, headers: { 'content-type': 'application/yaml' } });
    expect(await providerOf('a8r-v1').gameList?.()).toMatchObject({
      ok: true,
      value: {
        unreadable: 1,
        games: [
          {
            code: 'acme:dragons',
            title: '88 Dragons',
            hasFreeRounds: true,
            platforms: ['desktop', 'mobile'],
          },
        ],
      },
    });
    expect(wire.requests[0]).toMatchObject({ method: 'GET', path: '/games.yml' });
    const bomb = ['a: &a [x,x,x,x]', 'b: &b [*a,*a,*a,*a]', 'c: [*b,*b,*b,*b]'].join('\n');
    wire.script = () => ({ body: bomb });
    expect(codeOf((await providerOf('a8r-v1').gameList?.()) ?? { ok: true })).toBe('dependency-unavailable');
  });

  test.each(['hub88', 'a8r-v2'])('%s: an answer that is no list is no answer', async (dialect) => {
    for (const body of ['{}', '[[[', '"games"', 'null']) {
      wire.script = () => ({ body });
      expect(codeOf((await providerOf(dialect).gameList?.()) ?? { ok: true })).toBe('dependency-unavailable');
    }
  });
});

describe('rounds', () => {
  test('Hub88: replay by round and player; unknown is unknown', async () => {
    wire.script = () => ({ body: { url: 'https://replay.example/r1' } });
    const round = { playerId: player.playerId, roundRef: 'r1' };
    expect(await providerOf('hub88').replayUrl?.(round)).toEqual({
      ok: true,
      value: 'https://replay.example/r1',
    });
    expect(wire.requests[0]).toMatchObject({
      path: '/operator/generic/v2/game/round',
      body: { operator_id: 'pitboss', user: player.playerId, round: 'r1' },
    });
    wire.script = () => ({ status: 404, body: { error: 'UNKNOWN_ROUND' } });
    expect(codeOf((await providerOf('hub88').replayUrl?.(round)) ?? { ok: true })).toBe(
      'transaction-not-found',
    );
  });

  test('Hub88: an amount beyond what a float holds is read exactly', async () => {
    wire.script = () => ({
      body: '{"url":"https://x.example","status":"finished","transactions":[{"transaction_uuid":"t1","kind":"win","reference_transaction_uuid":"b1","amount":9007199254740993,"jackpot_win":"400000"},{"transaction_uuid":"t2","kind":"win","reference_transaction_uuid":"b1","amount":1}]}',
    });
    const outcome = await providerOf('hub88').roundOutcome?.({ playerId: player.playerId, roundRef: 'r1' });
    expect(outcome).toMatchObject({
      value: {
        state: 'finished',
        transactions: [
          { wireAmount: '9007199254740993', jackpotWireAmount: '400000' },
          { wireAmount: '1', jackpotWireAmount: null },
        ],
      },
    });
  });

  test('a8r has no call for either', () => {
    for (const dialect of ['a8r-v2', 'a8r-v1']) {
      expect(providerOf(dialect).replayUrl).toBeUndefined();
      expect(providerOf(dialect).roundOutcome).toBeUndefined();
    }
  });
});

describe('free rounds', () => {
  const prepaids = [
    {
      prepaid_uuid: 'other-currency',
      game_code: 'acme:test',
      currency: 'USD',
      bet_value: null,
      bet_count: null,
    },
    {
      prepaid_uuid: 'other-value',
      game_code: 'acme:test',
      currency: 'EUR',
      bet_value: 50_000,
      bet_count: 10,
    },
    { prepaid_uuid: 'open-value', game_code: 'acme:test', currency: 'EUR', bet_value: null, bet_count: 10 },
  ];

  test('Hub88: the prepaid that fits, and only what it leaves open', async () => {
    const provider = providerOf('hub88');
    wire.script = () => ({ body: prepaids });
    const chosen = await provider.choosePrepaid?.(order);
    expect(chosen).toMatchObject({ ok: true, value: { id: 'open-value', betValue: null, count: 10 } });
    if (!chosen?.ok) throw new Error('none was chosen');
    wire.script = () => ({ body: { reward_uuid: order.issueId, status: 'FRS_ACTIVE', bet_value: 20_000 } });
    expect(await provider.issueFreeRounds?.({ ...order, prepaid: chosen.value })).toMatchObject({ ok: true });
    expect(wire.requests.map(({ path }) => path)).toEqual([
      '/operator/generic/v2/freebet/prepaids/list',
      '/operator/generic/v2/freebet/rewards/create',
    ]);
    expect(wire.requests[0]?.body).toEqual({
      operator_id: 'pitboss',
      game_code: 'acme:test',
      currency: 'EUR',
    });
    expect(wire.requests[1]?.body).toEqual({
      operator_id: 'pitboss',
      user: player.playerId,
      prepaid_uuid: 'open-value',
      reward_uuid: order.issueId,
      end_time: order.validUntil,
      bet_value: 20_000,
    });
    expect(wire.requests.every((request) => isSignedByUs('hub88', request))).toBe(true);
  });

  test('Hub88: no offer that fits is a refusal; an answer about another reward is no answer', async () => {
    const provider = providerOf('hub88');
    wire.script = () => ({ body: prepaids });
    const rich = await provider.choosePrepaid?.({ ...order, count: 11 });
    expect(codeOf(rich ?? { ok: true })).toBe('provider-refused');
    wire.script = () => ({ body: { reward_uuid: 'another' } });
    const prepaid = { id: 'open-value', game: null, asset: 'EUR', betValue: null, count: 10 };
    expect(codeOf((await provider.issueFreeRounds?.({ ...order, prepaid })) ?? { ok: true })).toBe(
      'dependency-unavailable',
    );
  });

  test('Hub88: campaigns are made, listed and read', async () => {
    const campaigns = providerOf('hub88').campaigns;
    const terms = {
      name: 'Spring',
      prepaidId: 'open-value',
      asset: 'EUR',
      betValue: '0.20',
      count: 5,
      startsAt: '2026-12-01T00:00:00Z',
      endsAt: '2026-12-08T00:00:00Z',
    };
    const wireCampaign = {
      campaign_uuid: 'c1',
      name: 'Spring',
      prepaid_uuid: 'open-value',
      currency: 'EUR',
      bet_value: 20_000,
      bet_count: 5,
      start_time: terms.startsAt,
      end_time: terms.endsAt,
    };
    wire.script = ({ path }) => ({ body: path.endsWith('/list') ? [wireCampaign] : wireCampaign });
    const known = { ...terms, id: 'c1', status: null };
    expect(await campaigns?.create(terms)).toEqual({ ok: true, value: known });
    expect(await campaigns?.list()).toEqual({ ok: true, value: [known] });
    expect(await campaigns?.read('c1')).toEqual({ ok: true, value: known });
    const { campaign_uuid: _, ...sent } = wireCampaign;
    expect(wire.requests.map(({ path, body }) => [path.split('/freebet/')[1], body])).toEqual([
      ['campaigns/create', { operator_id: 'pitboss', ...sent }],
      ['campaigns/list', { operator_id: 'pitboss' }],
      ['campaigns/info', { operator_id: 'pitboss', campaign_uuid: 'c1' }],
    ]);
  });

  test('Hub88: a list that is not there is a refusal, since nothing was asked about that could be missing', async () => {
    wire.script = () => ({ status: 404, body: {} });
    const provider = providerOf('hub88');
    expect(codeOf((await provider.prepaids?.({})) ?? { ok: true })).toBe('provider-refused');
    expect(codeOf((await provider.campaigns?.list()) ?? { ok: true })).toBe('provider-refused');
    expect(codeOf((await provider.choosePrepaid?.(order)) ?? { ok: true })).toBe('provider-refused');
    expect(codeOf((await provider.campaigns?.read('c1')) ?? { ok: true })).toBe('transaction-not-found');
  });

  test('a8r v2: issued by our id; issued before is issued', async () => {
    wire.script = () => ({ body: '' });
    expect(await providerOf('a8r-v2').issueFreeRounds?.(order)).toEqual({ ok: true, value: undefined });
    expect(wire.requests[0]).toMatchObject({ path: '/v2/casino_a8r.Freespins/Issue' });
    expect(wire.requests[0]?.body).toEqual({
      casino_id: 'pitboss',
      issue_id: order.issueId,
      freespins_quantity: 10,
      bet_amount: '0.2',
      games: ['acme:test'],
      valid_until: order.validUntil,
      player: { ...a8rPlayer, currency: 'EUR' },
    });
    wire.script = () => ({ status: 409, body: { code: 'already_exists', msg: 'issue exists' } });
    expect(await providerOf('a8r-v2').issueFreeRounds?.(order)).toEqual({ ok: true, value: undefined });
    wire.script = () => ({ status: 400, body: { code: 'invalid_argument', msg: 'no such game' } });
    expect(codeOf((await providerOf('a8r-v2').issueFreeRounds?.(order)) ?? { ok: true })).toBe(
      'provider-refused',
    );
  });

  test('a8r v1: without a stake, which the wire has no word for', async () => {
    wire.script = () => ({ body: {} });
    expect(await providerOf('a8r-v1').issueFreeRounds?.({ ...order, betValue: null })).toMatchObject({
      ok: true,
    });
    expect(wire.requests[0]?.path).toBe('/freespins/issue');
    expect(wire.requests[0]?.body).toEqual({
      casino_id: 'pitboss',
      issue_id: order.issueId,
      currency: 'EUR',
      games: ['acme:test'],
      freespins_quantity: 10,
      valid_until: order.validUntil,
      user: a8rPlayer,
    });
  });
});
