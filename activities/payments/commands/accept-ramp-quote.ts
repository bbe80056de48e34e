/**
 * Carries a quote out, once and in time. Its two legs, what the player gives and what he gets, are the two halves of one
 * exchange journal in one transaction with the quote's own end: there is no ramp that is half done.
 */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { makeExchangeAt } from '#activities/wallet/exchanges.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { isRateEnded } from '#activities/wallet/rates.ts';
import type { Database, Trx } from '#db/connect.ts';
import { assert, fail, FailureError, orThrow, type Result } from '#domain/failures.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';
import { toFailure, type Refusal } from '#domain/payments/uses.ts';
import { countRamp } from '../count-ramp.ts';
import { refuseBraked } from '../exchange-brakes.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { admitRamp, type RampWish } from '../ramp-admission.ts';
import {
  byPlayer,
  directionOf,
  endQuote,
  lockQuote,
  quoteFacts,
  recordRampRefusal,
  type RampQuoteRow,
} from './ramp-quotes.ts';
import { refusable, type PaymentOrigin } from './request-deposit.ts';

export type RampAcceptance = {
  readonly quoteId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  /** Made from the player and the idempotency key. */
  readonly acceptKey: string;
  readonly origin: PaymentOrigin;
};

/**
 * Accepts an open quote, or finds that the same key has done so. Failures: `not-found`, `idempotency-key-reused` (the
 * key accepted another quote), `quote-expired`, `quote-not-open`, those of `admitRamp` and `judgeRamp`,
 * `payment-limit-exceeded`, those of `refuseBraked`, `insufficient-funds`, `wallet-not-found`. All but `quote-expired`
 * leave the quote as it was.
 */
export async function acceptRampQuote(db: Database, accept: RampAcceptance): Promise<Result<RampQuoteRow>> {
  const known = await db
    .selectFrom('payments.rampQuote')
    .selectAll()
    .where('id', '=', accept.quoteId)
    .where('playerId', '=', accept.playerId)
    .executeTakeFirst();
  if (known === undefined) return fail('not-found', 'There is no such quote.');
  const wish = wishOf(known, accept);
  const rules = await currentPaymentRules(db, known.brand);
  // Before the transaction: it asks on a connection of its own. What it finds is only used for a quote that is open.
  const admitted = await admitRamp(db, wish);
  let refusal = null as Refusal | null;
  const ended = await refusable(db, async (trx) => {
    const row = await claim(trx, accept);
    if (row.state !== 'open') return row;
    const { at, isOver } = await trx
      .selectFrom('payments.rampQuote')
      .innerJoin(sql<{ t: Date }>`(select clock_timestamp() as t)`.as('clock'), (join) => join.onTrue())
      .select(['clock.t as at', sql<boolean>`clock.t >= expires_at`.as('isOver')])
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow();
    if (isOver) return endQuote(trx, row, { kind: 'player', id: row.playerId });
    // A rate that was ended takes its promises with it.
    if (await isRateEnded(trx, row.rateId)) return endQuote(trx, row, { kind: 'system', id: 'rate-ended' });
    orThrow(admitted);
    return carryOut(trx, { row, wish, accept, at, rules }, (by) => {
      refusal = by;
      throw new FailureError(toFailure(by));
    });
  });
  if (refusal !== null) await recordRampRefusal(db, { ...wish, quoteId: accept.quoteId }, refusal);
  return ended.ok && ended.value.state !== 'accepted' ? notOpen(ended.value.state) : ended;
}

const notOpen = (state: string) =>
  state === 'expired'
    ? fail('quote-expired', 'The quote has run out; ask for another one.')
    : fail('quote-not-open', 'The quote was accepted, given up, or its rate was ended.');

const wishOf = (row: RampQuoteRow, { jurisdiction, origin }: RampAcceptance): RampWish => ({
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction,
  direction: directionOf(row),
  payAsset: row.payAsset,
  pay: BigInt(row.pay),
  receiveAsset: row.receiveAsset,
  origin,
});

/** The quote, locked; one that another key accepted is refused. */
async function claim(trx: Trx, { quoteId, playerId, acceptKey }: RampAcceptance): Promise<RampQuoteRow> {
  // One key at a time, so that it cannot accept two quotes at once.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`ramp-accept:${acceptKey}`}, 0))`.execute(trx);
  const other = await trx
    .selectFrom('payments.rampQuote')
    .select('id')
    .where('acceptKey', '=', acceptKey)
    .where('id', '<>', quoteId)
    .executeTakeFirst();
  if (other !== undefined) orThrow(fail('idempotency-key-reused', 'This key accepted another quote.'));
  const row = orThrow(await lockQuote(trx, quoteId, playerId));
  return row.state === 'accepted' && row.acceptKey !== acceptKey ? orThrow(notOpen('accepted')) : row;
}

type Carried = {
  readonly row: RampQuoteRow;
  readonly wish: RampWish;
  readonly accept: RampAcceptance;
  /** The database's clock, before the quote's end. */
  readonly at: Date;
  readonly rules: readonly PaymentRule[];
};

async function carryOut(
  trx: Trx,
  { row, wish, accept, at, rules }: Carried,
  refuse: (by: Refusal) => never,
): Promise<RampQuoteRow> {
  const counted = await countRamp(trx, rules, wish, {
    payment: `ramp:${row.id}`,
    subject: `ramp-quote:${row.id}`,
  });
  if (counted !== null) refuse(counted);
  const { direction, payAsset, pay, receiveAsset, playerId, jurisdiction } = wish;
  await openWallet(trx, { playerId, asset: receiveAsset, brand: row.brand, jurisdiction });
  const exchange = orThrow(
    await makeExchangeAt(
      trx,
      {
        exchangeId: row.id,
        playerId,
        brand: row.brand,
        soldAsset: payAsset,
        sold: pay,
        boughtAsset: receiveAsset,
        fingerprint: row.fingerprint,
      },
      { rate: row.rate, source: row.rateSource, quotedAt: row.rateQuotedAt },
    ),
  );
  assert(exchange.bought === row.receive, 'the exchange gives what was promised');
  await refuseBraked(trx, {
    playerId,
    soldAsset: payAsset,
    boughtAsset: receiveAsset,
    isWayHome: direction === 'off-ramp',
  });
  const accepted = await trx
    .updateTable('payments.rampQuote')
    .set({ state: 'accepted', closedAt: at, acceptKey: accept.acceptKey, exchangeId: exchange.id })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'payments.ramp-quote.accepted',
      version: 1,
      brand: row.brand,
      playerId,
      payload: { ...quoteFacts(row), exchangeId: exchange.id },
    },
    byPlayer(row),
  );
  return accepted;
}
