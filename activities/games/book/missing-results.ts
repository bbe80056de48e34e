/** Markets with open bets whose result is overdue: a work item for each, opened and closed by what the database says now. */
import { sql } from 'kysely';
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import type { Database, Trx } from '#db/connect.ts';
import { eventLastsH, resultGuardH } from '#domain/games/book/result-due.ts';

const rowsMax = 200;

const subjectOf = (eventId: string, marketId: string): string => `market:${eventId}:${marketId}`;

type Overdue = { eventId: string; marketId: string; event: string; market: string; openBets: number };

/**
 * Opens items for overdue markets that have none, and closes those of markets that are not awaited any more: without an open bet,
 * or of an event that was put off. An arriving result closes its own. Returns how many items it opened.
 */
export async function watchResults(db: Database): Promise<number> {
  const { rows } = await sql<Overdue>`
    select m.event_id, m.id as market_id, e.name as event, m.name as market, b.n as open_bets
    from games.market m join games.sport_event e on e.id = m.event_id
    cross join lateral (select count(*)::int as n from games.bet_leg l join games.bet b on b.id = l.bet_id
      where l.event_id = m.event_id and l.market_id = m.id and b.state = 'open') b
    where m.state <> 'resulted' and b.n > 0 and ${isDue}
      and not exists (select from payments.work_item w where w.kind = 'missing-result' and w.closed_at is null
        and w.subject = 'market:' || m.event_id || ':' || m.id)
    order by e.starts_at, m.event_id, m.id limit ${rowsMax}
  `.execute(db);
  for (const { eventId, marketId, event, market, openBets } of rows)
    await openWorkItem(db, {
      kind: 'missing-result',
      subject: subjectOf(eventId, marketId),
      brand: null,
      reason: `${event}, ${market}: the event is over, ${openBets} open bets wait, and the feed has told no result.`,
    });
  await sql`
    update payments.work_item w set closed_at = now(), resolution = 'No open bet waits for this result any more, or the event was put off.'
    where w.kind = 'missing-result' and w.closed_at is null and not exists (
      select from games.market m join games.sport_event e on e.id = m.event_id
      where w.subject = 'market:' || m.event_id || ':' || m.id and m.state <> 'resulted' and ${isDue}
        and exists (select from games.bet_leg l join games.bet b on b.id = l.bet_id
          where l.event_id = m.event_id and l.market_id = m.id and b.state = 'open'))
  `.execute(db);
  return rows.length;
}

/** By the database's clock; `e` is the event. */
const isDue = sql<boolean>`coalesce(e.ended_at, e.starts_at + make_interval(hours => ${eventLastsH}))
  + make_interval(hours => ${resultGuardH}) < now()`;

/** In the transaction of the result, whoever owns the item: what it waited for is there. */
export async function closeMissingResult(
  trx: Trx,
  { eventId, marketId }: { readonly eventId: string; readonly marketId: string },
): Promise<void> {
  await trx
    .updateTable('payments.workItem')
    .set({ closedAt: sql<Date>`now()`, resolution: 'The feed has told the result.' })
    .where('kind', '=', 'missing-result')
    .where('subject', '=', subjectOf(eventId, marketId))
    .where('closedAt', 'is', null)
    .execute();
}

/** Markets whose item is open, and the age of the oldest item. */
export async function readMissingResults(
  db: Database,
): Promise<{ readonly open: number; readonly oldestAgeS: number }> {
  const { rows } = await sql<{ open: number; oldestAgeS: number }>`
    select count(*)::int as open, coalesce(extract(epoch from now() - min(opened_at)), 0)::float8 as "oldestAgeS"
    from payments.work_item where kind = 'missing-result' and closed_at is null`.execute(db);
  return rows[0] ?? { open: 0, oldestAgeS: 0 };
}
