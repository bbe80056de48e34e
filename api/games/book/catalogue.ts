/** What can be bet on: coming events and their markets with the odds of the moment. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { fail, FailureError } from '#domain/failures.ts';
import { formatOdds } from '#domain/games/book/odds.ts';
import type { Database } from '#db/connect.ts';
import type { Api } from '../../app.ts';
import type { ApiDeps } from '../../context.ts';
import { problemResponses } from '../../problem.ts';
import { pageOf, pageQuery, timestamp } from '../../schemas.ts';
import { eventParam, feedId, json } from './book-schemas.ts';

const eventOutput = z
  .strictObject({
    eventId: z.string(),
    sport: z.string(),
    name: z.string(),
    startsAt: timestamp,
    state: z.enum(['scheduled', 'live', 'ended', 'cancelled']),
  })
  .openapi('SportEvent');

const marketOutput = z
  .strictObject({
    marketId: z.string(),
    kind: z.string(),
    name: z.string(),
    state: z.enum(['open', 'suspended', 'closed', 'resulted']),
    selections: z.array(
      z
        .strictObject({
          selectionId: z.string(),
          name: z.string(),
          odds: z.string().openapi({ example: '2.05' }),
          active: z.boolean(),
          result: z.string().nullable(),
        })
        .openapi('Selection'),
    ),
  })
  .openapi('Market');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/sports/events',
  operationId: 'listSportEvents',
  tags: ['games'],
  summary: 'Events that are live or to come, by their start',
  request: {
    query: pageQuery.extend({
      after: feedId.optional(),
      sport: z
        .string()
        .regex(/^[a-z][a-z-]{0,39}$/)
        .optional(),
    }),
  },
  responses: {
    200: json(pageOf(eventOutput, 'SportEventPage'), 'A page of events'),
    ...problemResponses('invalid-request', 'dependency-unavailable'),
  },
});

const readRoute = createRoute({
  method: 'get',
  path: '/v1/sports/events/{eventId}',
  operationId: 'readSportEvent',
  tags: ['games'],
  summary: 'One event',
  request: { params: eventParam },
  responses: {
    200: json(eventOutput, 'The event'),
    ...problemResponses('invalid-request', 'not-found', 'dependency-unavailable'),
  },
});

const marketsRoute = createRoute({
  method: 'get',
  path: '/v1/sports/events/{eventId}/markets',
  operationId: 'listMarkets',
  tags: ['games'],
  summary: 'Markets of an event with their selections and odds',
  request: { params: eventParam, query: pageQuery.extend({ after: feedId.optional() }) },
  responses: {
    200: json(pageOf(marketOutput, 'MarketPage'), 'A page of markets'),
    ...problemResponses('invalid-request', 'dependency-unavailable'),
  },
});

export function mountSportsCatalogue(api: Api, { db }: Pick<ApiDeps, 'db'>): void {
  api.openapi(listRoute, async (c) => {
    const { limit, after, sport } = c.req.valid('query');
    const rows = await db
      .selectFrom('games.sportEvent')
      .selectAll()
      .where('state', 'in', ['scheduled', 'live'])
      .$if(sport !== undefined, (query) => query.where('sport', '=', sport ?? ''))
      .$if(after !== undefined, (query) =>
        query.where((where) =>
          where(
            where.refTuple('startsAt', 'id'),
            '>',
            where
              .selectFrom('games.sportEvent as last')
              .select(['last.startsAt', 'last.id'])
              .where('last.id', '=', after ?? '')
              .$asTuple('startsAt', 'id'),
          ),
        ),
      )
      .orderBy('startsAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    return c.json(
      { items: page.map(toApiEvent), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null },
      200,
    );
  });

  api.openapi(readRoute, async (c) => {
    const row = await db
      .selectFrom('games.sportEvent')
      .selectAll()
      .where('id', '=', c.req.valid('param').eventId)
      .executeTakeFirst();
    if (!row) throw new FailureError(fail('not-found', 'There is no such event.').failure);
    return c.json(toApiEvent(row), 200);
  });

  api.openapi(marketsRoute, async (c) => {
    const { limit, after } = c.req.valid('query');
    const { eventId } = c.req.valid('param');
    const rows = await readMarkets(db, eventId, after ?? '', limit + 1);
    const page = rows.slice(0, limit);
    return c.json({ items: page, next: rows.length > limit ? (page.at(-1)?.marketId ?? null) : null }, 200);
  });
}

type EventRow = { id: string; sport: string; name: string; startsAt: Date; state: string };

const toApiEvent = (row: EventRow): z.infer<typeof eventOutput> => ({
  eventId: row.id,
  sport: row.sport,
  name: row.name,
  startsAt: row.startsAt.toISOString(),
  state: row.state as z.infer<typeof eventOutput>['state'],
});

async function readMarkets(
  db: Database,
  eventId: string,
  after: string,
  limit: number,
): Promise<z.infer<typeof marketOutput>[]> {
  const { rows } = await sql<{
    marketId: string;
    kind: string;
    market: string;
    state: string;
    selectionId: string;
    name: string;
    odds: bigint;
    active: boolean;
    result: string | null;
  }>`
    select m.id as market_id, m.kind, m.name as market, m.state, s.id as selection_id, s.name, s.odds, s.active,
      r.outcomes -> s.id ->> 'result' as result
    from (
      select * from games.market where event_id = ${eventId} and id > ${after} order by id limit ${limit}
    ) m
    join games.selection s on s.event_id = m.event_id and s.market_id = m.id
    left join games.market_result r on r.event_id = m.event_id and r.market_id = m.id and r.version = m.result_version
    order by m.id, s.id
  `.execute(db);
  return [...Map.groupBy(rows, ({ marketId }) => marketId)].flatMap(([marketId, [first, ...more]]) =>
    first === undefined
      ? []
      : [
          {
            marketId,
            kind: first.kind,
            name: first.market,
            state: first.state as z.infer<typeof marketOutput>['state'],
            selections: [first, ...more].map(({ selectionId, name, odds, active, result }) => ({
              selectionId,
              name,
              odds: formatOdds(odds),
              active,
              result,
            })),
          },
        ],
  );
}
