/** Exchanges between a player's assets at a rate in force, or at one that was promised. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { toMoneyText, type Units } from '#domain/money.ts';
import { fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import { parseRate } from '#domain/wallet/exchange-rate.ts';
import { postExchange } from './post-exchange.ts';
import { currentRates } from './rates.ts';

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

const findExchange = (trx: Trx, id: string) =>
  trx.selectFrom('wallet.exchange').selectAll().where('id', '=', id).executeTakeFirst();
