/** The `market` workflow on a real ledger: a result, its corrections, and many bets in pages over several runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { createBetActivities } from '#activities/games/book/bet-activities.ts';
import { createMarketActivities } from '#activities/games/book/market-activities.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { marketStart, type MarketInput } from '#workflows/market.contract.ts';
import type { market } from '#workflows/market.ts';
import { betStart } from '#workflows/bet.contract.ts';
import type { bet } from '#workflows/bet.ts';
import {
  awayWins,
  createBookWorld,
  homeOf,
  homeWins,
  type Bettor,
  type BookWorld,
} from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { oneEuro } from '#test/support/factories.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
let book: BookWorld;

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> => {
  const deps = { db: database.db };
  return workflows.runWorkflows(
    { activities: { play: { ...createMarketActivities(deps), ...createBetActivities(deps) } } },
    fn,
  );
};

const settle = (client: Client, input: MarketInput) =>
  client.workflow.start<typeof market>('market', marketStart(input));

const follow = (client: Client, betId: string, bettor: Bettor, reopened = 0) =>
  client.workflow.start<typeof bet>(
    'bet',
    betStart({ betId, reopened, playerId: bettor.id, brand: bettor.brand, asset: 'EUR' }),
  );

const placed = async (...args: Parameters<BookWorld['place']>): Promise<string> =>
  orThrow(await book.place(...args)).betId;

describeWorkflows('a market with a result', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    book = createBookWorld(database);
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('pays its winners once, and a repeated page moves nothing', async () => {
    const match = await book.makeMarket();
    const [ann, bob] = [await book.makeBettor(), await book.makeBettor()];
    const won = await placed(ann, [homeOf(match)]);
    const lost = await placed(bob, [{ ...match, selectionId: 'away', odds: '4.00' }]);
    expect(await book.result(match, homeWins)).toBe('accepted');
    await run(async (client) => {
      const handle = await settle(client, { ...match, version: 1 });
      expect(await handle.result()).toMatchObject({ stage: 'settled', singles: 2 });
      await workflows.exportHistory(handle, 'market.settled');
    });
    expect(await book.betOf(won)).toMatchObject({ state: 'settled', outcome: 'won', payout: 20n * oneEuro });
    expect(await book.betOf(lost)).toMatchObject({ state: 'settled', outcome: 'lost', payout: 0n });
    expect(await book.cashOf(ann)).toEqual({ cash: 110n * oneEuro, owed: 0n });
    expect(await book.cashOf(bob)).toEqual({ cash: 90n * oneEuro, owed: 0n });
  });
});
