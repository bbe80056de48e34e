/** Markets whose results do not come: told to a person once, and told off by the result itself. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Registry } from 'prom-client';
import { orThrow } from '#domain/failures.ts';
import {
  awayWins,
  createBookWorld,
  homeOf,
  type BookWorld,
  type TestMarket,
} from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { showMissingResults } from '#workers/missing-result-metrics.ts';
import { watchResults } from './missing-results.ts';

let database: TestDatabase;
let book: BookWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  book = createBookWorld(database);
});
afterAll(() => database?.drop());

/** A market with an open bet whose event began, and ended, some hours ago. */
async function marketWithBet(startedH: number, endedH: number | null): Promise<TestMarket> {
  const market = await book.makeMarket();
  orThrow(await book.place(await book.makeBettor(), [homeOf(market)]));
  await putEvent(market, startedH, endedH);
  return market;
}

const putEvent = async ({ eventId }: TestMarket, startedH: number, endedH: number | null) => {
  await database.pool.query(
    `update games.sport_event set starts_at = now() - make_interval(hours => $2), state = $3 where id = $1`,
    [eventId, startedH, endedH === null ? 'live' : 'ended'],
  );
  if (endedH !== null)
    await database.pool.query(
      `update games.sport_event set ended_at = now() - make_interval(hours => $2) where id = $1`,
      [eventId, endedH],
    );
};

const itemsOf = async ({ eventId, marketId }: TestMarket) => {
  const { rows } = await database.pool.query<{ reason: string; resolution: string | null; open: boolean }>(
    `select reason, resolution, closed_at is null as open from payments.work_item where kind = 'missing-result' and subject = $1 order by opened_at`,
    [`market:${eventId}:${marketId}`],
  );
  return rows;
};

test('a result is missed two hours after the event’s end, and where nobody told the end, eight after its start', async () => {
  const [ended, fresh, running, forgotten] = [
    await marketWithBet(5, 3),
    await marketWithBet(5, 1),
    await marketWithBet(7, null),
    await marketWithBet(9, null),
  ];
  const nobodyBet = await book.makeMarket();
  await putEvent(nobodyBet, 50, 40);
  expect(await watchResults(database.db)).toBe(2);
  expect(await watchResults(database.db)).toBe(0);
  for (const market of [ended, forgotten])
    expect(await itemsOf(market)).toMatchObject([
      { open: true, reason: expect.stringContaining('1 open bets') },
    ]);
  for (const market of [fresh, running, nobodyBet]) expect(await itemsOf(market)).toEqual([]);
});

test('the result closes its item, also one that a person owns, and an event that was put off is awaited no more', async () => {
  const [told, putOff] = [await marketWithBet(20, 10), await marketWithBet(20, null)];
  await watchResults(database.db);
  const registry = new Registry();
  showMissingResults(registry, database.db);
  expect(await registry.metrics()).toMatch(/pitboss_missing_results_open [1-9]/);
  await database.pool.query(`update payments.work_item set owner = gen_random_uuid() where subject = $1`, [
    `market:${told.eventId}:${told.marketId}`,
  ]);
  expect(await book.result(told, awayWins)).toBe('accepted');
  expect(await itemsOf(told)).toMatchObject([{ open: false, resolution: 'The feed has told the result.' }]);
  await putEvent(putOff, -24, null);
  await watchResults(database.db);
  expect(await itemsOf(putOff)).toMatchObject([
    { open: false, resolution: expect.stringContaining('put off') },
  ]);
});

test('an end that the feed tells is noted when it is told, and forgotten when it takes it back', async () => {
  const market = await book.makeMarket();
  const endedAt = async () =>
    (
      await database.pool.query<{ endedAt: Date | null }>(
        `select ended_at as "endedAt" from games.sport_event where id = $1`,
        [market.eventId],
      )
    ).rows[0]?.endedAt;
  const tell = (state: 'ended' | 'live') =>
    book.tell({
      type: 'event.updated',
      eventId: market.eventId,
      sport: 'football',
      name: 'Reds – Blues',
      startsAt: new Date().toISOString(),
      state,
    });
  await tell('ended');
  expect(await endedAt()).toBeInstanceOf(Date);
  await tell('live');
  expect(await endedAt()).toBeNull();
});
