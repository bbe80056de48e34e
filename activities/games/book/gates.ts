/**
 * Whose turn it is at an event or a market: bets pass its gate together, the feed alone. The gates are advisory locks and
 * no locks of rows, because those let one bet after another pass a feed that waits, and the old price with them.
 */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';

export type Gate = { readonly eventId: string; readonly marketId?: string };

const nameOf = ({ eventId, marketId }: Gate): string =>
  marketId === undefined ? `event:${eventId}` : `market:${eventId}:${marketId}`;

/**
 * Passes with others until the transaction ends: what a statement behind it reads of these events and markets stays as it
 * is. Gates are passed in one order, after the bet's row and before offers and wallets: nobody waits in a circle.
 */
export async function passGates(trx: Trx, markets: readonly Required<Gate>[]): Promise<void> {
  const names = markets.flatMap((market) => [nameOf({ eventId: market.eventId }), nameOf(market)]);
  await sql`
    select pg_advisory_xact_lock_shared(key) from (
      select distinct hashtextextended(name, 0) as key from unnest(${names}::text[]) as n(name) order by key offset 0
    ) gates
  `.execute(trx);
}

/** Passes alone: waits for those who are through, and those who come behind wait. */
export async function holdGate(trx: Trx, gate: Gate): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${nameOf(gate)}, 0))`.execute(trx);
}
