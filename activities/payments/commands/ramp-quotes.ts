/** Quotes of the ramp: given for a short time, one open per player, and ended when that time is over. */
import { sql, type Selectable } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { currentRates } from '#activities/wallet/rates.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsRampQuote } from '#db/schema.generated.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { assetOf, parsePayable, toMoneyText, type MoneyText } from '#domain/money.ts';
import { offerRamp, rampDirection, type RampDirection } from '#domain/payments/ramp.ts';
import { toFailure, type Refusal } from '#domain/payments/uses.ts';
import { parseRate } from '#domain/wallet/exchange-rate.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { admitRamp, judgeRamp, type RampWish } from '../ramp-admission.ts';
import { currentRampTerms } from './ramp-terms.ts';
import { refusable, type PaymentOrigin } from './request-deposit.ts';

export type RampQuoteRow = Selectable<PaymentsRampQuote>;

export type RampQuoteRequest = {
  /** Made from the player and the idempotency key. */
  readonly quoteId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly pay: MoneyText;
  readonly receiveAsset: string;
  readonly fingerprint: Buffer;
  readonly origin: PaymentOrigin;
};

/**
 * Promises a rate, or finds the quote that the key made before. A quote that the player has open ends: nobody holds
 * several rates and picks the best. Failures: those of `parsePayable`, `rampDirection`, `admitRamp`, `judgeRamp` and
 * `offerRamp`, `idempotency-key-reused`, `payment-method-unavailable` (no terms), `rate-not-current`.
 */
export async function giveRampQuote(db: Database, request: RampQuoteRequest): Promise<Result<RampQuoteRow>> {
  const { playerId, brand, receiveAsset } = request;
  const payAsset = request.pay.asset;
  const pay = parsePayable(request.pay);
  if (!pay.ok) return pay;
  const [paid, received] = [assetOf(payAsset), assetOf(receiveAsset)];
  if (!paid.ok) return paid;
  if (!received.ok) return received;
  const turned = rampDirection(paid.value, received.value);
  if (!turned.ok) return turned;
  const direction = turned.value;
  const wish: RampWish = { ...request, direction, payAsset, pay: pay.value };
  const known = await findQuote(db, request);
  if (!known.ok) return known;
  if (known.value !== null) return succeed(known.value);
  const admitted = await admitRamp(db, wish);
  if (!admitted.ok) return admitted;
  const rules = await currentPaymentRules(db, brand);
  let refusal = null as Refusal | null;
  const given = await refusable(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`ramp:${playerId}`}, 0))`.execute(trx);
    const meanwhile = orThrow(await findQuote(trx, request));
    if (meanwhile !== null) return meanwhile;
    const terms = await currentRampTerms(trx, brand);
    if (terms === null) throw refused(fail('payment-method-unavailable', 'Ramps are not offered.'));
    ({ refusal } = await judgeRamp(trx, rules, wish));
    if (refusal !== null) throw new FailureError(toFailure(refusal));
    const rate = (await currentRates(trx)).find(
      ({ soldAsset, boughtAsset }) => soldAsset === payAsset && boughtAsset === receiveAsset,
    );
    if (rate === undefined) throw refused(fail('rate-not-current', 'There is no rate for this pair now.'));
    const spreadBps = direction === 'on-ramp' ? terms.onRampSpreadBps : terms.offRampSpreadBps;
    const offer = orThrow(
      offerRamp({
        pay: pay.value,
        payAsset: paid.value,
        receiveAsset: received.value,
        market: orThrow(parseRate(rate.rate)),
        spreadBps,
      }),
    );
    await closeOpenQuotes(trx, playerId);
    const row = await trx
      .insertInto('payments.rampQuote')
      .values({
        id: request.quoteId,
        playerId,
        brand,
        jurisdiction: request.jurisdiction,
        direction,
        payAsset,
        pay: pay.value.toString(),
        receiveAsset,
        receive: offer.receive.toString(),
        spread: offer.spread.toString(),
        spreadBps,
        termsVersion: terms.version,
        rateId: rate.id,
        marketRate: rate.rate,
        rate: offer.rate,
        rateSource: rate.source,
        rateQuotedAt: rate.quotedAt,
        fingerprint: request.fingerprint,
        // No promise outlives the rate that it was made of. The same clock for both, or a short one might be over.
        quotedAt: sql<Date>`now()`,
        expiresAt: sql<Date>`least(now() + make_interval(secs => ${terms.lifetimeS}),
          (select r.expires_at from wallet.rate r where r.id = ${rate.id}))`,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await appendEvent(
      trx,
      {
        type: 'payments.ramp-quote.given',
        version: 1,
        brand,
        playerId,
        payload: {
          ...quoteFacts(row),
          spread: toMoneyText(offer.spread, receiveAsset),
          rate: row.rate,
          source: row.rateSource,
          termsVersion: row.termsVersion,
          expiresAt: row.expiresAt.toISOString(),
        },
      },
      byPlayer(row),
    );
    return row;
  });
  if (refusal !== null) await recordRampRefusal(db, { ...wish, quoteId: request.quoteId }, refusal);
  return given;
}

/** Failure: `idempotency-key-reused`. */
async function findQuote(
  db: Database | Trx,
  { quoteId, fingerprint }: Pick<RampQuoteRequest, 'quoteId' | 'fingerprint'>,
): Promise<Result<RampQuoteRow | null>> {
  const row = await db
    .selectFrom('payments.rampQuote')
    .selectAll()
    .where('id', '=', quoteId)
    .executeTakeFirst();
  return row === undefined || row.fingerprint.equals(fingerprint)
    ? succeed(row ?? null)
    : fail('idempotency-key-reused', 'This key was used for another quote.');
}

const closeOpenQuotes = async (trx: Trx, playerId: string): Promise<void> => {
  const open = await trx
    .selectFrom('payments.rampQuote')
    .selectAll()
    .where('playerId', '=', playerId)
    .where('state', '=', 'open')
    .forUpdate()
    .execute();
  for (const row of open) await endQuote(trx, row, { kind: 'player', id: playerId });
};

/** What its time says: expired where it is over, else cancelled. The row is locked. */
export async function endQuote(trx: Trx, row: RampQuoteRow, actor: Actor): Promise<RampQuoteRow> {
  const ended = await trx
    .updateTable('payments.rampQuote')
    .set({
      state: sql<string>`case when expires_at <= ${clock} then 'expired' else 'cancelled' end`,
      closedAt: clock,
    })
    .from(sql<{ t: Date }>`(select clock_timestamp() as t)`.as('clock'))
    .where('id', '=', row.id)
    .where('state', '=', 'open')
    .returningAll('payments.rampQuote')
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: ended.state === 'expired' ? 'payments.ramp-quote.expired' : 'payments.ramp-quote.cancelled',
      version: 1,
      brand: ended.brand,
      playerId: ended.playerId,
      payload: { quoteId: ended.id },
    },
    { actor, subject: `ramp-quote:${ended.id}` },
  );
  return ended;
}

/** Of one statement the same instant wherever it is asked. */
const clock = sql<Date>`clock.t`;

/**
 * Gives a quote up; given up before, it is answered as it is. Failures: `not-found`, `quote-not-open` (accepted).
 */
export async function cancelRampQuote(
  trx: Trx,
  { quoteId, playerId }: { readonly quoteId: string; readonly playerId: string },
): Promise<Result<RampQuoteRow>> {
  const row = await lockQuote(trx, quoteId, playerId);
  if (!row.ok) return row;
  switch (row.value.state) {
    case 'open':
      return succeed(await endQuote(trx, row.value, { kind: 'player', id: playerId }));
    case 'accepted':
      return fail('quote-not-open', 'The quote was accepted.');
    default:
      return row;
  }
}

/** Failure: `not-found`, for a quote of somebody else, too. */
export async function lockQuote(trx: Trx, quoteId: string, playerId: string): Promise<Result<RampQuoteRow>> {
  const row = await trx
    .selectFrom('payments.rampQuote')
    .selectAll()
    .where('id', '=', quoteId)
    .where('playerId', '=', playerId)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? fail('not-found', 'There is no such quote.') : succeed(row);
}

const rowsMax = 200;

/** Ends what nobody accepted in time; how many. One that is being accepted now is left alone. */
export const expireRampQuotes = (db: Database): Promise<number> =>
  db.transaction().execute(async (trx) => {
    const due = await trx
      .selectFrom('payments.rampQuote')
      .selectAll()
      .where('state', '=', 'open')
      .where('expiresAt', '<=', sql<Date>`now()`)
      .orderBy('expiresAt')
      .limit(rowsMax)
      .forUpdate()
      .skipLocked()
      .execute();
    for (const row of due) await endQuote(trx, row, { kind: 'system', id: 'ramp-quote-expiry' });
    return due.length;
  });

export const quoteFacts = (row: RampQuoteRow) => ({
  quoteId: row.id,
  direction: directionOf(row),
  pay: toMoneyText(BigInt(row.pay), row.payAsset),
  receive: toMoneyText(BigInt(row.receive), row.receiveAsset),
});

export const directionOf = ({ direction }: Pick<RampQuoteRow, 'direction'>): RampDirection =>
  direction === 'on-ramp' ? 'on-ramp' : 'off-ramp';

export const byPlayer = (row: RampQuoteRow) =>
  ({ actor: { kind: 'player', id: row.playerId }, subject: `ramp-quote:${row.id}` }) as const;

/** For staff, in a transaction of its own: what refused was undone. */
export const recordRampRefusal = (
  db: Database,
  wish: RampWish & { readonly quoteId: string },
  { code, by }: Refusal,
): Promise<void> =>
  db.transaction().execute((trx) =>
    appendEvent(
      trx,
      {
        type: 'payments.ramp-quote.refused',
        version: 1,
        brand: wish.brand,
        playerId: wish.playerId,
        payload: {
          quoteId: wish.quoteId,
          direction: wish.direction,
          pay: toMoneyText(wish.pay, wish.payAsset),
          code,
          by,
        },
      },
      { actor: { kind: 'player', id: wish.playerId }, subject: `ramp-quote:${wish.quoteId}` },
    ),
  );

const refused = ({ failure }: { failure: FailureError['failure'] }): FailureError =>
  new FailureError(failure);
