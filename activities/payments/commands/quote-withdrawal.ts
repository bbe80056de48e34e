/** Plans a withdrawal: its fee by the term in force, and its legs by the closed loop; the same for a quote and a request. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { assetOf, type Units } from '#domain/money.ts';
import { planPayout, type PlannedLeg } from '#domain/payments/payout-plan.ts';
import { withdrawalFee, type FeeTerm } from '#domain/payments/withdrawal-fee.ts';
import { readSources } from '../payout-sources.ts';

export type WithdrawalPlan = {
  readonly fee: Units;
  /** Names the term, null where none is in force. */
  readonly feeTerm: string | null;
  readonly isFeeWaived: boolean;
  /** Free withdrawals of this month that are left before this one. */
  readonly freeLeft: number;
  readonly legs: readonly PlannedLeg[];
};

export type WithdrawalAsk = {
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  readonly amount: Units;
  readonly instrumentId: string;
};

/**
 * Failures: `payment-method-unavailable` for an instrument that is not the player's, has never paid in (cards) or cannot
 * be paid to; `amount-too-small` when the fee leaves nothing; `amount-above-maximum` for more than a named wallet takes back.
 */
export async function planWithdrawal(
  trx: Database | Trx,
  ask: WithdrawalAsk,
): Promise<Result<WithdrawalPlan>> {
  const instrument = await trx
    .selectFrom('payments.instrument')
    .select([
      'kind',
      sql<boolean>`kind = 'card' and make_date(expiry_year, expiry_month, 1) + interval '1 month' <= now()`.as(
        'isExpired',
      ),
    ])
    .where('id', '=', ask.instrumentId)
    .where('playerId', '=', ask.playerId)
    .executeTakeFirst();
  if (instrument === undefined)
    return fail(
      'payment-method-unavailable',
      'Money goes to a card that a deposit came from, or to an account of your own.',
    );
  if (instrument.isExpired === true)
    return fail('payment-method-unavailable', 'The card has expired; money cannot be paid to it.');
  const asset = assetOf(ask.asset);
  if (!asset.ok) return asset;
  const unit = 10n ** BigInt(asset.value.ledgerScale - asset.value.payableScale);
  const sources = await readSources(trx, {
    playerId: ask.playerId,
    asset: ask.asset,
    named: ask.instrumentId,
    except: null,
  });
  const term = await readFeeTerm(trx, ask.brand, instrument.kind, ask.asset);
  const used = term === null || term.freePerMonth === 0 ? 0 : await freeUsed(trx, ask, instrument.kind);
  const { fee, isWaived } = withdrawalFee(term, ask.amount, used, unit);
  const legs = planPayout({
    amount: ask.amount,
    fee,
    unit,
    namedInstrumentId: ask.instrumentId,
    namedTakesRest: instrument.kind !== 'e-wallet',
    sources,
  });
  if (!legs.ok) return legs;
  return succeed({
    fee,
    feeTerm: term === null ? null : `${term.brand} ${term.version}`,
    isFeeWaived: isWaived,
    freeLeft: term === null ? 0 : Math.max(0, term.freePerMonth - used),
    legs: legs.value,
  });
}

async function readFeeTerm(
  trx: Database | Trx,
  brand: string,
  method: string,
  asset: string,
): Promise<(FeeTerm & { readonly brand: string; readonly version: number }) | null> {
  const row = await trx
    .selectFrom('payments.withdrawalFeeTerm')
    .select(['brand', 'version', 'bps', 'fixed', 'freePerMonth'])
    .where('brand', 'in', [brand, '*'])
    .where('method', '=', method)
    .where('asset', '=', asset)
    .orderBy(sql`brand <> '*'`, 'desc')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : { ...row, fixed: BigInt(row.fixed) };
}

/** One that was refused or cancelled gives its free one back. Months are calendar months in UTC. */
async function freeUsed(trx: Database | Trx, ask: WithdrawalAsk, method: string): Promise<number> {
  const { used } = await trx
    .selectFrom('payments.withdrawal as w')
    .innerJoin('payments.instrument as i', 'i.id', 'w.instrumentId')
    .select(sql<number>`count(*)::int`.as('used'))
    .where('w.playerId', '=', ask.playerId)
    .where('w.brand', '=', ask.brand)
    .where('w.asset', '=', ask.asset)
    .where('i.kind', '=', method)
    .where('w.feeWaived', '=', true)
    .where('w.state', 'not in', ['refused', 'cancelled'])
    .where('w.requestedAt', '>=', sql<Date>`date_trunc('month', now() at time zone 'UTC') at time zone 'UTC'`)
    .executeTakeFirstOrThrow();
  return used;
}
