/**
 * A player's exchange between own assets, asked for at a published rate. It moves nothing in or out, and so it must not
 * be a way around what keeps money in its asset: wagering, exclusions, limits, and the rules and lists of the ramp.
 */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import {
  knownExchange,
  makeExchange,
  type ExchangeRow,
  type MakeExchange,
} from '#activities/wallet/exchanges.ts';
import type { Database } from '#db/connect.ts';
import { FailureError, orThrow, type Result } from '#domain/failures.ts';
import { assetOf, toMoneyText } from '#domain/money.ts';
import { rampDirection } from '#domain/payments/ramp.ts';
import { toFailure, type Refusal } from '#domain/payments/uses.ts';
import { countRamp } from '../count-ramp.ts';
import { refuseBraked } from '../exchange-brakes.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { admitExchange } from '../ramp-admission.ts';
import { refusable, type PaymentOrigin } from './request-deposit.ts';

export type ExchangeRequest = MakeExchange & {
  readonly jurisdiction: string;
  readonly origin: PaymentOrigin;
};

/**
 * Makes the exchange, or finds the one that the same id made. Failures: `unknown-asset`, those of `makeExchange`,
 * `admitExchange` and `refuseBraked`; between fiat and crypto those of `judgeRamp` and `payment-limit-exceeded`, too.
 */
export async function exchangeAssets(db: Database, wish: ExchangeRequest): Promise<Result<ExchangeRow>> {
  const [sold, bought] = [assetOf(wish.soldAsset), assetOf(wish.boughtAsset)];
  if (!sold.ok) return sold;
  if (!bought.ok) return bought;
  const found = rampDirection(sold.value, bought.value);
  const direction = found.ok ? found.value : null;
  const isWayHome = direction === 'off-ramp';
  const rules = await currentPaymentRules(db, wish.brand);
  // Before the transaction: it asks on a connection of its own. Only an exchange that is not made yet heeds it.
  const between = { ...wish, payAsset: wish.soldAsset, receiveAsset: wish.boughtAsset };
  const admitted = await admitExchange(db, between, { isWayHome });
  let refusal = null as Refusal | null;
  const made = await refusable(db, async (trx) => {
    // One at a time per id: the second finds what the first has made, whatever was decided about its player since.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`exchange:${wish.exchangeId}`}, 0))`.execute(
      trx,
    );
    const known = await knownExchange(trx, wish);
    if (known !== null) return orThrow(known);
    orThrow(admitted);
    if (direction !== null) {
      // Between fiat and crypto it is a ramp by another name: its limits count both together.
      const subject = `exchange:${wish.exchangeId}`;
      const ramp = { ...between, direction, pay: wish.sold };
      refusal = await countRamp(trx, rules, ramp, { payment: subject, subject });
      if (refusal !== null) throw new FailureError(toFailure(refusal));
    }
    const row = orThrow(await makeExchange(trx, wish));
    await refuseBraked(trx, { ...wish, isWayHome });
    return row;
  });
  if (refusal !== null) await recordRefusal(db, wish, refusal);
  return made;
}

/** For staff, in a transaction of its own: what refused was undone, and the player does not hear of lists. */
const recordRefusal = (
  db: Database,
  { exchangeId, playerId, brand, soldAsset, sold, boughtAsset }: ExchangeRequest,
  { code, by }: Refusal,
): Promise<void> =>
  db.transaction().execute((trx) =>
    appendEvent(
      trx,
      {
        type: 'payments.exchange.refused',
        version: 1,
        brand,
        playerId,
        payload: { exchangeId, sold: toMoneyText(sold, soldAsset), boughtAsset, code, by },
      },
      { actor: { kind: 'player', id: playerId }, subject: `exchange:${exchangeId}` },
    ),
  );
