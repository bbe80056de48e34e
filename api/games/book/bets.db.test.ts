/** Bets over the whole HTTP application: what is taken, what is refused and why, and that a refusal leaves nothing. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { settleSinglesPage } from '#activities/games/book/market-activities.ts';
import { setPlayBrake, setPlayLimits } from '#activities/wallet/player-wallet.ts';
import { everyBet } from '#domain/games/book/bet-lanes.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import {
  createBookWorld,
  homeOf,
  homeWins,
  type Bettor,
  type BookWorld,
  type LegOfTest,
  type TestMarket,
} from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { oneEuro } from '#test/support/factories.ts';

let database: TestDatabase;
let app: TestApi;
let book: BookWorld;
let match: TestMarket;
let ann: Bettor;

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  app = await createTestApi(database);
  book = createBookWorld(database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});
beforeEach(async () => {
  match = await book.makeMarket();
  ann = await book.makeBettor();
});

const request = (legs: readonly LegOfTest[], amount = '10.00', more: object = {}) => ({
  stake: { amount, asset: 'EUR' },
  legs,
  ...more,
});

const place = (body: object, key: string = randomUUID(), token = ann.token): Promise<Answer> =>
  app.send('POST', '/v1/bets', body, { token, key });

/** As a client does: where the player's lock was not to be had in time, again with the same key. */
async function placeUntilDecided(body: object): Promise<Answer> {
  const key = randomUUID();
  let answer = await place(body, key);
  for (let tries = 0; answer.status === 503 && tries < 5; tries += 1) answer = await place(body, key);
  return answer;
}

async function expectRefused(body: object, code: string, token = ann.token): Promise<Answer> {
  const answer = await place(body, randomUUID(), token);
  expect(answer.body).toMatchObject({ code });
  return answer;
}

describe('a bet', () => {
  test('takes its stake at once; a repeat is the same bet and other content is refused', async () => {
    const key = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => place(request([homeOf(match)]), key)));
    const ids = new Set(answers.map(({ body }) => body['betId']));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(ids.size).toBe(1);
    expect(answers[0]?.body).toMatchObject({
      kind: 'single',
      state: 'open',
      stake: { amount: '10.00', asset: 'EUR' },
      potentialPayout: { amount: '20.00', asset: 'EUR' },
      cashOut: false,
      legs: [{ selectionId: 'home', odds: '2.00', result: null, event: 'Reds – Blues' }],
    });
    expect(await book.cashOf(ann)).toEqual({ cash: 90n * oneEuro, owed: 0n });
    expect((await place(request([homeOf(match)], '11.00'), key)).body).toMatchObject({
      code: 'idempotency-key-reused',
    });
    expect((await app.send('GET', '/v1/bets', undefined, { token: ann.token })).body).toMatchObject({
      items: [{ betId: [...ids][0] }],
      next: null,
    });
    const stranger = await book.makeBettor();
    const read = await app.send('GET', `/v1/bets/${String([...ids][0])}`, undefined, {
      token: stranger.token,
    });
    expect(read.status).toBe(404);
  });

  test('is refused at odds that moved, and the answer carries the new ones', async () => {
    await book.tell({
      type: 'odds.changed',
      ...match,
      odds: [{ selectionId: 'home', odds: '1.85', active: true }],
    });
    const refused = await expectRefused(request([homeOf(match)]), 'odds-changed');
    expect(refused.status).toBe(409);
    expect(refused.body['errors']).toEqual([{ pointer: '/legs/0/odds', detail: '1.85' }]);
    await expectRefused(request([homeOf(match)], '10.00', { acceptance: 'accept-better' }), 'odds-changed');
    const better = await place(request([homeOf(match, '1.80')], '10.00', { acceptance: 'accept-better' }));
    expect(better.body).toMatchObject({ potentialPayout: { amount: '18.50' }, legs: [{ odds: '1.85' }] });
    const any = await place(request([homeOf(match)], '10.00', { acceptance: 'accept-any' }));
    expect(any.status).toBe(200);
  });

  test('is refused on a market that is suspended, closed, resulted or under way unannounced', async () => {
    await book.tell({ type: 'market.state-changed', ...match, state: 'suspended' });
    await expectRefused(request([homeOf(match)]), 'market-suspended');
    await book.tell({ type: 'market.state-changed', ...match, state: 'closed' });
    await expectRefused(request([homeOf(match)]), 'market-closed');

    const over = await book.makeMarket();
    await book.result(over, homeWins);
    await expectRefused(request([homeOf(over)]), 'market-closed');

    const begun = await book.makeMarket();
    await database.pool.query(
      `update games.sport_event set starts_at = now() - interval '1 second' where id = $1`,
      [begun.eventId],
    );
    await expectRefused(request([homeOf(begun)]), 'market-closed');
    await database.pool.query(`update games.sport_event set state = 'live' where id = $1`, [begun.eventId]);
    expect((await place(request([homeOf(begun)]))).status).toBe(200);
  });

  test('is refused for what nobody offers, for related legs, and for stakes and payouts out of bounds', async () => {
    await expectRefused(request([{ ...match, selectionId: 'nobody', odds: '2.00' }]), 'unknown-selection');
    await expectRefused(
      request([homeOf(match), { ...match, selectionId: 'away', odds: '4.00' }]),
      'related-legs',
    );
    await expectRefused(request([homeOf(match)], '0.09'), 'stake-out-of-range');
    await expectRefused(request([homeOf(match)], '10000.01'), 'stake-out-of-range');
    await expectRefused(request([homeOf(match)], '0.105'), 'amount-too-precise');
    const outsider = await book.makeMarket({ home: '900', draw: '2.00', away: '2.00' });
    await expectRefused(request([homeOf(outsider, '900')], '600.00'), 'payout-too-large');
    await expectRefused(request([homeOf(match)], '100.01'), 'insufficient-funds');
    await expectRefused(
      { ...request([homeOf(match)]), stake: { amount: '10', asset: 'BTC' } },
      'unsupported-asset',
    );
    expect(await book.cashOf(ann)).toEqual({ cash: 100n * oneEuro, owed: 0n });
  });

  test('obeys limits of the player, of the operator, brakes and the session', async () => {
    await database.db
      .transaction()
      .execute((trx) =>
        setPlayLimits(trx, ann.id, 'EUR', [{ kind: 'stake', window: 'day', amount: 15n * oneEuro }]),
      );
    expect((await place(request([homeOf(match)]))).status).toBe(200);
    await expectRefused(request([homeOf(match)]), 'play-limit-exceeded');

    const bob = await book.makeBettor();
    const risk = await app.signInAs(['risk']);
    const set = (body: object, key: string = randomUUID()) =>
      app.send('POST', `/admin/v1/players/${bob.id}/stake-limits`, body, { token: risk, key });
    const limit = { asset: 'EUR', stakeMax: { amount: '5.00', asset: 'EUR' }, reason: 'wins too sharply' };
    expect((await set(limit, 'one-key-for-one-limit')).status).toBe(200);
    expect((await set(limit, 'one-key-for-one-limit')).body).toMatchObject({
      items: [{ stakeMax: { amount: '5.00' } }],
    });
    await expectRefused(request([homeOf(match)], '5.01'), 'player-stake-limit', bob.token);
    expect((await set({ asset: 'EUR', reason: 'was a mistake of ours' })).status).toBe(200);
    expect((await place(request([homeOf(match)], '5.01'), randomUUID(), bob.token)).status).toBe(200);

    await database.db
      .transaction()
      .execute((trx) => setPlayBrake(trx, bob.id, { until: 'infinity', reason: 'self-exclusion' }));
    await expectRefused(request([homeOf(match)]), 'self-excluded', bob.token);

    const eve = await book.makeBettor();
    await app.send('DELETE', '/v1/sessions/current', undefined, { token: eve.token });
    await expectRefused(request([homeOf(match)]), 'session-expired', eve.token);
    const other = await book.makeBettor();
    await database.pool.query(
      `update pam.session set revoked_at = now(), revoke_reason = 'test' where id = $1`,
      [other.sessionId],
    );
    expect(await book.place(other, [homeOf(match)])).toMatchObject({ failure: { code: 'session-expired' } });
  });

  test('of several legs multiplies their odds, and many at once never overdraw', async () => {
    const [second, third] = [await book.makeMarket(), await book.makeMarket()];
    const multiple = await place(request([homeOf(match), homeOf(second), homeOf(third)], '1.00'));
    expect(multiple.body).toMatchObject({
      kind: 'multiple',
      cashOut: true,
      potentialPayout: { amount: '8.00' },
    });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => placeUntilDecided(request([homeOf(match)], '10.00'))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(9);
    expect(answers.filter(({ body }) => body['code'] === 'insufficient-funds')).toHaveLength(3);
    expect(await book.cashOf(ann)).toEqual({ cash: 9n * oneEuro, owed: 0n });
  });

  test('that races with its market’s result is refused or settled with all others: none slips in behind', async () => {
    const rich = await book.makeBettor(1_000n * oneEuro);
    const placing = Array.from({ length: 20 }, () => book.place(rich, [homeOf(match)]));
    await book.result(match, homeWins);
    // Settled before the placing calls are waited for: whoever came through holds a lock that the result waited for.
    const version = { ...match, version: 1 };
    const { settled } = await settleSinglesPage(database.db, version, homeWins, everyBet, 500);
    expect((await Promise.all(placing)).filter(({ ok }) => ok)).toHaveLength(settled);
    expect(await book.cashOf(rich)).toEqual({
      cash: 1_000n * oneEuro + BigInt(settled) * 10n * oneEuro,
      owed: 0n,
    });
    await expectRefused(request([homeOf(match)]), 'market-closed');
  });
});

describe('operators', () => {
  test('see a bet with its journals and workflow, within their brands', async () => {
    const second = await book.makeMarket();
    const { body } = await place(request([homeOf(match), homeOf(second)]));
    const betId = String(body['betId']);
    const token = await app.signInAs(['support']);
    const detail = await app.send('GET', `/admin/v1/bets/${betId}`, undefined, { token });
    expect(detail.body).toMatchObject({
      bet: { betId, playerId: ann.id, workflowId: `bet:${betId}`, settlementVersion: 0 },
      journals: [{ code: 'book.place', externalId: `bet:${betId}:stake`, amount: { amount: '10.00' } }],
    });
    const list = await app.send('GET', `/admin/v1/bets?playerId=${ann.id}&state=open`, undefined, { token });
    expect(list.body).toMatchObject({ items: [{ betId }], next: null });
    const elsewhere = await app.signInAs(['support'], ['borealis']);
    expect((await app.send('GET', `/admin/v1/bets/${betId}`, undefined, { token: elsewhere })).status).toBe(
      404,
    );
    expect((await app.send('GET', '/admin/v1/bets', undefined, { token: elsewhere })).body['items']).toEqual(
      [],
    );
  });

  test('see what a market’s results are and how far they are carried out', async () => {
    await place(request([homeOf(match)]));
    await book.result(match, homeWins);
    const token = await app.signInAs(['content']);
    const path = `/admin/v1/markets/${match.eventId}/${match.marketId}`;
    expect((await app.send('GET', path, undefined, { token })).body).toMatchObject({
      state: 'resulted',
      bets: [{ asset: 'EUR', state: 'open', count: 1, stake: { amount: '10.00' } }],
      results: [
        {
          version: 1,
          kind: 'result',
          settledAt: null,
          workflowId: `market:${match.eventId}:${match.marketId}:v1`,
          outcomes: { home: { result: 'won' } },
        },
      ],
    });
  });
});

describe('the catalogue', () => {
  test('pages through events and markets with the odds of the moment', async () => {
    const first = await app.send('GET', '/v1/sports/events?limit=1&sport=football');
    expect(first.body['items']).toHaveLength(1);
    const next = await app.send('GET', `/v1/sports/events?limit=1&after=${String(first.body['next'])}`);
    expect(next.body['items']).toHaveLength(1);
    expect(next.body['items']).not.toEqual(first.body['items']);
    const markets = await app.send('GET', `/v1/sports/events/${match.eventId}/markets`);
    expect(markets.body).toMatchObject({
      items: [
        {
          marketId: 'match-winner',
          state: 'open',
          selections: [
            { selectionId: 'away', odds: '4.00', active: true, result: null },
            { selectionId: 'draw', odds: '3.50' },
            { selectionId: 'home', odds: '2.00' },
          ],
        },
      ],
      next: null,
    });
    expect((await app.send('GET', '/v1/sports/events/nobody')).status).toBe(404);
  });
});
