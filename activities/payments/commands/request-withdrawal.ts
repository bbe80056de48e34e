/** Takes a withdrawal in: the row, its fee and legs, and the hold on the player's money, in one transaction. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import { refuseWhileStopped } from '#activities/wallet/audit/withdrawal-stop.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { assets } from '#domain/assets.ts';
import { fail, FailureError, orThrow, type Failure, type Result } from '#domain/failures.ts';
import { levelSatisfies } from '#domain/kyc/levels.ts';
import { parsePayable, toMinorUnits, toMoneyText, type MoneyText } from '#domain/money.ts';
import { approvedContent } from '#domain/payments/withdrawal-decision.ts';
import { toFailure, type Refusal } from '#domain/payments/uses.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { planWithdrawal } from './quote-withdrawal.ts';
import type { WithdrawalRow } from '../payment-rows.ts';
import { countWithdrawal } from '../withdrawal-limits.ts';
import { cardMinorUnitsMax, refusable, type PaymentOrigin } from './request-deposit.ts';
import { refuseRestingAddress } from './crypto-addresses.ts';

export type WithdrawalRequest = {
  /** Made from the player and the idempotency key. */
  readonly withdrawalId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly money: MoneyText;
  readonly instrumentId: string;
  readonly fingerprint: Buffer;
  readonly origin?: PaymentOrigin;
};

/**
 * Inserts the withdrawal and holds its amount, or finds the one that the key made before. Failures:
 * `withdrawals-stopped`, `idempotency-key-reused`, those of `parsePayable`, `payment-method-unavailable`, `identity-not-verified`,
 * `withdrawal-pending-wagering`, `address-resting`, those of `judgePayment` and `planWithdrawal`, `payment-limit-exceeded`,
 * `wallet-not-found`, `insufficient-funds`.
 */
export async function requestWithdrawal(
  db: Database,
  request: WithdrawalRequest,
): Promise<Result<WithdrawalRow>> {
  const amount = parsePayable(request.money);
  if (!amount.ok) return amount;
  // Wei are no cents: what a chain may move at once is the signer's own rule.
  const isFiat = assets.get(request.money.asset)?.kind === 'fiat';
  if (isFiat && toMinorUnits(amount.value, request.money.asset) > cardMinorUnitsMax) {
    return fail('amount-too-large', 'The amount is beyond what one card payout may move.');
  }
  const rules = await currentPaymentRules(db, request.brand);
  let refusal = null as Refusal | null;
  const requested = await refusable(db, async (trx) => {
    const known = await findWithdrawal(trx, request);
    if (known !== null) return known;
    await refuseWhileStopped(trx);
    // One at a time: a plan that does not see another's legs would pay a deposit back twice.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`withdrawals:${request.playerId}`}, 0))`.execute(
      trx,
    );
    const { jurisdiction, version, cancellable } = await admitWithdrawal(trx, request);
    await refuseRestingAddress(trx, request.instrumentId);
    await lockCharges(trx, request);
    const plan = orThrow(
      await planWithdrawal(trx, { ...request, asset: request.money.asset, amount: amount.value }),
    );
    const inserted = await trx
      .insertInto('payments.withdrawal')
      .values({
        id: request.withdrawalId,
        playerId: request.playerId,
        brand: request.brand,
        jurisdiction,
        jurisdictionVersion: version,
        asset: request.money.asset,
        amount: amount.value.toString(),
        instrumentId: request.instrumentId,
        cancellable,
        fee: plan.fee.toString(),
        feeTerm: plan.feeTerm,
        feeWaived: plan.isFeeWaived,
        fingerprint: request.fingerprint,
        payloadHash: hashOf({
          id: request.withdrawalId,
          playerId: request.playerId,
          asset: request.money.asset,
          amount: amount.value,
          instrumentId: request.instrumentId,
          legs: plan.legs,
        }),
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (inserted === undefined) return (await findWithdrawal(trx, request)) ?? refuseRace();
    const { sessionId = null, ip = null } = request.origin ?? {};
    const { asset } = request.money;
    refusal = await countWithdrawal(trx, rules, {
      ...request,
      jurisdiction,
      asset,
      amount: amount.value,
      sessionId,
      ip,
    });
    if (refusal !== null) throw new FailureError(toFailure(refusal));
    await trx
      .insertInto('payments.withdrawalLeg')
      .values(
        plan.legs.map(({ leg, instrumentId, depositId, amount: share, fee }) => ({
          withdrawalId: request.withdrawalId,
          leg,
          instrumentId,
          depositId,
          amount: share.toString(),
          fee: fee.toString(),
        })),
      )
      .execute();
    orThrow(
      await postTransfer(trx, {
        key: `withdrawal:${request.withdrawalId}:reserve`,
        playerId: request.playerId,
        asset: request.money.asset,
        amount: amount.value,
        subject: `withdrawal:${request.withdrawalId}`,
        transfer: { code: 'withdrawal.reserve' },
      }),
    );
    await appendEvent(
      trx,
      {
        type: 'payments.withdrawal.requested',
        version: 1,
        brand: request.brand,
        playerId: request.playerId,
        payload: {
          withdrawalId: request.withdrawalId,
          money: toMoneyText(amount.value, request.money.asset),
        },
      },
      { actor: { kind: 'player', id: request.playerId }, subject: `withdrawal:${request.withdrawalId}` },
    );
    return inserted;
  });
  if (refusal !== null) await recordRefusal(db, request, amount.value, refusal);
  return requested;
}

const recordRefusal = (
  db: Database,
  { withdrawalId, playerId, brand, money }: WithdrawalRequest,
  amount: bigint,
  { code, by }: Refusal,
): Promise<void> =>
  db.transaction().execute((trx) =>
    appendEvent(
      trx,
      {
        type: 'payments.withdrawal.turned-away',
        version: 1,
        brand,
        playerId,
        payload: { withdrawalId, money: toMoneyText(amount, money.asset), code, by },
      },
      { actor: { kind: 'player', id: playerId }, subject: `withdrawal:${withdrawalId}` },
    ),
  );

/** A refund of one of them must not come between the plan and its legs. */
const lockCharges = (trx: Trx, { playerId, money }: WithdrawalRequest) =>
  trx
    .selectFrom('payments.deposit')
    .select('id')
    .where('playerId', '=', playerId)
    .where('asset', '=', money.asset)
    .where('method', '=', 'e-wallet')
    .where('state', '=', 'captured')
    .orderBy('id')
    .forUpdate()
    .execute();

const hashOf = (content: Parameters<typeof approvedContent>[0]): Buffer =>
  createHash('sha256').update(approvedContent(content)).digest();

async function findWithdrawal(trx: Trx, request: WithdrawalRequest): Promise<WithdrawalRow | null> {
  const row = await trx
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('id', '=', request.withdrawalId)
    .executeTakeFirst();
  if (row === undefined) return null;
  if (!row.fingerprint.equals(request.fingerprint)) {
    throw refusal(fail('idempotency-key-reused', 'This key was used for another withdrawal.'));
  }
  return row;
}

async function admitWithdrawal(
  trx: Trx,
  request: WithdrawalRequest,
): Promise<{ jurisdiction: string; version: number; cancellable: boolean }> {
  const player = await trx
    .selectFrom('pam.player')
    .select(['jurisdiction', 'status'])
    .where('id', '=', request.playerId)
    .where('brand', '=', request.brand)
    .executeTakeFirst();
  if (player === undefined) throw refusal(fail('not-found', 'There is no such player.'));
  if (player.status === 'locked') throw refusal(fail('player-blocked', 'The account is locked.'));
  const { jurisdiction, version, profile } = orThrow(await currentProfile(trx, player.jurisdiction));
  if (!levelSatisfies(await readKycLevel(trx, request.playerId), profile.withdrawalKycLevel)) {
    throw refusal(
      fail('identity-not-verified', `A withdrawal needs the identity level ${profile.withdrawalKycLevel}.`),
    );
  }
  if (await hasPendingWagering(trx, request.playerId, request.money.asset)) {
    throw refusal(fail('withdrawal-pending-wagering', 'An active award still has wagering left.'));
  }
  return { jurisdiction, version, cancellable: profile.withdrawalCancellable };
}

/** True while an award is active whose wagering is not done. */
export async function hasPendingWagering(
  trx: Database | Trx,
  playerId: string,
  asset: string,
): Promise<boolean> {
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select(['awardId', 'awardWageringLeft'])
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .executeTakeFirst();
  return wallet?.awardId != null && BigInt(wallet.awardWageringLeft ?? '0') > 0n;
}

const refusal = ({ failure }: { failure: Failure }): FailureError => new FailureError(failure);

const refuseRace = (): never => {
  throw refusal(
    fail('dependency-unavailable', 'The same request is still being written; repeat it.', { retryAfterS: 1 }),
  );
};
