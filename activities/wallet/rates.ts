/** Rates as they were published: the newest of each pair is in force until it runs out or a person ends it. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { assetOf } from '#domain/money.ts';
import { parseRate } from '#domain/wallet/exchange-rate.ts';

export type QuotedRate = {
  readonly soldAsset: string;
  readonly boughtAsset: string;
  /** Whole units bought for one whole unit sold: exact text, a decimal or a fraction. */
  readonly rate: string;
  /** Who quoted it. */
  readonly source: string;
  readonly quotedAt: Date;
  readonly expiresAt: Date;
};

export type PublishRate = QuotedRate & {
  readonly rateId: string;
  /** `operator:…` only for what two people agreed on, which the database compares; else `system:…`. */
  readonly publishedBy: `${'operator' | 'system'}:${string}`;
  readonly fingerprint: Buffer;
};

export type RateRow = NonNullable<Awaited<ReturnType<typeof findRate>>>;

/** Failures: `invalid-request`, `unknown-asset`. */
export function checkRate(rate: QuotedRate): Result<void> {
  const parsed = parseRate(rate.rate);
  if (!parsed.ok) return parsed;
  for (const code of [rate.soldAsset, rate.boughtAsset]) {
    const asset = assetOf(code);
    if (!asset.ok) return asset;
  }
  if (rate.soldAsset === rate.boughtAsset)
    return fail('invalid-request', 'A rate is between two different assets.');
  if (rate.expiresAt <= rate.quotedAt) return fail('invalid-request', 'A rate runs out after it was quoted.');
  return succeed(undefined);
}

/** What is published and ended for a pair follows each other. */
export async function lockPair(
  trx: Trx,
  { soldAsset, boughtAsset }: Pick<QuotedRate, 'soldAsset' | 'boughtAsset'>,
): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`rate:${soldAsset}:${boughtAsset}`}, 0))`.execute(
    trx,
  );
}

/**
 * Publishes a rate; it is in force for its pair at once. Failures: `invalid-request`, `unknown-asset`,
 * `idempotency-key-reused`.
 */
export async function publishRate(trx: Trx, rate: PublishRate): Promise<Result<RateRow>> {
  const checked = checkRate(rate);
  if (!checked.ok) return checked;
  const { rateId, soldAsset, boughtAsset, source, quotedAt, expiresAt, publishedBy, fingerprint } = rate;
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
      publishedBy,
      fingerprint,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  const row = await findRate(trx, rateId);
  if (!row?.fingerprint.equals(fingerprint))
    return fail('idempotency-key-reused', 'This key was used for another rate.');
  if (inserted) {
    const [kind, id = ''] = publishedBy.split(':');
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
      { actor: { kind: kind === 'operator' ? 'operator' : 'system', id }, subject: `rate:${rateId}` },
    );
  }
  return succeed(row);
}

export type EndRate = { readonly rateId: string; readonly operatorId: string; readonly reason: string };

/** Ends a rate before its time; ended before, nothing more happens. Failure: `not-found`. */
export async function endRate(trx: Trx, { rateId, operatorId, reason }: EndRate): Promise<Result<void>> {
  const rate = await findRate(trx, rateId);
  if (rate === undefined) return fail('not-found', 'There is no such rate.');
  await lockPair(trx, rate);
  const ended = await trx
    .insertInto('wallet.rateEnding')
    .values({ rateId, endedBy: `operator:${operatorId}`, reason })
    .onConflict((conflict) => conflict.column('rateId').doNothing())
    .returning('rateId')
    .executeTakeFirst();
  if (ended !== undefined)
    await appendEvent(
      trx,
      {
        type: 'wallet.rate.ended',
        version: 1,
        brand: '*',
        playerId: null,
        payload: { rateId, soldAsset: rate.soldAsset, boughtAsset: rate.boughtAsset },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `rate:${rateId}`, reason },
    );
  return succeed(undefined);
}

/** What was promised at a rate ends with it. */
export const isRateEnded = async (trx: Trx, rateId: string): Promise<boolean> =>
  (await trx
    .selectFrom('wallet.rateEnding')
    .select('rateId')
    .where('rateId', '=', rateId)
    .executeTakeFirst()) !== undefined;

/**
 * The rates in force: the newest of each pair, unless it has run out or was ended, after which the pair has none. At most
 * one per pair of assets.
 */
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
    .where((of) =>
      of.not(
        of.exists(
          of.selectFrom('wallet.rateEnding as e').select('e.rateId').whereRef('e.rateId', '=', 'r.id'),
        ),
      ),
    )
    .execute();
}

/** The newest rate of a pair, in force or over; null before the first one. */
export async function newestRateId(
  trx: Trx,
  { soldAsset, boughtAsset }: Pick<QuotedRate, 'soldAsset' | 'boughtAsset'>,
): Promise<string | null> {
  const row = await trx
    .selectFrom('wallet.rate')
    .select('id')
    .where('soldAsset', '=', soldAsset)
    .where('boughtAsset', '=', boughtAsset)
    .orderBy('publishedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? null;
}

const findRate = (trx: Trx, id: string) =>
  trx.selectFrom('wallet.rate').selectAll().where('id', '=', id).executeTakeFirst();
