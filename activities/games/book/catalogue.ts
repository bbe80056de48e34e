/** What the feed offers, written as it says: each row stands for the latest message about it, and an older one changes nothing. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { FeedMessage } from '#domain/games/book/feed.schema.ts';
import { parseOdds } from '#domain/games/book/odds.ts';
import { holdGate } from './gates.ts';

type MessageOf<T extends FeedMessage['type']> = Extract<FeedMessage, { type: T }>;

/** `waiting`: about an event, a market or a selection that is not known yet, since messages overtake each other. */
export type CatalogueOutcome = 'applied' | 'stale' | 'waiting';

export async function applyEvent(trx: Trx, message: MessageOf<'event.updated'>): Promise<CatalogueOutcome> {
  const { eventId: id, sport, name, startsAt, state, sequence } = message;
  await holdGate(trx, { eventId: id });
  const row = { sport, name, startsAt: new Date(startsAt), state, sequence: BigInt(sequence) };
  const written = await trx
    .insertInto('games.sportEvent')
    .values({ id, ...row })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(row).where('games.sportEvent.sequence', '<', BigInt(sequence)),
    )
    .returning('id')
    .executeTakeFirst();
  return written === undefined ? 'stale' : 'applied';
}

export async function applyMarket(trx: Trx, message: MessageOf<'market.updated'>): Promise<CatalogueOutcome> {
  const event = await trx
    .selectFrom('games.sportEvent')
    .select('id')
    .where('id', '=', message.eventId)
    .executeTakeFirst();
  if (!event) return 'waiting';
  const { eventId, marketId, kind, name, state } = message;
  const sequence = BigInt(message.sequence);
  const made = await trx
    .insertInto('games.market')
    .values({ eventId, id: marketId, kind, name, state, sequence, pictureSequence: sequence })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  const market = await lockMarket(trx, eventId, marketId);
  if (!market || market.state === 'resulted') return 'stale';
  // A later picture has replaced this one: a selection that it does not show any more must not come back.
  if (!made && market.pictureSequence >= sequence) return 'stale';
  const isLatest = market.sequence < sequence;
  await trx
    .updateTable('games.market')
    .set({ kind, name, pictureSequence: sequence, ...(isLatest ? { state, sequence } : {}) })
    .where('eventId', '=', eventId)
    .where('id', '=', marketId)
    .execute();
  for (const selection of message.selections) await putSelection(trx, message, selection);
  // What a later picture of the market does not show any more is not offered any more.
  await trx
    .updateTable('games.selection')
    .set({ active: false, withdrawn: true, sequence })
    .where('eventId', '=', eventId)
    .where('marketId', '=', marketId)
    .where('sequence', '<', sequence)
    .execute();
  await cancelOffers(trx, eventId, marketId);
  return 'applied';
}

async function putSelection(
  trx: Trx,
  { eventId, marketId, sequence }: MessageOf<'market.updated'>,
  selection: MessageOf<'market.updated'>['selections'][number],
): Promise<void> {
  const { id, name, active } = selection;
  const odds = orThrow(parseOdds(selection.odds));
  const row = { name, active, odds, withdrawn: false, sequence: BigInt(sequence) };
  await trx
    .insertInto('games.selection')
    .values({ eventId, marketId, id, ...row })
    .onConflict((conflict) =>
      conflict
        .columns(['eventId', 'marketId', 'id'])
        .doUpdateSet(row)
        .where('games.selection.sequence', '<', BigInt(sequence)),
    )
    .execute();
}

export async function applyOdds(trx: Trx, message: MessageOf<'odds.changed'>): Promise<CatalogueOutcome> {
  const { eventId, marketId } = message;
  const market = await lockMarket(trx, eventId, marketId);
  if (!market) return 'waiting';
  if (market.state === 'resulted') return 'stale';
  const known = await readSelectionIds(trx, eventId, marketId);
  let changed = 0n;
  for (const { selectionId, odds, active } of message.odds) {
    const { numUpdatedRows } = await trx
      .updateTable('games.selection')
      .set({
        odds: orThrow(parseOdds(odds)),
        active,
        sequence: BigInt(message.sequence),
        ...(active ? { withdrawn: false } : {}),
      })
      .where('eventId', '=', eventId)
      .where('marketId', '=', marketId)
      .where('id', '=', selectionId)
      .where('sequence', '<', BigInt(message.sequence))
      .executeTakeFirst();
    changed += numUpdatedRows;
  }
  if (changed > 0n) await cancelOffers(trx, eventId, marketId);
  // The picture with the selection is on its way, unless a later one has shown the market without it.
  const isEarly = message.odds.some(({ selectionId }) => !known.includes(selectionId));
  if (isEarly && market.pictureSequence < BigInt(message.sequence)) return 'waiting';
  return changed === 0n ? 'stale' : 'applied';
}

/** Selections of a market, or of them only those that its latest picture does not show. */
export async function readSelectionIds(
  trx: Trx,
  eventId: string,
  marketId: string,
  which: 'all' | 'withdrawn' = 'all',
): Promise<string[]> {
  const rows = await trx
    .selectFrom('games.selection')
    .select('id')
    .where('eventId', '=', eventId)
    .where('marketId', '=', marketId)
    .$if(which === 'withdrawn', (query) => query.where('withdrawn', '=', true))
    .execute();
  return rows.map(({ id }) => id);
}

export async function applyMarketState(
  trx: Trx,
  message: MessageOf<'market.state-changed'>,
): Promise<CatalogueOutcome> {
  const { eventId, marketId, state } = message;
  const market = await lockMarket(trx, eventId, marketId);
  if (!market) return 'waiting';
  if (market.state === 'resulted' || market.sequence >= BigInt(message.sequence)) return 'stale';
  await trx
    .updateTable('games.market')
    .set({ state, sequence: BigInt(message.sequence) })
    .where('eventId', '=', eventId)
    .where('id', '=', marketId)
    .execute();
  await cancelOffers(trx, eventId, marketId);
  return 'applied';
}

/** The market's row behind its gate, which bets pass together: none slips in beside a change. */
export async function lockMarket(trx: Trx, eventId: string, marketId: string) {
  await holdGate(trx, { eventId, marketId });
  return trx
    .selectFrom('games.market')
    .selectAll()
    .where('eventId', '=', eventId)
    .where('id', '=', marketId)
    .forUpdate()
    .executeTakeFirst();
}

/** An offer to buy a bet back stands on the prices that it was made of. */
export async function cancelOffers(trx: Trx, eventId: string, marketId: string): Promise<void> {
  await sql`
    update games.cash_out_offer o set state = 'cancelled', ended_at = now()
    from games.bet_leg l
    where l.event_id = ${eventId} and l.market_id = ${marketId} and o.bet_id = l.bet_id and o.state = 'standing'
  `.execute(trx);
}
