/** The `bet` workflow under skipped time: settled without a poke, bought back, and offers that do not stand any more. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { failureBehind } from '#api/workflow-failures.ts';
import { createBetActivities } from '#activities/games/book/bet-activities.ts';
import { createMarketActivities } from '#activities/games/book/market-activities.ts';
import { offerCashOut } from '#activities/games/commands/offer-cash-out.ts';
import { orThrow } from '#domain/failures.ts';
import { betStart, cashOut, legResulted } from '#workflows/bet.contract.ts';
import type { bet } from '#workflows/bet.ts';
import { marketStart } from '#workflows/market.contract.ts';
import type { market } from '#workflows/market.ts';
import { createBookWorld, homeOf, homeWins, type Bettor, type BookWorld } from '#test/support/book-world.ts';
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

const follow = (client: Client, betId: string, bettor: Bettor) =>
  client.workflow.start<typeof bet>(
    'bet',
    betStart({ betId, reopened: 0, playerId: bettor.id, brand: bettor.brand, asset: 'EUR' }),
  );

const offer = async (betId: string, bettor: Bettor) =>
  orThrow(await offerCashOut(database.db, { offerId: randomUUID(), betId, playerId: bettor.id }));

/** The code with which an update was refused. */
async function refusalOf(update: Promise<unknown>): Promise<string> {
  try {
    await update;
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    return failureBehind(error)?.failure.code ?? String(error);
  }
  return 'accepted';
}

describeWorkflows('a followed bet', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    book = createBookWorld(database);
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('settles when the last of its legs is known, though no poke ever came', async () => {
    const [one, two] = [await book.makeMarket(), await book.makeMarket()];
    const ann = await book.makeBettor();
    const { betId } = orThrow(await book.place(ann, [homeOf(one), homeOf(two)]));
    await run(async (client) => {
      const handle = await follow(client, betId, ann);
      await book.result(one, { ...homeWins, home: { result: 'dead-heat', sharedBy: 2, places: 1 } });
      await handle.signal(legResulted);
      await book.result(two, homeWins);
      expect(await handle.result()).toMatchObject({ state: 'settled', outcome: 'won' });
      await workflows.exportHistory(handle, 'bet.settled-without-poke');
    });
    // 10 × 2.00 / 2 × 2.00
    expect(await book.betOf(betId)).toMatchObject({ payout: 20n * oneEuro });
  });

  test('is bought back at the value that was offered, once, and no result moves it after that', async () => {
    const match = await book.makeMarket();
    const ann = await book.makeBettor();
    const { betId } = orThrow(await book.place(ann, [homeOf(match)], { cashOut: true }));
    await book.tell({
      type: 'odds.changed',
      ...match,
      odds: [{ selectionId: 'home', odds: '1.25', active: true }],
    });
    await run(async (client) => {
      const handle = await follow(client, betId, ann);
      const offered = await offer(betId, ann);
      // 10 × 2.00 ÷ 1.25 × 0.95
      expect(offered.value).toBe((152n * oneEuro) / 10n);
      const taken = await handle.executeUpdate(cashOut, { args: [{ offerId: offered.offerId }] });
      expect(taken).toMatchObject({ state: 'cashed-out', payout: { amount: '15.20', asset: 'EUR' } });
      expect(await handle.result()).toMatchObject({ state: 'cashed-out' });
      await workflows.exportHistory(handle, 'bet.cashed-out');

      await book.result(match, homeWins);
      const settled = await client.workflow.start<typeof market>(
        'market',
        marketStart({ ...match, version: 1 }),
      );
      expect(await settled.result()).toMatchObject({ singles: 0 });
    });
    expect(await book.betOf(betId)).toMatchObject({ state: 'cashed-out', outcome: 'cashed-out' });
    expect(await book.cashOf(ann)).toEqual({ cash: 90n * oneEuro + (152n * oneEuro) / 10n, owed: 0n });
  });

  test('is not bought back at an offer that expired, was cancelled by a price, or is of another bet', async () => {
    const match = await book.makeMarket();
    const ann = await book.makeBettor();
    const { betId } = orThrow(await book.place(ann, [homeOf(match)], { cashOut: true }));
    const other = orThrow(await book.place(ann, [homeOf(match)], { cashOut: true })).betId;
    await run(async (client) => {
      const handle = await follow(client, betId, ann);
      const accept = (offerId: string) => refusalOf(handle.executeUpdate(cashOut, { args: [{ offerId }] }));

      const moved = await offer(betId, ann);
      await book.tell({
        type: 'odds.changed',
        ...match,
        odds: [{ selectionId: 'home', odds: '1.90', active: true }],
      });
      expect(await accept(moved.offerId)).toBe('cash-out-offer-gone');

      const late = await offer(betId, ann);
      await database.ownerPool.query(
        `alter table games.cash_out_offer disable trigger user;
         update games.cash_out_offer set expires_at = now() - interval '1 second' where id = '${late.offerId}';
         alter table games.cash_out_offer enable trigger user`,
      );
      expect(await accept(late.offerId)).toBe('cash-out-offer-gone');

      expect(await accept((await offer(other, ann)).offerId)).toBe('cash-out-offer-gone');

      // A suspended market has no price to buy back at.
      await book.tell({ type: 'market.state-changed', ...match, state: 'suspended' });
      expect(
        await offerCashOut(database.db, { offerId: randomUUID(), betId, playerId: ann.id }),
      ).toMatchObject({ failure: { code: 'cash-out-unavailable' } });

      await book.result(match, homeWins);
      await (
        await client.workflow.start<typeof market>('market', marketStart({ ...match, version: 1 }))
      ).result();
      await handle.signal(legResulted);
      expect(await handle.result()).toMatchObject({ state: 'settled', outcome: 'won' });
      await workflows.exportHistory(handle, 'bet.cash-out-refused');
    });
    expect(await book.betOf(betId)).toMatchObject({ payout: 20n * oneEuro });
  });

  test('that is bought back and resulted at the same moment is paid by one of the two', async () => {
    const match = await book.makeMarket();
    const ann = await book.makeBettor();
    const { betId } = orThrow(await book.place(ann, [homeOf(match)], { cashOut: true }));
    await run(async (client) => {
      const handle = await follow(client, betId, ann);
      const offered = await offer(betId, ann);
      const [answer] = await Promise.all([
        refusalOf(handle.executeUpdate(cashOut, { args: [{ offerId: offered.offerId }] })),
        book
          .result(match, homeWins)
          .then(() => client.workflow.start<typeof market>('market', marketStart({ ...match, version: 1 })))
          .then((settling) => settling.result()),
      ]);
      await handle.signal(legResulted).catch(() => {});
      await handle.result();
      const { state, payout } = await book.betOf(betId);
      expect(state).toBe(answer === 'accepted' ? 'cashed-out' : 'settled');
      expect((await book.cashOf(ann)).cash).toBe(90n * oneEuro + payout);
    });
  });
});
