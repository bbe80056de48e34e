/** Legs of bets with what their markets say about them now: the result in force, or the price of the moment. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { outcomesSchema } from '#domain/games/book/feed.schema.ts';
import type { LegOutcome } from '#domain/games/book/leg-outcome.ts';

export type StandingLeg = {
  readonly odds: bigint;
  readonly outcome: LegOutcome | null;
  /** Null where the selection cannot be had at the moment. */
  readonly oddsNow: bigint | null;
};

type Row = {
  betId: string;
  selectionId: string;
  odds: bigint;
  outcome: unknown;
  oddsNow: bigint;
  available: boolean;
};

/** Legs by bet, in their order. The caller holds the bets' locks, so that a result that comes later meets what is written. */
export async function readStandingLegs(
  trx: Trx,
  betIds: readonly string[],
): Promise<ReadonlyMap<string, readonly StandingLeg[]>> {
  const { rows } = await sql<Row>`
    select l.bet_id, l.selection_id, l.odds, r.outcomes -> l.selection_id as outcome, s.odds as odds_now,
      m.state = 'open' and s.active and (e.state = 'live' or e.state = 'scheduled' and e.starts_at > clock_timestamp())
        as available
    from unnest(${betIds}::uuid[]) as k(id)
    join games.bet_leg l on l.bet_id = k.id
    join games.selection s on s.event_id = l.event_id and s.market_id = l.market_id and s.id = l.selection_id
    join games.market m on m.event_id = l.event_id and m.id = l.market_id
    join games.sport_event e on e.id = l.event_id
    left join games.market_result r
      on r.event_id = l.event_id and r.market_id = l.market_id and r.version = m.result_version
    order by l.bet_id, l.number
  `.execute(trx);
  const legs = new Map<string, StandingLeg[]>();
  for (const row of rows) {
    const leg = {
      odds: row.odds,
      outcome: toOutcome(row.outcome, row.selectionId),
      oddsNow: row.available ? row.oddsNow : null,
    };
    legs.set(row.betId, [...(legs.get(row.betId) ?? []), leg]);
  }
  return legs;
}

/** Where the legs of a bet are; that never changes. */
export const readMarketsOf = (
  trx: Trx,
  betId: string,
): Promise<{ readonly eventId: string; readonly marketId: string }[]> =>
  trx.selectFrom('games.betLeg').select(['eventId', 'marketId']).where('betId', '=', betId).execute();

const toOutcome = (value: unknown, selectionId: string): LegOutcome | null =>
  value === null ? null : (outcomesSchema.parse({ [selectionId]: value })[selectionId] ?? null);
