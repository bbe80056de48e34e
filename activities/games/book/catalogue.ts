/** What the feed offers, written as it says: each row stands for the latest message about it, and an older one changes nothing. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { FeedMessage } from '#domain/games/book/feed.schema.ts';
import { parseOdds } from '#domain/games/book/odds.ts';
import { holdGate } from './gates.ts';

type MessageOf<T extends FeedMessage['type']> = Extract<FeedMessage, { type: T }>;

/** `waiting`: about an event or market that is not known yet, since messages overtake each other. */
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
  await trx
    .insertInto('games.market')
    .values({ eventId, id: marketId, kind, name, state, sequence })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const market = await lockMarket(trx, eventId, marketId);
  if (!market || market.state === 'resulted') return 'stale';
  if (market.sequence < sequence) {
    await trx
      .updateTable('games.market')
      .set({ kind, name, state, sequence })
      .where('eventId', '=', eventId)
      .where('id', '=', marketId)
      .execute();
  }
  let changed = 0;
  for (const selection of message.selections) if (await putSelection(trx, message, selection)) changed += 1;
  // What a later picture of the market does not show any more is not offered any more.
  const { numUpdatedRows: withdrawn } = await trx
    .updateTable('games.selection')
    .set({ active: false, sequence })
    .where('eventId', '=', eventId)
    .where('marketId', '=', marketId)
    .where('sequence', '<', sequence)
    .executeTakeFirst();
  if (changed === 0 && withdrawn === 0n && market.sequence >= sequence) return 'stale';
  await cancelOffers(trx, eventId, marketId);
  return 'applied';
}

async function putSelection(
  trx: Trx,
  { eventId, marketId, sequence }: MessageOf<'market.updated'>,
  selection: MessageOf<'market.updated'>['selections'][number],
): Promise<boolean> {
  const { id, name, active } = selection;
  const row = { name, active, odds: orThrow(parseOdds(selection.odds)), sequence: BigInt(sequence) };
  const written = await trx
    .insertInto('games.selection')
    .values({ eventId, marketId, id, ...row })
    .onConflict((conflict) =>
      conflict
        .columns(['eventId', 'marketId', 'id'])
        .doUpdateSet(row)
        .where('games.selection.sequence', '<', BigInt(sequence)),
    )
    .returning('id')
    .executeTakeFirst();
  return written !== undefined;
}

export async function applyOdds(trx: Trx, message: MessageOf<'odds.changed'>): Promise<CatalogueOutcome> {
  const { eventId, marketId } = message;
  const market = await lockMarket(trx, eventId, marketId);
  if (!market) return 'waiting';
  if (market.state === 'resulted') return 'stale';
  let changed = 0n;
  for (const { selectionId, odds, active } of message.odds) {
    const { numUpdatedRows } = await trx
      .updateTable('games.selection')
      .set({ odds: orThrow(parseOdds(odds)), active, sequence: BigInt(message.sequence) })
      .where('eventId', '=', eventId)
      .where('marketId', '=', marketId)
      .where('id', '=', selectionId)
      .where('sequence', '<', BigInt(message.sequence))
      .executeTakeFirst();
    changed += numUpdatedRows;
  }
  if (changed === 0n) return 'stale';
  await cancelOffers(trx, eventId, marketId);
  return 'applied';
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
