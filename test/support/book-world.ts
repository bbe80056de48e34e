/** A small sports book for tests: a feed that counts its messages, players with money, bets placed as the API places them. */
import { randomUUID } from 'node:crypto';
import { createBetActivities } from '#activities/games/book/bet-activities.ts';
import { settleSinglesPage } from '#activities/games/book/market-activities.ts';
import { offerCashOut } from '#activities/games/commands/offer-cash-out.ts';
import { placeBet, type PlaceBet } from '#activities/games/commands/place-bet.ts';
import { takeFeedMessage, type FeedOutcome } from '#activities/games/commands/take-feed-message.ts';
import type { Database } from '#db/connect.ts';
import { orThrow, type Result } from '#domain/failures.ts';
import { everyBet } from '#domain/games/book/bet-lanes.ts';
import type { FeedMessage } from '#domain/games/book/feed.schema.ts';
import type { MarketOutcomes } from '#domain/games/book/leg-outcome.ts';
import type { Acceptance } from '#domain/games/book/placement.ts';
import type { TestDatabase } from './database.ts';
import { makeDeposit, makePlayer, oneEuro, type TestPlayer } from './factories.ts';
import { openTestSession } from './protected-player.ts';

export type Bettor = TestPlayer & { readonly sessionId: string; readonly token: string };

export type TestMarket = { readonly eventId: string; readonly marketId: string };

export type LegOfTest = TestMarket & { readonly selectionId: string; readonly odds: string };

export type BetWish = {
  readonly betId?: string;
  readonly stake?: bigint;
  readonly acceptance?: Acceptance;
  readonly cashOut?: boolean;
  readonly fingerprint?: Buffer;
};

export type BookWorld = {
  /** Says what the message lacks: the next sequence number, unless the test gives one. */
  tell(message: UnnumberedMessage): Promise<FeedOutcome>;
  /** An event of tomorrow with one open market of home (2.00), draw (3.50) and away (4.00). */
  makeMarket(odds?: Readonly<Record<string, string>>): Promise<TestMarket>;
  makeBettor(deposit?: bigint): Promise<Bettor>;
  place(bettor: Bettor, legs: readonly LegOfTest[], wish?: BetWish): Promise<Result<{ betId: string }>>;
  result(market: TestMarket, outcomes: MarketOutcomes, sequence?: number): Promise<FeedOutcome>;
  betOf(betId: string): Promise<BetFacts>;
  cashOf(player: TestPlayer): Promise<{ cash: bigint; owed: bigint }>;
};

type BetFacts = {
  readonly state: string;
  readonly outcome: string | null;
  readonly payout: bigint;
  readonly settlementVersion: number;
  readonly reopened: number;
};

type Numbered<T> = T extends { sequence: number } ? Omit<T, 'sequence'> & { sequence?: number } : never;
export type UnnumberedMessage = Numbered<FeedMessage>;

export const homeWins: MarketOutcomes = {
  home: { result: 'won' },
  draw: { result: 'lost' },
  away: { result: 'lost' },
};
export const awayWins: MarketOutcomes = {
  home: { result: 'lost' },
  draw: { result: 'lost' },
  away: { result: 'won' },
};

export const homeOf = (market: TestMarket, odds = '2.00'): LegOfTest => ({
  ...market,
  selectionId: 'home',
  odds,
});

const thousandths = (odds: string): bigint => BigInt(Math.round(Number(odds) * 1_000));

export function createBookWorld(database: TestDatabase): BookWorld {
  const db: Database = database.db;
  let sequence = 1_000;

  const tell = (message: UnnumberedMessage): Promise<FeedOutcome> => {
    sequence += 1;
    return takeFeedMessage(db, { sequence, ...message } as FeedMessage);
  };

  return {
    tell,
    async makeMarket(odds = { home: '2.00', draw: '3.50', away: '4.00' }) {
      const market = { eventId: `ev-${randomUUID().slice(0, 12)}`, marketId: 'match-winner' };
      await tell({
        type: 'event.updated',
        eventId: market.eventId,
        sport: 'football',
        name: 'Reds – Blues',
        startsAt: new Date(Date.now() + 86_400_000).toISOString(),
        state: 'scheduled',
      });
      await tell({
        type: 'market.updated',
        ...market,
        kind: 'match-winner',
        name: 'Match winner',
        state: 'open',
        selections: Object.entries(odds).map(([id, price]) => ({ id, name: id, odds: price, active: true })),
      });
      return market;
    },
    async makeBettor(deposit = 100n * oneEuro) {
      const player = await makePlayer(db);
      await makeDeposit(db, player, deposit);
      const token = await openTestSession(database, { playerId: player.id });
      const { id: sessionId } = await db
        .selectFrom('pam.session')
        .select('id')
        .where('playerId', '=', player.id)
        .executeTakeFirstOrThrow();
      return { ...player, sessionId, token };
    },
    async place(bettor, legs, wish = {}) {
      const bet: PlaceBet = {
        betId: wish.betId ?? randomUUID(),
        playerId: bettor.id,
        sessionId: bettor.sessionId,
        brand: bettor.brand,
        asset: bettor.currency,
        stake: wish.stake ?? 10n * oneEuro,
        acceptance: wish.acceptance ?? 'exact',
        cashOut: wish.cashOut ?? false,
        legs: legs.map((leg) => ({ ...leg, odds: thousandths(leg.odds) })),
        fingerprint: wish.fingerprint ?? Buffer.from('ab'.repeat(32), 'hex'),
      };
      const placed = await placeBet(db, bet);
      return placed.ok ? { ok: true, value: { betId: bet.betId } } : placed;
    },
    result: (market, outcomes, at) =>
      tell({
        type: 'market.resulted',
        ...market,
        outcomes,
        ...(at === undefined ? {} : { sequence: at }),
      }),
    async betOf(betId) {
      const row = await db
        .selectFrom('games.bet')
        .select(['state', 'outcome', 'payout', 'settlementVersion', 'reopened'])
        .where('id', '=', betId)
        .executeTakeFirstOrThrow();
      return { ...row, payout: BigInt(row.payout) };
    },
    async cashOf(player) {
      const row = await db
        .selectFrom('wallet.playerWallet')
        .select(['cash', 'receivable'])
        .where('playerId', '=', player.id)
        .executeTakeFirstOrThrow();
      return { cash: BigInt(row.cash), owed: -BigInt(row.receivable) };
    },
  };
}

const nobodyWins: MarketOutcomes = {
  home: { result: 'void' },
  draw: { result: 'void' },
  away: { result: 'void' },
};

/**
 * Bets of one player that end in every way: won and then taken back beyond what is left, void, lost, bought back. Returns
 * his journals, oldest first.
 */
export async function playBook(database: TestDatabase): Promise<string[]> {
  const { db } = database;
  const book = createBookWorld(database);
  const bettor = await book.makeBettor(40n * oneEuro);
  const [won, called, lost, later] = [
    await book.makeMarket(),
    await book.makeMarket(),
    await book.makeMarket(),
    await book.makeMarket(),
  ];
  const bets = new Map<TestMarket, string>();
  for (const market of [won, called, lost, later]) {
    const placed = await book.place(bettor, [homeOf(market)], { cashOut: market === later });
    bets.set(market, orThrow(placed).betId);
  }
  const settle = async (market: TestMarket, version: number, outcomes: MarketOutcomes) => {
    await book.result(market, outcomes);
    await settleSinglesPage(db, { ...market, version }, outcomes, everyBet, 10);
  };
  await settle(won, 1, homeWins);
  await settle(called, 1, nobodyWins);
  await settle(lost, 1, awayWins);
  const betId = bets.get(later) ?? '';
  const offer = orThrow(await offerCashOut(db, { offerId: randomUUID(), betId, playerId: bettor.id }));
  await createBetActivities({ db }).cashOutBet({ betId, offerId: offer.offerId });
  // What he has left is less than what the correction takes back, so he owes the rest.
  const { cash } = await book.cashOf(bettor);
  orThrow(await book.place(bettor, [homeOf(await book.makeMarket())], { stake: cash - oneEuro }));
  await settle(won, 2, awayWins);
  const journals = await db
    .selectFrom('wallet.journal')
    .select('id')
    .where('playerId', '=', bettor.id)
    .orderBy('id')
    .execute();
  return journals.map(({ id }) => id);
}
