/** The `market` workflow on a real ledger: a result, its corrections, and many bets in pages over several runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { createBetActivities } from '#activities/games/book/bet-activities.ts';
import { createMarketActivities } from '#activities/games/book/market-activities.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { marketStart, marketWorkflowId, type MarketInput } from '#workflows/market.contract.ts';
import type { market } from '#workflows/market.ts';
import { betStart, betWorkflowId } from '#workflows/bet.contract.ts';
import type { bet } from '#workflows/bet.ts';
import { eventRoutes } from '#workers/event-routes.ts';
import { sweepBets, sweepMarketResults } from '#workers/sweep-book.ts';
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

/** Hands the facts of these bets and this event to the relay's routes, as the relay does. */
async function tellFacts(client: Client, betIds: readonly string[], eventId: string): Promise<void> {
  const { rows } = await database.pool.query<{
    eventId: string;
    type: keyof typeof eventRoutes;
    brand: string;
    playerId: string | null;
    payload: object;
  }>(
    `select event_id as "eventId", type, brand, player_id as "playerId", payload from compliance.outbox
     where type like 'games.%' and (payload ->> 'betId' = any($1) or payload ->> 'eventId' = $2) order by id`,
    [betIds, eventId],
  );
  for (const fact of rows) {
    const route = eventRoutes[fact.type] as ((client: Client, fact: object) => Promise<void>) | undefined;
    await route?.(client, { ...fact, version: 1 });
  }
}

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

  test('is corrected by the exact difference, also where the win is spent, and back again', async () => {
    const match = await book.makeMarket();
    const [ann, bob] = [await book.makeBettor(10n * oneEuro), await book.makeBettor()];
    const onHome = await placed(ann, [homeOf(match)]);
    const onAway = await placed(bob, [{ ...match, selectionId: 'away', odds: '4.00' }]);
    await book.result(match, homeWins);
    await run(async (client) => {
      await (await settle(client, { ...match, version: 1 })).result();
      // Ann stakes her win on another match, so that the correction finds her wallet empty.
      await placed(ann, [homeOf(await book.makeMarket())], { stake: 20n * oneEuro });
      expect(await book.result(match, awayWins)).toBe('accepted');
      const correction = await settle(client, { ...match, version: 2 });
      expect(await correction.result()).toMatchObject({ stage: 'settled', singles: 2 });
      await workflows.exportHistory(correction, 'market.corrected');
      expect(await book.cashOf(ann)).toEqual({ cash: 0n, owed: 20n * oneEuro });
      expect(await book.cashOf(bob)).toEqual({ cash: 130n * oneEuro, owed: 0n });

      // The feed takes it all back: the stakes return, the debt first.
      expect(await book.tell({ type: 'market.abandoned', ...match })).toBe('accepted');
      await (await settle(client, { ...match, version: 3 })).result();
    });
    expect(await book.betOf(onHome)).toMatchObject({
      outcome: 'void',
      payout: 10n * oneEuro,
      settlementVersion: 3,
    });
    expect(await book.betOf(onAway)).toMatchObject({
      outcome: 'void',
      payout: 10n * oneEuro,
      settlementVersion: 3,
    });
    expect(await book.cashOf(ann)).toEqual({ cash: 0n, owed: 10n * oneEuro });
    expect(await book.cashOf(bob)).toEqual({ cash: 100n * oneEuro, owed: 0n });
    const { rows } = await database.pool.query(
      `select code, external_id, amount::text from wallet.journal where subject = $1 order by id`,
      [`bet:${onHome}`],
    );
    expect(rows).toEqual([
      { code: 'book.place', external_id: `bet:${onHome}:stake`, amount: String(10n * oneEuro) },
      { code: 'book.settle', external_id: `bet:${onHome}:settle:v1`, amount: String(20n * oneEuro) },
      { code: 'book.correct', external_id: `bet:${onHome}:settle:v2`, amount: String(-20n * oneEuro) },
      { code: 'book.correct', external_id: `bet:${onHome}:settle:v3`, amount: String(10n * oneEuro) },
    ]);
  });

  test('settles in pages over several runs, and two versions at once leave every bet at the later one', async () => {
    const match = await book.makeMarket();
    const ann = await book.makeBettor();
    const bets = await Promise.all(
      Array.from({ length: 7 }, () => placed(ann, [homeOf(match)], { stake: oneEuro })),
    );
    await book.result(match, homeWins);
    await book.result(match, awayWins);
    await run(async (client) => {
      const pace = { betsPerCall: 1, callsPerRun: 2 };
      const [first, second] = await Promise.all([
        settle(client, { ...match, version: 1, pace }),
        settle(client, { ...match, version: 2, pace }),
      ]);
      const [one, two] = await Promise.all([first.result(), second.result()]);
      expect(one.singles + two.singles).toBeGreaterThanOrEqual(bets.length);
      const { status } = await client.workflow
        .getHandle(second.workflowId, second.firstExecutionRunId)
        .describe();
      expect(status.name).toBe('CONTINUED_AS_NEW');
      await workflows.exportHistory(
        client.workflow.getHandle(second.workflowId, second.firstExecutionRunId),
        'market.continued',
      );
    });
    for (const betId of bets)
      expect(await book.betOf(betId)).toMatchObject({ state: 'settled', outcome: 'lost', payout: 0n });
    expect(await book.cashOf(ann)).toEqual({ cash: 93n * oneEuro, owed: 0n });
  });

  test('tells the bets that hang on it, and judges settled multiples again', async () => {
    const [one, two] = [await book.makeMarket(), await book.makeMarket()];
    const ann = await book.makeBettor();
    const betId = await placed(ann, [homeOf(one), homeOf(two)]);
    await run(async (client) => {
      const life = await follow(client, betId, ann);
      await book.result(one, awayWins);
      await (await settle(client, { ...one, version: 1 })).result();
      // One lost leg decides the bet, and its workflow ends.
      expect(await life.result()).toMatchObject({ state: 'settled', outcome: 'lost' });
      await workflows.exportHistory(life, 'bet.lost-by-one-leg');

      // The correction makes it hang on the second match again: another life, another workflow.
      await book.result(one, homeWins);
      const correction = await settle(client, { ...one, version: 2 });
      expect(await correction.result()).toMatchObject({ multiples: 1 });
      expect(await book.betOf(betId)).toMatchObject({ state: 'open', outcome: null, reopened: 1 });
      const secondLife = await follow(client, betId, ann, 1);
      await book.result(two, homeWins);
      const last = await settle(client, { ...two, version: 1 });
      await last.result();
      await workflows.exportHistory(last, 'market.told-bets');
      expect(await secondLife.result()).toMatchObject({ state: 'settled', outcome: 'won' });

      // All legs are known, so a correction of a settled multiple needs no workflow of its own.
      await book.result(two, { ...homeWins, home: { result: 'half-won' } });
      await (await settle(client, { ...two, version: 2 })).result();
    });
    // 10 × 2.00 × (1 + 2.00) / 2
    expect(await book.betOf(betId)).toMatchObject({ outcome: 'won', payout: 30n * oneEuro });
    expect(await book.cashOf(ann)).toEqual({ cash: 120n * oneEuro, owed: 0n });
  });

  test('and its bets are followed though every poke was lost: the sweeps start them, and nothing twice', async () => {
    const [one, two] = [await book.makeMarket(), await book.makeMarket()];
    const ann = await book.makeBettor();
    const single = await placed(ann, [homeOf(one)]);
    const multiple = await placed(ann, [homeOf(one), homeOf(two)]);
    await book.result(one, homeWins);
    await book.result(two, homeWins);
    await database.ownerPool.query(`
      alter table games.bet disable trigger user; alter table games.market_result disable trigger user;
      update games.bet set placed_at = placed_at - interval '2 minutes' where state = 'open';
      update games.market_result set received_at = received_at - interval '2 minutes' where settled_at is null;
      alter table games.bet enable trigger user; alter table games.market_result enable trigger user`);
    await run(async (client) => {
      expect(await sweepMarketResults(client, database.db)).toBeGreaterThanOrEqual(2);
      expect(await sweepMarketResults(client, database.db)).toBeGreaterThanOrEqual(0);
      expect(await sweepBets(client, database.db)).toBeGreaterThanOrEqual(1);
      // Each bet is looked after once an hour.
      expect(await sweepBets(client, database.db)).toBe(0);
      for (const version of [one, two])
        await client.workflow.getHandle(marketWorkflowId({ ...version, version: 1 })).result();
      await client.workflow.getHandle(betWorkflowId({ betId: multiple, reopened: 0 })).result();
    });
    expect(await book.betOf(single)).toMatchObject({ outcome: 'won', payout: 20n * oneEuro });
    expect(await book.betOf(multiple)).toMatchObject({ outcome: 'won', payout: 40n * oneEuro });
  });

  test('starts by its fact, once, however often the relay tells it', async () => {
    const match = await book.makeMarket();
    const ann = await book.makeBettor();
    const betId = await placed(ann, [homeOf(match)], { cashOut: true });
    const plain = await placed(ann, [homeOf(match)]);
    await book.result(match, homeWins);
    await run(async (client) => {
      for (let telling = 0; telling < 2; telling += 1) await tellFacts(client, [betId, plain], match.eventId);
      await client.workflow.getHandle(marketWorkflowId({ ...match, version: 1 })).result();
      // The settlement is a fact, too, and the poke of it ends the followed bet.
      await tellFacts(client, [betId, plain], match.eventId);
      expect(await client.workflow.getHandle(betWorkflowId({ betId, reopened: 0 })).result()).toMatchObject({
        state: 'settled',
      });
      await expect(
        client.workflow.getHandle(betWorkflowId({ betId: plain, reopened: 0 })).describe(),
      ).rejects.toThrow(/not found/i);
    });
  });

  test('leaves a ledger that proves itself', async () => {
    const failed = (await verifyLedger(database.db)).filter(({ findings }) => findings.length > 0);
    expect(failed).toEqual([]);
  });
});
