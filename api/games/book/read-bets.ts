/** Reads of bets with their legs, for the player's pages and the operators'. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { olderThan } from '../../keyset.ts';
import type { BetRow, LegRow } from './book-schemas.ts';

/** Legs of many bets, by bet and in their order, each with the result in force. */
export async function readLegs(db: Database, betIds: readonly string[]): Promise<Map<string, LegRow[]>> {
  if (betIds.length === 0) return new Map();
  const { rows } = await sql<LegRow>`
    select l.bet_id, l.event_id, l.market_id, l.selection_id, e.name as event, m.name as market, s.name as selection,
      l.odds, r.outcomes -> l.selection_id ->> 'result' as result
    from games.bet_leg l
    join games.selection s on s.event_id = l.event_id and s.market_id = l.market_id and s.id = l.selection_id
    join games.market m on m.event_id = l.event_id and m.id = l.market_id
    join games.sport_event e on e.id = l.event_id
    left join games.market_result r
      on r.event_id = l.event_id and r.market_id = l.market_id and r.version = m.result_version
    where l.bet_id = any(${betIds}::uuid[])
    order by l.bet_id, l.number
  `.execute(db);
  return Map.groupBy(rows, ({ betId }) => betId);
}

export type BetFilter = {
  readonly limit: number;
  readonly after: string | undefined;
  readonly state: string | undefined;
  readonly playerId: string | undefined;
  /** Null for all brands. */
  readonly brands: readonly string[] | null;
};

/** Newest first, one more than the limit, so that the caller sees whether there is a next page. */
export async function readBets(db: Database, filter: BetFilter): Promise<BetRow[]> {
  const { limit, after, state, playerId, brands } = filter;
  return db
    .selectFrom('games.bet')
    .selectAll()
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
    .$if(playerId !== undefined, (query) => query.where('playerId', '=', playerId ?? ''))
    .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
    .$if(after !== undefined, (query) =>
      query.where(
        olderThan({
          table: 'games.bet',
          column: 'placedAt',
          after: after ?? '',
          ...(playerId === undefined ? {} : { playerId }),
        }),
      ),
    )
    .orderBy('placedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
}
