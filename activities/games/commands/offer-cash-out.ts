/** Makes an offer to buy a running bet back: its value at the prices of now, standing for seconds by the database's clock. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { cashOutOfferS, cashOutValue, type RunningLeg } from '#domain/games/book/cash-out.ts';
import { readMarketsOf, readStandingLegs, type StandingLeg } from '../book/bet-legs.ts';
import { termsOf } from '../book/bet-terms.ts';
import { passGates } from '../book/gates.ts';

export type CashOutOffer = { readonly offerId: string; readonly value: bigint; readonly expiresAt: Date };

/**
 * One offer stands per bet: a new one cancels the last. A repeat with the same id answers with the same offer.
 * Failures: `not-found`, `bet-not-open`, `cash-out-unavailable`.
 */
export async function offerCashOut(
  db: Database,
  wish: { readonly offerId: string; readonly betId: string; readonly playerId: string },
): Promise<Result<CashOutOffer & { readonly asset: string }>> {
  const { offerId, betId, playerId } = wish;
  return db.transaction().execute(async (trx) => {
    const bet = await trx
      .selectFrom('games.bet')
      .selectAll()
      .where('id', '=', betId)
      .where('playerId', '=', playerId)
      .forUpdate()
      .executeTakeFirst();
    if (!bet) return fail('not-found', 'There is no such bet.');
    const known = await trx
      .selectFrom('games.cashOutOffer')
      .select(['value', 'expiresAt'])
      .where('id', '=', offerId)
      .where('betId', '=', betId)
      .executeTakeFirst();
    if (known) {
      const { value, expiresAt } = known;
      return succeed({ offerId, value: BigInt(value), expiresAt, asset: bet.asset });
    }
    if (bet.state !== 'open') return fail('bet-not-open', 'The bet has ended.');
    if (!bet.followed)
      return fail('cash-out-unavailable', 'The bet was placed without the right to cash out.');
    // A price that moves from here on waits, and then cancels this offer.
    await passGates(trx, await readMarketsOf(trx, betId));
    const legs = (await readStandingLegs(trx, [betId])).get(betId) ?? [];
    const value = cashOutValue(
      termsOf(
        bet,
        legs.map(({ odds }) => odds),
      ),
      legs.map(toRunning),
    );
    if (value === null) return fail('cash-out-unavailable', 'There is no offer for this bet at the moment.');
    await trx
      .updateTable('games.cashOutOffer')
      .set({ state: 'cancelled', endedAt: sql<Date>`now()` })
      .where('betId', '=', betId)
      .where('state', '=', 'standing')
      .execute();
    const { expiresAt } = await trx
      .insertInto('games.cashOutOffer')
      .values({
        id: offerId,
        betId,
        playerId,
        value: value.toString(),
        state: 'standing',
        expiresAt: sql<Date>`clock_timestamp() + make_interval(secs => ${cashOutOfferS})`,
      })
      .returning('expiresAt')
      .executeTakeFirstOrThrow();
    return succeed({ offerId, value, expiresAt, asset: bet.asset });
  });
}

const toRunning = ({ outcome, oddsNow }: StandingLeg): RunningLeg =>
  outcome === null ? { outcome, oddsNow } : { outcome };
