/** Rates as they are quoted, and exchanges between a player's assets at one of them. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { assetOf, toMoneyText, type Units } from '#domain/money.ts';
import { fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import { parseRate } from '#domain/wallet/exchange-rate.ts';
import { postExchange } from './post-exchange.ts';

export type PublishRate = {
  readonly rateId: string;
  readonly soldAsset: string;
  readonly boughtAsset: string;
  /** Whole units bought for one whole unit sold: exact text, a decimal or a fraction. */
  readonly rate: string;
  /** Who quoted it. */
  readonly source: string;
  readonly quotedAt: Date;
  readonly expiresAt: Date;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

export type RateRow = NonNullable<Awaited<ReturnType<typeof findRate>>>;

/**
 * Publishes a rate; it is in force for its pair at once. Failures: `invalid-request`, `unknown-asset`,
 * `idempotency-key-reused`.
 */
export async function publishRate(trx: Trx, rate: PublishRate): Promise<Result<RateRow>> {
  const parsed = parseRate(rate.rate);
  if (!parsed.ok) return parsed;
  for (const code of [rate.soldAsset, rate.boughtAsset]) {
    const asset = assetOf(code);
    if (!asset.ok) return asset;
  }
  if (rate.soldAsset === rate.boughtAsset)
    return fail('invalid-request', 'A rate is between two different assets.');
  if (rate.expiresAt <= rate.quotedAt) return fail('invalid-request', 'A rate runs out after it was quoted.');
  const { rateId, soldAsset, boughtAsset, source, quotedAt, expiresAt, operatorId, fingerprint } = rate;
  const inserted = await trx
    .insertInto('wallet.rate')
    .values({
      id: rateId,
      soldAsset,
      boughtAsset,
      rate: rate.rate,
      source,
      quotedAt,
      expiresAt,
      publishedBy: `operator:${operatorId}`,
      fingerprint,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  const row = await findRate(trx, rateId);
  if (!row?.fingerprint.equals(fingerprint))
    return fail('idempotency-key-reused', 'This key was used for another rate.');
  if (inserted) {
    await appendEvent(
      trx,
      {
        type: 'wallet.rate.published',
        version: 1,
        brand: '*',
        playerId: null,
        payload: {
          rateId,
          soldAsset,
          boughtAsset,
          rate: rate.rate,
          source,
          quotedAt: quotedAt.toISOString(),
          expiresAt: expiresAt.toISOString(),
        },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `rate:${rateId}` },
    );
  }
  return succeed(row);
}

/** The rates in force: the newest of each pair, unless it has run out. At most one per pair of assets. */
export async function currentRates(db: Database | Trx): Promise<RateRow[]> {
  const newest = db
    .selectFrom('wallet.rate')
    .distinctOn(['soldAsset', 'boughtAsset'])
    .selectAll()
    .orderBy('soldAsset')
    .orderBy('boughtAsset')
    .orderBy('publishedAt', 'desc')
    .orderBy('id', 'desc');
  return db
    .selectFrom(newest.as('r'))
    .selectAll()
    .where('r.expiresAt', '>', sql<Date>`clock_timestamp()`)
    .execute();
}

export type MakeExchange = {
  readonly exchangeId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly soldAsset: string;
  /** Units of the sold asset. */
  readonly sold: Units;
  readonly boughtAsset: string;
  /** The rate that the player saw: it must still be in force. */
  readonly rateId: string;
  readonly fingerprint: Buffer;
};

export type ExchangeRow = NonNullable<Awaited<ReturnType<typeof findExchange>>>;

/**
 * Gives one asset for another at a rate in force, or finds the exchange that the same id made before. Failures:
 * `idempotency-key-reused`, `rate-not-current`, those of `postExchange`.
 */
export async function makeExchange(trx: Trx, wish: MakeExchange): Promise<Result<ExchangeRow>> {
  const known = await knownExchange(trx, wish);
  if (known) return known;
  const rates = await currentRates(trx);
  const rate = rates.find(
    ({ id, soldAsset, boughtAsset }) =>
      id === wish.rateId && soldAsset === wish.soldAsset && boughtAsset === wish.boughtAsset,
  );
  if (!rate)
    return fail('rate-not-current', 'This rate is not in force for this pair; ask for the rates again.');
  return makeExchangeAt(trx, wish, rate);
}

/**
 * Gives one asset for another at a rate that the caller has promised, or finds the exchange that the same id made
 * before. Failures: `idempotency-key-reused`, those of `postExchange`.
 */
export async function makeExchangeAt(
  trx: Trx,
  wish: Omit<MakeExchange, 'rateId'>,
  rate: { readonly rate: string; readonly source: string; readonly quotedAt: Date },
): Promise<Result<ExchangeRow>> {
  const earlier = await knownExchange(trx, wish);
  if (earlier) return earlier;
  const { exchangeId, playerId, brand, soldAsset, sold, boughtAsset } = wish;
  const posted = await postExchange(trx, {
    key: `exchange:${exchangeId}`,
    playerId,
    asset: soldAsset,
    boughtAsset,
    amount: sold,
    rate: orThrow(parseRate(rate.rate)),
    subject: `exchange:${exchangeId}`,
  });
  if (!posted.ok) return posted;
  const { journalId, bought } = posted.value;
  // Both wallets were locked while another request with the same id wrote them.
  if (bought === null)
    return (await knownExchange(trx, wish)) ?? fail('idempotency-key-reused', 'This id moved money before.');
  await trx
    .insertInto('wallet.exchange')
    .values({
      id: exchangeId,
      playerId,
      brand,
      soldAsset,
      sold: sold.toString(),
      boughtAsset,
      bought: bought.toString(),
      rate: rate.rate,
      rateSource: rate.source,
      quotedAt: rate.quotedAt,
      journalId,
      fingerprint: wish.fingerprint,
    })
    .execute();
  await appendEvent(
    trx,
    {
      type: 'wallet.exchange.made',
      version: 1,
      brand,
      playerId,
      payload: {
        exchangeId,
        sold: toMoneyText(sold, soldAsset),
        bought: toMoneyText(bought, boughtAsset),
        rate: rate.rate,
        source: rate.source,
      },
    },
    { actor: { kind: 'player', id: playerId }, subject: `exchange:${exchangeId}` },
  );
  const made = await findExchange(trx, exchangeId);
  return made ? succeed(made) : fail('not-found', 'There is no such exchange.');
}

/** What the same id made before; null where it made nothing. Failure: `idempotency-key-reused`. */
export async function knownExchange(
  trx: Trx,
  wish: Pick<MakeExchange, 'exchangeId' | 'fingerprint'>,
): Promise<Result<ExchangeRow> | null> {
  const row = await findExchange(trx, wish.exchangeId);
  if (!row) return null;
  return row.fingerprint.equals(wish.fingerprint)
    ? succeed(row)
    : fail('idempotency-key-reused', 'This key was used for another exchange.');
}

const findRate = (trx: Trx, id: string) =>
  trx.selectFrom('wallet.rate').selectAll().where('id', '=', id).executeTakeFirst();

const findExchange = (trx: Trx, id: string) =>
  trx.selectFrom('wallet.exchange').selectAll().where('id', '=', id).executeTakeFirst();
