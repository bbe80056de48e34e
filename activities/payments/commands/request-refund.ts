/** Takes an operator's wish for a refund in: a row that fits its deposit. Nothing moves before its workflow runs. */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsRefund } from '#db/schema.generated.ts';
import { refundNeedsApproval } from '#domain/backoffice/roles.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { parsePayable, toMoneyText, type MoneyText } from '#domain/money.ts';
import { refundReference } from '#domain/payments/reference.ts';
import { refundContent } from '#domain/payments/refund-state.ts';
import { isOwnMoney } from '../approver-standing.ts';
import { lockDeposit, moneyOf, type DepositRow } from '../payment-rows.ts';

export type RefundRow = Selectable<PaymentsRefund>;

/** What the workflow of a refund is started with; `reopened` counts the runs after its end. */
export const refundInputOf = (row: RefundRow, reopened: number) => ({
  refundId: row.id,
  reopened,
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
  money: moneyOf(row),
});

export type RefundRequest = {
  /** Made from the operator and the idempotency key. */
  readonly refundId: string;
  readonly depositId: string;
  readonly money: MoneyText;
  readonly reason: string;
  readonly operatorId: string;
  /** The roles held at this moment: above their band another person decides. */
  readonly roles: readonly string[];
  readonly fingerprint: Buffer;
};

/**
 * Inserts the refund, or finds the one that the key made before. Failures: `not-found`, `idempotency-key-reused`, those
 * of `parsePayable`, `own-approval` (a refund to oneself), `refund-not-open` (the deposit was not captured, or is of
 * another asset), `refund-unsupported` (no PSP can send it back the way it came), `exceeds-captured`.
 */
export async function requestRefund(
  trx: Trx,
  keyRing: Pick<ActivityDeps['keyRing'], 'blindIndex'>,
  request: RefundRequest,
): Promise<Result<RefundRow>> {
  const amount = parsePayable(request.money);
  if (!amount.ok) return amount;
  const deposit = await lockDeposit(trx, request.depositId);
  const known = await findRefund(trx, request.refundId);
  if (known !== null) {
    return known.fingerprint.equals(request.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another refund.');
  }
  if (await isOwnMoney(trx, keyRing, deposit, request.operatorId))
    return fail('own-approval', 'Nobody refunds a deposit of his own.');
  // Nothing of ours sends such money back to where it came from: a withdrawal to the account or address does.
  if (deposit.method === 'bank-transfer' || deposit.method === 'crypto')
    return fail(
      'refund-unsupported',
      `A deposit by ${deposit.method} is not refunded: the player withdraws it.`,
    );
  if (deposit.state !== 'captured' || deposit.capturedPsp === null)
    return fail('refund-not-open', `The deposit is ${deposit.state}: there is nothing to refund.`);
  if (deposit.asset !== request.money.asset)
    return fail('refund-not-open', `The deposit was made in ${deposit.asset}.`);
  if ((await goneBack(trx, deposit.id)) + amount.value > BigInt(deposit.capturedAmount ?? deposit.amount))
    return fail('exceeds-captured', 'More would go back than the deposit brought.');
  const charge = await capturingAttempt(trx, deposit);
  if (charge === null) return fail('refund-not-open', 'The PSP has not named the charge of this deposit.');
  const { refundId: id, reason, operatorId } = request;
  const row = await trx
    .insertInto('payments.refund')
    .values({
      id,
      depositId: deposit.id,
      playerId: deposit.playerId,
      brand: deposit.brand,
      jurisdiction: deposit.jurisdiction,
      asset: deposit.asset,
      amount: amount.value.toString(),
      psp: deposit.capturedPsp,
      reference: refundReference(id),
      chargeReference: charge,
      reason,
      requestedBy: operatorId,
      fingerprint: request.fingerprint,
      payloadHash: createHash('sha256')
        .update(
          refundContent({
            id,
            depositId: deposit.id,
            playerId: deposit.playerId,
            asset: deposit.asset,
            amount: amount.value,
            reason,
          }),
        )
        .digest(),
      needsApproval: refundNeedsApproval(request.roles, deposit.asset, amount.value),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'payments.refund.requested',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        refundId: id,
        depositId: deposit.id,
        money: toMoneyText(amount.value, row.asset),
        needsApproval: row.needsApproval,
      },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `refund:${id}`, reason },
  );
  return succeed(row);
}

async function findRefund(trx: Trx, refundId: string): Promise<RefundRow | null> {
  const row = await trx
    .selectFrom('payments.refund')
    .selectAll()
    .where('id', '=', refundId)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * Refunds that are asked for or done, legs of withdrawals that go back by the charge, and chargebacks that were not won:
 * what of a capture is spoken for.
 */
export async function goneBack(trx: Trx, depositId: string): Promise<bigint> {
  const refunds = await trx
    .selectFrom('payments.refund')
    .select('amount')
    .where('depositId', '=', depositId)
    .where('secondCharge', 'is', null)
    .where('state', 'not in', ['refused', 'returned'])
    .execute();
  const chargebacks = await trx
    .selectFrom('wallet.journal as opened')
    .innerJoin('wallet.journal as capture', 'capture.id', 'opened.answers')
    .select('opened.amount')
    .where('capture.integration', '=', 'pitboss')
    .where('capture.externalId', '=', `deposit:${depositId}:capture`)
    .where('opened.code', '=', 'chargeback.open')
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('wallet.journal as won')
            .select('won.id')
            .whereRef('won.reverses', '=', 'opened.id'),
        ),
      ),
    )
    .execute();
  const legs = await trx
    .selectFrom('payments.withdrawalLeg')
    .select(sql<string>`amount - fee`.as('amount'))
    .where('depositId', '=', depositId)
    .where('state', 'in', ['planned', 'paid'])
    .execute();
  return [...refunds, ...legs, ...chargebacks].reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}

/** The PSP's name of the charge that was credited. */
export async function capturingAttempt(trx: Database | Trx, deposit: DepositRow): Promise<string | null> {
  const attempt = await trx
    .selectFrom('payments.attempt')
    .select('pspReference')
    .where('depositId', '=', deposit.id)
    .where('psp', '=', deposit.capturedPsp ?? '')
    .$if(deposit.capturedAttempt !== null, (query) =>
      query.where('number', '=', deposit.capturedAttempt ?? 0),
    )
    .where('state', 'in', ['approved', 'late_approved'])
    .orderBy('number')
    .limit(1)
    .executeTakeFirst();
  return attempt?.pspReference ?? null;
}
