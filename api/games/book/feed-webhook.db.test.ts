/** The odds feed as an enemy and as a clumsy friend: forged, replayed, overtaken, unknown, late and contradicting messages. */
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { takeOpenFeedMessages } from '#activities/games/commands/take-feed-message.ts';
import type { FeedMessage } from '#domain/games/book/feed.schema.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import {
  awayWins,
  createBookWorld,
  homeWins,
  type BookWorld,
  type TestMarket,
} from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { Secret } from '#workers/secret.ts';

const secret = 'the-feed-secret-of-the-tests';
let database: TestDatabase;
let app: TestApi;
let book: BookWorld;
let match: TestMarket;
let sequence = 1_000_000;

beforeAll(async () => {
  database = await createTestDatabase();
  const plain = await createTestApi(database);
  app = await createTestApi(database, {
    config: { ...plain.deps.config, oddsFeed: { webhookSecret: new Secret(secret) } },
  });
  await plain.close();
  book = createBookWorld(database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});
beforeEach(async () => {
  match = await book.makeMarket();
  sequence += 1_000;
});

type Sending = { id?: string; atMs?: number; key?: string; sent?: string };

/** Sends a message as the feed signs it; `sent` replaces the body after it was signed. */
function deliver(
  message: object | string,
  { id = randomUUID(), atMs = Date.now(), key = secret, sent }: Sending = {},
) {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  const timestamp = String(Math.floor(atMs / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return app.send('POST', '/webhooks/odds-feed', sent ?? body, {
    headers: {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${'A'.repeat(43)}= v1,${signature}`,
    },
  });
}

const resulted = (outcomes: object, at: number, of: TestMarket = match) => ({
  type: 'market.resulted',
  sequence: at,
  ...of,
  outcomes,
});

const outcomeOf = async (answer: Promise<Answer>): Promise<unknown> => (await answer).body['outcome'];

async function resultsOf(market: TestMarket): Promise<{ version: number; kind: string; home: string }[]> {
  const { rows } = await database.pool.query(
    `select version, kind, outcomes -> 'home' ->> 'result' as home from games.market_result
     where event_id = $1 and market_id = $2 order by version`,
    [market.eventId, market.marketId],
  );
  return rows;
}

const resolver =
  (token: string) =>
  (id: string, resolution: string, key: string = randomUUID()) =>
    app.send(
      'POST',
      `/admin/v1/parked-results/${id}/resolutions`,
      { resolution, reason: 'asked the feed by phone' },
      { token, key },
    );

const parkedOf = async (market: { eventId: string }): Promise<{ id: string; reason: string }[]> =>
  database.db
    .selectFrom('games.parkedResult')
    .select(['id', 'reason'])
    .where('eventId', '=', market.eventId)
    .where('closedAt', 'is', null)
    .execute();

/** The sweep leaves young messages to the request that stored them. */
const sweep = async (): Promise<number> => {
  await database.ownerPool.query(
    `update compliance.webhook_inbox set received_at = received_at - interval '3 seconds' where processed_at is null`,
  );
  return takeOpenFeedMessages(database.db);
};

describe('a message of the feed', () => {
  test('is as old as the database says, whatever the clock of this host shows', async () => {
    const trueMs = Date.now();
    const message = resulted(homeWins, sequence);
    vi.spyOn(Date, 'now').mockReturnValue(trueMs + 3_600_000);
    try {
      const late = await deliver(message, { atMs: trueMs + 3_600_000 });
      expect([late.status, late.body['code']]).toEqual([401, 'stale-signature']);
      expect((await deliver(message, { atMs: trueMs })).status).toBe(200);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('is believed only with a fresh signature over its id, its time and its very bytes', async () => {
    const message = resulted(homeWins, sequence);
    const forged: [string, Sending][] = [
      ['invalid-signature', { key: 'somebody-else' }],
      ['invalid-signature', { sent: JSON.stringify(resulted(awayWins, sequence)) }],
      ['invalid-signature', { sent: `${JSON.stringify(message)} ` }],
      ['stale-signature', { atMs: Date.now() - 301_000 }],
      ['stale-signature', { atMs: Date.now() + 302_000 }],
    ];
    for (const [code, sending] of forged) {
      const answer = await deliver(message, sending);
      expect([answer.status, answer.body['code']]).toEqual([401, code]);
    }
    const unsigned = await app.send('POST', '/webhooks/odds-feed', JSON.stringify(message));
    expect(unsigned.status).toBe(401);
    expect(await resultsOf(match)).toEqual([]);
    const { rows } = await database.pool.query(
      `select count(*)::int as n from compliance.webhook_inbox where subject like $1`,
      [`market:${match.eventId}%`],
    );
    expect(rows[0].n).toBe(0);
  });

  test('that is no message is refused and stores nothing', async () => {
    const bodies: [string, unknown][] = [
      ['malformed-json', '{"type":'],
      ['invalid-request', { type: 'market.exploded', sequence: 1 }],
      ['invalid-request', { ...resulted(homeWins, sequence), extra: true }],
      ['invalid-request', resulted({ home: { result: 'dead-heat', sharedBy: 2, places: 2 } }, sequence)],
      ['invalid-request', { ...resulted(homeWins, sequence), eventId: '../x' }],
      [
        'invalid-request',
        {
          type: 'odds.changed',
          sequence,
          ...match,
          odds: [{ selectionId: 'home', odds: '1.00', active: true }],
        },
      ],
    ];
    for (const [code, body] of bodies) expect((await deliver(body as object)).body['code']).toBe(code);
    expect(await resultsOf(match)).toEqual([]);
  });

  test('changes nothing when it is replayed, alone or twenty times at once', async () => {
    const id = randomUUID();
    const message = resulted(homeWins, sequence);
    const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(message, { id })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers.filter(({ body }) => body['outcome'] === 'accepted')).toHaveLength(1);
    expect(await outcomeOf(deliver(message, { id }))).toBe('duplicate');
    expect(await resultsOf(match)).toHaveLength(1);
  });

  test('that overtook what it is about waits for it, and the sweep carries it out', async () => {
    const market = { eventId: `ev-${randomUUID().slice(0, 12)}`, marketId: 'total-goals' };
    const selections = [{ id: 'over', name: 'Over 2.5', odds: '1.90', active: true }];
    const messages: FeedMessage[] = [
      {
        type: 'odds.changed',
        sequence: sequence + 3,
        ...market,
        odds: [{ selectionId: 'over', odds: '1.70', active: true }],
      },
      {
        type: 'market.updated',
        sequence: sequence + 2,
        ...market,
        kind: 'total',
        name: 'Goals',
        state: 'open',
        selections,
      },
      {
        type: 'event.updated',
        sequence: sequence + 1,
        eventId: market.eventId,
        sport: 'football',
        name: 'A – B',
        startsAt: new Date(Date.now() + 60_000).toISOString(),
        state: 'scheduled',
      },
    ];
    const outcomes: unknown[] = [];
    for (const message of messages) outcomes.push(await outcomeOf(deliver(message)));
    expect(outcomes).toEqual(['waiting', 'waiting', 'applied']);
    await sweep();
    await sweep();
    const { odds } = await database.db
      .selectFrom('games.selection')
      .select('odds')
      .where('eventId', '=', market.eventId)
      .executeTakeFirstOrThrow();
    expect(odds).toBe(1_700n);
    expect(await sweep()).toBe(0);
  });

  test('in any order leaves the catalogue at the latest of each kind', async () => {
    const price = (odds: string, at: number): FeedMessage => ({
      type: 'odds.changed',
      sequence: at,
      ...match,
      odds: [{ selectionId: 'home', odds, active: true }],
    });
    const state = (to: 'open' | 'suspended', at: number): FeedMessage => ({
      type: 'market.state-changed',
      sequence: at,
      ...match,
      state: to,
    });
    for (const message of [
      price('1.50', sequence + 4),
      state('suspended', sequence + 3),
      price('9.00', sequence + 2),
      state('open', sequence + 1),
    ])
      await deliver(message);
    const { rows } = await database.pool.query(
      `select m.state, s.odds from games.market m join games.selection s on s.event_id = m.event_id
       where m.event_id = $1 and s.id = 'home'`,
      [match.eventId],
    );
    expect(rows).toEqual([{ state: 'suspended', odds: 1_500n }]);
  });
  test('that shows a market as it was before its latest picture brings back no selection', async () => {
    const picture = (at: number, ids: readonly string[]): FeedMessage => ({
      type: 'market.updated',
      sequence: at,
      ...match,
      kind: 'match-winner',
      name: 'Match winner',
      state: 'open',
      selections: ids.map((id) => ({ id, name: id, odds: '2.00', active: true })),
    });
    expect(await outcomeOf(deliver(picture(sequence + 2, Object.keys(homeWins))))).toBe('applied');
    expect(await outcomeOf(deliver(picture(sequence + 1, [...Object.keys(homeWins), 'ghost'])))).toBe(
      'stale',
    );
    const ann = await book.makeBettor();
    expect(await book.place(ann, [{ ...match, selectionId: 'ghost', odds: '2.00' }])).toMatchObject({
      failure: { code: 'unknown-selection' },
    });
    // A selection that nobody offers any more would have to be named by every result.
    expect(await outcomeOf(deliver(resulted(homeWins, sequence + 3)))).toBe('accepted');
  });

  test('that shows a market after its latest picture counts, whatever the market was called in between', async () => {
    const state = { type: 'market.state-changed', sequence: sequence + 2, ...match, state: 'suspended' };
    expect(await outcomeOf(deliver(state))).toBe('applied');
    const picture = {
      type: 'market.updated',
      sequence: sequence + 1,
      ...match,
      kind: 'match-winner',
      name: 'Match winner',
      state: 'open',
      selections: [{ id: 'other', name: 'Other', odds: '5.00', active: true }],
    };
    expect(await outcomeOf(deliver(picture))).toBe('applied');
    const { rows } = await database.pool.query(
      `select m.state, s.id, s.active from games.market m join games.selection s on s.event_id = m.event_id
       where m.event_id = $1 order by s.id`,
      [match.eventId],
    );
    expect(rows).toEqual([
      { state: 'suspended', id: 'away', active: false },
      { state: 'suspended', id: 'draw', active: false },
      { state: 'suspended', id: 'home', active: false },
      { state: 'suspended', id: 'other', active: true },
    ]);
  });

  test('with a price of a selection that is not known yet waits for it, and the price holds then', async () => {
    const price: FeedMessage = {
      type: 'odds.changed',
      sequence: sequence + 2,
      ...match,
      odds: [
        { selectionId: 'home', odds: '1.50', active: true },
        { selectionId: 'late', odds: '1.20', active: true },
      ],
    };
    expect(await outcomeOf(deliver(price))).toBe('waiting');
    const picture = {
      type: 'market.updated',
      sequence: sequence + 1,
      ...match,
      kind: 'match-winner',
      name: 'Match winner',
      state: 'open',
      selections: [
        { id: 'home', name: 'Home', odds: '2.00', active: true },
        { id: 'late', name: 'Late', odds: '9.00', active: true },
      ],
    };
    expect(await outcomeOf(deliver(picture))).toBe('applied');
    await sweep();
    const { rows } = await database.pool.query(
      `select id, odds from games.selection where event_id = $1 and active order by id`,
      [match.eventId],
    );
    expect(rows).toEqual([
      { id: 'home', odds: 1_500n },
      { id: 'late', odds: 1_200n },
    ]);
  });

  test('that was stored and not carried out is not kept from its turn by any number that wait', async () => {
    const nobody = { eventId: `ev-${randomUUID().slice(0, 12)}`, marketId: 'nobody' };
    const waiting = JSON.stringify({
      type: 'odds.changed',
      sequence,
      ...nobody,
      odds: [{ selectionId: 'home', odds: '1.50', active: true }],
    });
    await database.ownerPool.query(
      `insert into compliance.webhook_inbox (source, external_id, received_at, body)
       select 'odds-feed', 'waits-' || n, now() - interval '1 hour', $1 from generate_series(1, 30) n`,
      [waiting],
    );
    await database.ownerPool.query(
      `insert into compliance.webhook_inbox (source, external_id, received_at, body)
       values ('odds-feed', 'stored-' || gen_random_uuid(), now() - interval '1 minute', $1)`,
      [JSON.stringify(resulted(homeWins, sequence))],
    );
    for (let turn = 0; turn < 4; turn += 1) await takeOpenFeedMessages(database.db, 10);
    expect(await resultsOf(match)).toHaveLength(1);
    await database.ownerPool.query(
      `update compliance.webhook_inbox set processed_at = now() where processed_at is null`,
    );
  });
});

describe('a result', () => {
  test('of an unknown market or selection, or of a part of the market, waits for a person', async () => {
    const unknown = { eventId: `ev-${randomUUID().slice(0, 12)}`, marketId: 'nobody' };
    expect(await outcomeOf(deliver(resulted(homeWins, sequence, unknown)))).toBe('parked');
    expect(await parkedOf(unknown)).toMatchObject([{ reason: 'unknown-market' }]);
    expect(await outcomeOf(deliver(resulted({ ...homeWins, ghost: { result: 'lost' } }, sequence)))).toBe(
      'parked',
    );
    expect(await outcomeOf(deliver(resulted({ home: { result: 'won' } }, sequence + 1)))).toBe('parked');
    expect((await parkedOf(match)).map(({ reason }) => reason).toSorted()).toEqual([
      'incomplete-result',
      'unknown-selection',
    ]);
    expect(await resultsOf(match)).toEqual([]);
    // The same message under another id is the same item.
    await deliver(resulted({ home: { result: 'won' } }, sequence + 1));
    expect(await parkedOf(match)).toHaveLength(2);
  });

  test('said again has no effect, said later and otherwise is a correction, said earlier and otherwise is parked', async () => {
    expect(await outcomeOf(deliver(resulted(homeWins, sequence + 10)))).toBe('accepted');
    expect(await outcomeOf(deliver(resulted(homeWins, sequence + 10)))).toBe('no-effect');
    expect(await outcomeOf(deliver(resulted(homeWins, sequence + 5)))).toBe('no-effect');
    expect(await outcomeOf(deliver(resulted(homeWins, sequence + 20)))).toBe('no-effect');
    // The confirmation at +20 counts: what comes between is not later than what was confirmed.
    expect(await outcomeOf(deliver(resulted(awayWins, sequence + 15)))).toBe('parked');
    expect(await outcomeOf(deliver(resulted(awayWins, sequence + 20)))).toBe('parked');
    expect(await outcomeOf(deliver(resulted(awayWins, sequence + 21)))).toBe('accepted');
    expect(await resultsOf(match)).toEqual([
      { version: 1, kind: 'result', home: 'won' },
      { version: 2, kind: 'result', home: 'lost' },
    ]);
  });

  test('after an abandonment is a correction of it, and the other way round', async () => {
    expect(await outcomeOf(deliver({ type: 'market.abandoned', sequence: sequence + 1, ...match }))).toBe(
      'accepted',
    );
    expect(await outcomeOf(deliver(resulted(homeWins, sequence + 2)))).toBe('accepted');
    expect(await outcomeOf(deliver({ type: 'market.abandoned', sequence: sequence + 3, ...match }))).toBe(
      'accepted',
    );
    expect(await resultsOf(match)).toEqual([
      { version: 1, kind: 'abandoned', home: 'void' },
      { version: 2, kind: 'result', home: 'won' },
      { version: 3, kind: 'abandoned', home: 'void' },
    ]);
    const opened = await outcomeOf(
      deliver({ type: 'market.state-changed', sequence: sequence + 4, ...match, state: 'open' }),
    );
    expect(opened).toBe('stale');
  });

  test('under a known id with another body is judged by its sequence, like any other', async () => {
    const id = randomUUID();
    expect(await outcomeOf(deliver(resulted(homeWins, sequence), { id }))).toBe('accepted');
    expect(await outcomeOf(deliver(resulted(awayWins, sequence), { id }))).toBe('parked');
  });

  test('that was parked is applied or dismissed by an operator, once', async () => {
    const token = await app.signInAs(['content']);
    const resolve = resolver(token);

    await deliver(resulted(homeWins, sequence + 10));
    await deliver(resulted(awayWins, sequence + 9));
    const [contradiction] = await parkedOf(match);
    const support = await app.signInAs(['support']);
    expect((await resolver(support)(contradiction!.id, 'apply')).status).toBe(403);
    const listed = await app.send('GET', '/admin/v1/parked-results?limit=200', undefined, { token });
    expect(JSON.stringify(listed.body['items'])).toContain(contradiction!.id);
    expect((await resolve(contradiction!.id, 'apply')).status).toBe(200);
    expect(await resultsOf(match)).toMatchObject([{ home: 'won' }, { version: 2, home: 'lost' }]);
    expect((await resolve(contradiction!.id, 'dismiss')).body['code']).toBe('already-decided');

    const other = await book.makeMarket();
    await deliver(resulted({ home: { result: 'won' } }, sequence, other));
    const [incomplete] = await parkedOf(other);
    expect((await resolve(incomplete!.id, 'apply')).body['code']).toBe('result-not-applicable');
    expect(await parkedOf(other)).toHaveLength(1);
    expect((await resolve(incomplete!.id, 'dismiss')).status).toBe(200);
    expect(await parkedOf(other)).toEqual([]);
    const { rows } = await database.pool.query(
      `select action, reason from compliance.audit where subject = $1 and action = 'games.result.released'`,
      [`market:${other.eventId}:${other.marketId}`],
    );
    expect(rows).toEqual([{ action: 'games.result.released', reason: 'asked the feed by phone' }]);
  });

  test('that was parked is decided once by one key, raced or repeated, and the key decides nothing else', async () => {
    const resolve = resolver(await app.signInAs(['content']));
    await deliver(resulted(homeWins, sequence + 10));
    await deliver(resulted(awayWins, sequence + 9));
    const [parked] = await parkedOf(match);
    const key = randomUUID();
    expect((await resolve(parked!.id, 'apply', '')).body['code']).toBe('idempotency-key-missing');
    const answers = await Promise.all([resolve(parked!.id, 'apply', key), resolve(parked!.id, 'apply', key)]);
    expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(
      answers.map(() => ({ status: 200, body: { parkedId: parked!.id } })),
    );
    // A later result moves the market on; the repeat of the lost answer leaves that as it is.
    await deliver(resulted(homeWins, sequence + 12));
    const standing = await resultsOf(match);
    expect(standing).toHaveLength(3);
    expect(await resolve(parked!.id, 'apply', key)).toMatchObject({
      status: 200,
      body: { parkedId: parked!.id },
    });
    expect(await resultsOf(match)).toEqual(standing);
    expect(await resolve(parked!.id, 'dismiss', key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });

    // A refused act leaves its key for the next try.
    const other = await book.makeMarket();
    await deliver(resulted({ home: { result: 'won' } }, sequence, other));
    const [incomplete] = await parkedOf(other);
    const second = randomUUID();
    expect((await resolve(incomplete!.id, 'apply', second)).body['code']).toBe('result-not-applicable');
    expect((await resolve(incomplete!.id, 'dismiss', second)).status).toBe(200);
  });

  test('without a selection that the feed has withdrawn is applied by an operator, and the selection is void', async () => {
    const resolve = resolver(await app.signInAs(['content']));
    const apply = (id: string) => resolve(id, 'apply');
    const without = (...left: string[]) =>
      Object.fromEntries(Object.entries(homeWins).filter(([id]) => !left.includes(id)));
    const drawPaused = { selectionId: 'draw', odds: '3.50', active: false };
    await deliver({
      type: 'market.updated',
      sequence,
      ...match,
      kind: 'match-winner',
      name: 'Match winner',
      state: 'open',
      selections: ['home', 'draw'].map((id) => ({ id, name: id, odds: '2.00', active: true })),
    });
    await deliver({ type: 'odds.changed', sequence: sequence + 1, ...match, odds: [drawPaused] });
    await deliver(resulted(without('away', 'draw'), sequence + 2));
    await deliver(resulted(without('away'), sequence + 3));
    const [tooLittle, enough] = await database.db
      .selectFrom('games.parkedResult')
      .select('id')
      .where('eventId', '=', match.eventId)
      .orderBy('sequence')
      .execute();
    // A selection that is merely paused has a result, and nobody but the feed knows it.
    expect((await apply(tooLittle!.id)).body['code']).toBe('result-not-applicable');
    expect((await apply(enough!.id)).status).toBe(200);
    const { rows } = await database.pool.query(
      `select outcomes -> 'away' ->> 'result' as away, outcomes -> 'home' ->> 'result' as home
       from games.market_result where event_id = $1`,
      [match.eventId],
    );
    expect(rows).toEqual([{ away: 'void', home: 'won' }]);
  });
});
