/** The verifier of bets finds what somebody has tampered with past every trigger. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyBet } from '#domain/games/book/bet-lanes.ts';
import { orThrow } from '#domain/failures.ts';
import { createBookWorld, homeOf, homeWins } from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { settleSinglesPage } from '../games/book/market-activities.ts';
import { checkBets } from './verify-bets.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test('a bet whose payout is not what the ledger paid is named, and the database refuses to make one', async () => {
  const book = createBookWorld(database);
  const match = await book.makeMarket();
  const { betId } = orThrow(await book.place(await book.makeBettor(), [homeOf(match)]));
  await book.result(match, homeWins);
  await settleSinglesPage(database.db, { ...match, version: 1 }, homeWins, everyBet, 10);
  expect(await checkBets(database.db)).toMatchObject({ covered: '1 bets', findings: [] });

  const forge = 'update games.bet set payout = payout + 1';
  await expect(database.ownerPool.query(forge)).rejects.toThrow(/moves by a settlement/);
  await expect(database.ownerPool.query(`update games.bet set stake = stake + 1`)).rejects.toThrow(
    /is fixed/,
  );
  await expect(
    database.ownerPool.query(`update games.bet set state = 'open', outcome = null, settled_at = null`),
  ).rejects.toThrow(/settlement|without money/);
  await expect(database.ownerPool.query(`update games.market_result set outcomes = '{}'`)).rejects.toThrow(
    /next version corrects it/,
  );
  await expect(database.ownerPool.query('delete from games.market_result')).rejects.toThrow(/append-only/);
  await expect(database.ownerPool.query('delete from games.bet_leg')).rejects.toThrow(/append-only/);
  await database.ownerPool.query(
    `alter table games.bet disable trigger user; ${forge}; alter table games.bet enable trigger user`,
  );
  expect((await checkBets(database.db)).findings).toEqual([expect.stringContaining(betId)]);
});
