/** Bets against the feed at one market: a change gets through a crowd of bets, and no bet or cash-out slips in behind it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { offerCashOut } from '#activities/games/commands/offer-cash-out.ts';
import { orThrow } from '#domain/failures.ts';
import {
  createBookWorld,
  homeOf,
  type Bettor,
  type BookWorld,
  type TestMarket,
} from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { oneEuro } from '#test/support/factories.ts';
import { untilBlocked } from '#test/support/lock-waits.ts';
import { createBetActivities } from './bet-activities.ts';

let database: TestDatabase;
let book: BookWorld;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 20 });
  book = createBookWorld(database);
});
afterAll(() => database?.drop());

const eventUpdate = (market: TestMarket, state: 'live' | 'ended', startsInMs = -60_000) => ({
  type: 'event.updated' as const,
  eventId: market.eventId,
  sport: 'football',
  name: 'Reds – Blues',
  startsAt: new Date(Date.now() + startsInMs).toISOString(),
  state,
});

test('a suspension gets through while bets come without a pause', async () => {
  const match = await book.makeMarket();
  const crowd = await Promise.all(Array.from({ length: 12 }, () => book.makeBettor()));
  let isOver = false;
  const streams = crowd.map(async (bettor) => {
    while (!isOver) {
      const placed = await book.place(bettor, [homeOf(match)], { stake: oneEuro / 10n });
      if (!placed.ok) return placed.failure.code;
    }
    return 'never refused';
  });
  await delay(500);
  const patience = setTimeout(() => {
    isOver = true;
  }, 10_000);
  await book.tell({ type: 'market.state-changed', ...match, state: 'suspended' });
  // Kept out, it would have come through when the crowd was over.
  expect(await Promise.all(streams)).toEqual(crowd.map(() => 'market-suspended'));
  clearTimeout(patience);
}, 30_000);

/** Runs `work` while somebody else holds the player's wallet, and lets go of it when `work` is done. */
async function whileWalletIsHeld(bettor: Bettor, work: () => Promise<void>): Promise<void> {
  const client = await database.ownerPool.connect();
  try {
    await client.query('begin');
    await client.query('select 1 from wallet.player_wallet where player_id = $1 for update', [bettor.id]);
    await work();
  } finally {
    await client.query('commit');
    client.release();
  }
}

async function betsOf({ id }: Bettor): Promise<number> {
  const rows = await database.db.selectFrom('games.bet').select('id').where('playerId', '=', id).execute();
  return rows.length;
}

test('the end of an event waits for the bets that are being placed on it', async () => {
  const match = await book.makeMarket();
  const ann = await book.makeBettor();
  await book.tell(eventUpdate(match, 'live'));
  let placing: ReturnType<BookWorld['place']> | undefined;
  let betsAtTheEnd: Promise<number> | undefined;
  await whileWalletIsHeld(ann, async () => {
    placing = book.place(ann, [homeOf(match)]);
    await untilBlocked(database.ownerPool, 1);
    betsAtTheEnd = book.tell(eventUpdate(match, 'ended')).then(() => betsOf(ann));
    await untilBlocked(database.ownerPool, 2);
  });
  expect(await placing).toMatchObject({ ok: true });
  expect(await betsAtTheEnd).toBe(1);
  expect(await book.place(ann, [homeOf(match)])).toMatchObject({ failure: { code: 'market-closed' } });
});

test('an offer is not taken any more once its event has ended, or begun without being live', async () => {
  const ann = await book.makeBettor();
  const { cashOutBet } = createBetActivities({ db: database.db });
  const offered = async (match: TestMarket) => {
    const { betId } = orThrow(await book.place(ann, [homeOf(match)], { cashOut: true }));
    const offer = await offerCashOut(database.db, { offerId: randomUUID(), betId, playerId: ann.id });
    return { betId, offerId: orThrow(offer).offerId };
  };
  const live = await book.makeMarket();
  await book.tell(eventUpdate(live, 'live'));
  const late = await offered(live);
  await book.tell(eventUpdate(live, 'ended'));
  await expect(cashOutBet(late)).rejects.toMatchObject({ failure: { code: 'cash-out-offer-gone' } });

  const soon = await book.makeMarket();
  const early = await offered(soon);
  await database.pool.query(
    `update games.sport_event set starts_at = now() - interval '1 second' where id = $1`,
    [soon.eventId],
  );
  await expect(cashOutBet(early)).rejects.toMatchObject({ failure: { code: 'cash-out-offer-gone' } });
  expect(await book.betOf(late.betId)).toMatchObject({ state: 'open', payout: 0n });
});
