/** What the `market` workflow does: settles single bets page by page, and turns to the multiples that hang on the market. */
import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo, heartbeat } from '@temporalio/activity';
import { sql } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { everyBet, type BetLane, type BetPlace } from '#domain/games/book/bet-lanes.ts';
import type { MarketOutcomes } from '#domain/games/book/leg-outcome.ts';
import { resultOf } from '#domain/games/book/settlement.ts';
import { readStandingLegs } from './bet-legs.ts';
import { termsOf, type BetRow } from './bet-terms.ts';
import { readOutcomes } from './results.ts';
import { writeSettlements, type JudgedBet } from './write-settlements.ts';

export type MarketVersion = {
  readonly eventId: string;
  readonly marketId: string;
  readonly version: number;
};

/** Bets up to and including `after` are done. */
export type BetCursor = { readonly after: BetPlace; readonly settled: number };

/** Bets per ledger transaction. */
const pageBets = 500;
/** A wallet that loses its fence this often belongs to a player busier than any person: the activity is tried again. */
const attemptsMax = 20;
/** The share of its time that settlement leaves to the wallet calls beside it. */
const restShare = 0.15;

type Bet = BetRow & {
  readonly state: string;
  readonly followed: boolean;
  readonly reopened: number;
  readonly resultVersion: number;
};

export function createMarketActivities({ db }: Pick<ActivityDeps, 'db'>) {
  return {
    /**
     * Settles single bets of a lane of the market by this version of its result, about `betsMax` of them, from the cursor on.
     * A retry goes on where the last heartbeat was; a bet that has this version, or a later one, is passed by.
     */
    async settleMarketSingles(
      input: MarketVersion & {
        readonly cursor: BetCursor;
        readonly until: string;
        readonly betsMax: number;
      },
    ): Promise<BetCursor & { readonly done: boolean }> {
      const outcomes = await readOutcomes(db, input.eventId, input.marketId, input.version);
      let cursor: BetCursor = (activityInfo().heartbeatDetails as BetCursor | undefined) ?? input.cursor;
      const settledMax = input.cursor.settled + input.betsMax;
      const betsPerPage = Math.min(pageBets, input.betsMax);
      for (;;) {
        const lane = { after: cursor.after, until: input.until };
        const page = await settleSinglesPage(db, input, outcomes, lane, betsPerPage);
        if (page.after === null) return { ...cursor, done: true };
        cursor = { after: page.after, settled: cursor.settled + page.settled };
        heartbeat(cursor);
        if (cursor.settled >= settledMax) return { ...cursor, done: false };
        await delay(page.tookMs * restShare);
      }
    },

    /**
     * A page of multiples with a leg on the market. Settled ones are judged again and corrected by the difference;
     * open ones are named, so that their workflows can be told.
     */
    async settleMarketMultiples(
      input: Omit<MarketVersion, 'version'> & { readonly after: BetPlace; readonly betsMax: number },
    ): Promise<{ after: BetPlace | null; settled: number; open: { betId: string; reopened: number }[] }> {
      return untilNobodyIsLost(() =>
        db.transaction().execute(async (trx) => {
          const lane = { after: input.after, until: everyBet.until };
          const bets = await lockBets(trx, input, 'multiple', lane, input.betsMax);
          const settled = bets.filter(({ state }) => state === 'settled');
          const legs = await readStandingLegs(
            trx,
            settled.map(({ id }) => id),
          );
          const written = await writeSettlements(
            trx,
            settled.map((bet): JudgedBet => {
              const own = legs.get(bet.id) ?? [];
              const terms = termsOf(
                bet,
                own.map(({ odds }) => odds),
              );
              const result = resultOf(
                terms,
                own.map(({ outcome }) => outcome),
              );
              return { bet, result, resultVersion: 0 };
            }),
          );
          return {
            again: written.again,
            value: {
              after: placeOf(bets.at(-1)),
              settled: written.changed,
              open: bets
                .filter(({ state }) => state === 'open')
                .map(({ id, reopened }) => ({ betId: id, reopened })),
            },
          };
        }),
      );
    },

    /** Notes that every bet has the version. */
    async closeMarketResult(input: MarketVersion & { readonly settled: number }): Promise<void> {
      await db
        .updateTable('games.marketResult')
        .set({ settledAt: sql<Date>`now()`, betsSettled: input.settled })
        .where('eventId', '=', input.eventId)
        .where('marketId', '=', input.marketId)
        .where('version', '=', input.version)
        .where('settledAt', 'is', null)
        .execute();
    },
  };
}

/** Settles one page in one transaction, again for those whose wallets moved. `after` is null past the last bet. */
export async function settleSinglesPage(
  db: Database,
  market: MarketVersion,
  outcomes: MarketOutcomes,
  lane: BetLane,
  betsMax: number,
): Promise<{ after: BetPlace | null; settled: number; tookMs: number }> {
  const startedAtMs = performance.now();
  let settled = 0;
  const last = await untilNobodyIsLost(() =>
    db.transaction().execute(async (trx) => {
      const bets = await lockBets(trx, market, 'single', lane, betsMax);
      const due = bets.filter(
        ({ state, resultVersion }) => state !== 'cashed-out' && resultVersion < market.version,
      );
      const written = await writeSettlements(
        trx,
        due.map((bet): JudgedBet => ({
          bet,
          result: resultOf(termsOf(bet, [bet.odds]), [outcomes[bet.selectionId] ?? null]),
          resultVersion: market.version,
        })),
      );
      settled += written.changed;
      return { again: written.again, value: placeOf(bets.at(-1)) };
    }),
  );
  return { after: last, settled, tookMs: performance.now() - startedAtMs };
}

async function untilNobodyIsLost<T>(page: () => Promise<{ again: number; value: T }>): Promise<T> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { again, value } = await page();
    if (again === 0) return value;
  }
  throw new FailureError(fail('overloaded', 'Wallets move faster than their bets can be settled.').failure);
}

type LegOfBet = { readonly selectionId: string; readonly odds: bigint };

const placeOf = (bet: { playerId: string; id: string } | undefined): BetPlace | null =>
  bet === undefined ? null : { playerId: bet.playerId, betId: bet.id };

/** Bets are locked in one order everywhere, and before any wallet: two settlements cannot deadlock. */
async function lockBets(
  trx: Trx,
  { eventId, marketId }: Omit<MarketVersion, 'version'>,
  kind: 'single' | 'multiple',
  { after, until }: BetLane,
  betsMax: number,
): Promise<readonly (Bet & LegOfBet)[]> {
  const { rows } = await sql<Bet & LegOfBet>`
    select b.id, b.player_id, b.brand, b.asset, b.stake, b.payout, b.payout_max, b.settlement_version, b.stake_journal_id,
      b.placed_at, b.first_settled_at, b.state, b.outcome, b.followed, b.reopened, b.result_version, l.selection_id, l.odds
    from games.bet_leg l join games.bet b on b.id = l.bet_id
    where l.event_id = ${eventId} and l.market_id = ${marketId} 
      and (l.player_id, l.bet_id) > (${after.playerId}::uuid, ${after.betId}::uuid) and l.player_id <= ${until}::uuid
      and b.kind = ${kind}
    order by l.player_id, l.bet_id limit ${betsMax}
    for update of b
  `.execute(trx);
  return rows;
}
