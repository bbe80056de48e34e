/** What the `bet` workflow does: settles a followed bet once its legs are known, and buys it back at an offer that stands. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { postCommand } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { resultOf } from '#domain/games/book/settlement.ts';
import { toMoneyText, type MoneyText } from '#domain/money.ts';
import { readMarketsOf, readStandingLegs } from './bet-legs.ts';
import { betSubject, cashOutKey, payCommand, termsOf } from './bet-terms.ts';
import { passGates } from './gates.ts';
import { writeSettlements } from './write-settlements.ts';

export type BetState = 'open' | 'settled' | 'cashed-out';

export type BetStanding = {
  readonly state: BetState;
  readonly outcome: string | null;
  readonly payout: MoneyText;
};

export function createBetActivities({ db }: Pick<ActivityDeps, 'db'>) {
  return {
    /** Settles the bet if its legs allow it; a single bet is settled by its market and only looked at here. */
    async advanceBet({ betId }: { readonly betId: string }): Promise<BetStanding> {
      return db.transaction().execute(async (trx) => {
        const bet = await lockBet(trx, betId);
        if (bet.state !== 'open' || bet.kind === 'single') return standingOf(bet);
        const legs = (await readStandingLegs(trx, [betId])).get(betId) ?? [];
        const terms = termsOf(
          bet,
          legs.map(({ odds }) => odds),
        );
        const result = resultOf(
          terms,
          legs.map(({ outcome }) => outcome),
        );
        if (result === null) return standingOf(bet);
        const { again } = await writeSettlements(trx, [{ bet, result, resultVersion: 0 }]);
        // Nothing was written, and the retry of the activity judges the wallet as it is then.
        if (again > 0) throw new FailureError(fail('overloaded', 'The wallet moved; settle again.').failure);
        return standingOf(await lockBet(trx, betId));
      });
    },

    /**
     * Pays the offer's value and ends the bet. Failures: `bet-not-open`, `cash-out-offer-gone` (another one's, expired by
     * the database's clock, cancelled because a price moved, or of an event that is not bet on now). A repeat for the offer that was taken changes nothing.
     */
    async cashOutBet({
      betId,
      offerId,
    }: {
      readonly betId: string;
      readonly offerId: string;
    }): Promise<BetStanding> {
      return db.transaction().execute(async (trx) => {
        const bet = await lockBet(trx, betId);
        await passGates(trx, await readMarketsOf(trx, betId));
        const offer = await trx
          .selectFrom('games.cashOutOffer')
          .select(['value', 'state', sql<boolean>`expires_at > clock_timestamp()`.as('stands')])
          .where('id', '=', offerId)
          .where('betId', '=', betId)
          .forUpdate()
          .executeTakeFirst();
        if (offer?.state === 'taken') return standingOf(bet);
        if (bet.state !== 'open') throw new FailureError(fail('bet-not-open', 'The bet has ended.').failure);
        if (offer?.state !== 'standing' || !offer.stands || !(await isOnOffer(trx, betId)))
          throw new FailureError(fail('cash-out-offer-gone', 'The offer does not stand any more.').failure);
        const value = BigInt(offer.value);
        orThrow(await postCommand(trx, payCommand(bet, cashOutKey(betId), value, 'book.cash-out')));
        await trx
          .updateTable('games.cashOutOffer')
          .set({ state: 'taken', endedAt: sql<Date>`now()` })
          .where('id', '=', offerId)
          .execute();
        await trx
          .updateTable('games.bet')
          .set({
            state: 'cashed-out',
            outcome: 'cashed-out',
            payout: offer.value,
            settledAt: sql<Date>`now()`,
          })
          .where('id', '=', betId)
          .execute();
        const money = toMoneyText(value, bet.asset);
        await appendEvent(
          trx,
          {
            type: 'games.bet.cashed-out',
            version: 1,
            brand: bet.brand,
            playerId: bet.playerId,
            payload: { betId, offerId, money },
          },
          { actor: { kind: 'player', id: bet.playerId }, subject: betSubject(betId) },
        );
        return { state: 'cashed-out', outcome: 'cashed-out', payout: money };
      });
    },
  };
}

const lockBet = (trx: Trx, betId: string) =>
  trx.selectFrom('games.bet').selectAll().where('id', '=', betId).forUpdate().executeTakeFirstOrThrow();

/** An event that has begun or ended since the offer was made has left its prices behind, whatever its markets say. */
async function isOnOffer(trx: Trx, betId: string): Promise<boolean> {
  const legs = (await readStandingLegs(trx, [betId])).get(betId) ?? [];
  return legs.every(({ outcome, oddsNow }) => outcome !== null || oddsNow !== null);
}

const standingOf = (bet: {
  state: string;
  outcome: string | null;
  payout: string;
  asset: string;
}): BetStanding => ({
  state: bet.state as BetState,
  outcome: bet.outcome,
  payout: toMoneyText(BigInt(bet.payout), bet.asset),
});
