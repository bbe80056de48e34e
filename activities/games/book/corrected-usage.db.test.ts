/** What limits have counted of bets whose results were corrected, on a real ledger: as if the last result had been the first. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { everyBet } from '#domain/games/book/bet-lanes.ts';
import type { MarketOutcomes } from '#domain/games/book/leg-outcome.ts';
import { awayWins, createBookWorld, homeOf, homeWins, type BookWorld } from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { oneEuro } from '#test/support/factories.ts';
import { createBetActivities } from './bet-activities.ts';
import { settleSinglesPage } from './market-activities.ts';

let database: TestDatabase;
let book: BookWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  book = createBookWorld(database);
});
afterAll(() => database?.drop());

const nobodyWins: MarketOutcomes = {
  home: { result: 'void' },
  draw: { result: 'void' },
  away: { result: 'void' },
};
/** Two share the first place at odds of two: the stake is paid, and the bet was no void one. */
const shared: MarketOutcomes = {
  home: { result: 'dead-heat', places: 1, sharedBy: 2 },
  draw: { result: 'lost' },
  away: { result: 'dead-heat', places: 1, sharedBy: 2 },
};

/** Places ten euros at two for one, settles by each result in turn, and says what the day's limits have counted. */
async function usageAfter(...results: MarketOutcomes[]): Promise<{ stake: bigint; loss: bigint }> {
  const [market, bettor] = [await book.makeMarket(), await book.makeBettor()];
  orThrow(await book.place(bettor, [homeOf(market)]));
  for (const [index, outcomes] of results.entries()) {
    expect(await book.result(market, outcomes)).toBe('accepted');
    await settleSinglesPage(database.db, { ...market, version: index + 1 }, outcomes, everyBet, 10);
  }
  return dayUsageOf(bettor.id);
}

async function dayUsageOf(playerId: string): Promise<{ stake: bigint; loss: bigint }> {
  const row = await database.db
    .selectFrom('wallet.playerWallet')
    .select(['stakeDay', 'lossDay'])
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  return { stake: BigInt(row.stakeDay), loss: BigInt(row.lossDay) };
}

test('a bet that was void counts again once it is lost, won, or shared at its stake', async () => {
  const ten = 10n * oneEuro;
  expect(await usageAfter(nobodyWins)).toEqual({ stake: 0n, loss: 0n });
  expect(await usageAfter(nobodyWins, awayWins)).toEqual({ stake: ten, loss: ten });
  expect(await usageAfter(nobodyWins, homeWins)).toEqual({ stake: ten, loss: -ten });
  expect(await usageAfter(nobodyWins, shared)).toEqual({ stake: ten, loss: 0n });
});

test('a bet that becomes void counts no more, whatever it was before', async () => {
  for (const first of [homeWins, awayWins, shared])
    expect(await usageAfter(first, nobodyWins)).toEqual({ stake: 0n, loss: 0n });
});

test('a lost multiple that is opened again and then void in every leg counts nothing', async () => {
  const [one, other, bettor] = [await book.makeMarket(), await book.makeMarket(), await book.makeBettor()];
  const { betId } = orThrow(await book.place(bettor, [homeOf(one), homeOf(other)]));
  const advance = () => createBetActivities(database).advanceBet({ betId });
  await book.result(one, awayWins);
  expect(await advance()).toMatchObject({ state: 'settled', outcome: 'lost' });
  expect(await dayUsageOf(bettor.id)).toEqual({ stake: 10n * oneEuro, loss: 10n * oneEuro });
  await book.result(one, nobodyWins);
  await database.db
    .updateTable('games.bet')
    .set((eb) => ({
      state: 'open',
      outcome: null,
      settledAt: null,
      firstSettledAt: null,
      settlementVersion: eb('settlementVersion', '+', 1),
      reopened: eb('reopened', '+', 1),
    }))
    .where('id', '=', betId)
    .execute();
  await book.result(other, nobodyWins);
  expect(await advance()).toMatchObject({ state: 'settled', outcome: 'void' });
  expect(await dayUsageOf(bettor.id)).toEqual({ stake: 0n, loss: 0n });
});

test('leaves a ledger that proves itself', async () => {
  expect((await verifyLedger(database.db)).filter(({ findings }) => findings.length > 0)).toEqual([]);
});
