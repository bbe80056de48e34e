/** A player says that a bank transfer will come: a deposit that waits, and the reference to write into the transfer. */
import { createHash } from 'node:crypto';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { reserveDepositLimit } from '#activities/responsible-gambling/commands/deposit-limit.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { parsePayable, toMoneyText, type MoneyText } from '#domain/money.ts';
import { creditorReference, ownBodyLength } from '#domain/payments/sepa/creditor-reference.ts';
import { toFailure } from '#domain/payments/uses.ts';
import { judgeEligibility } from '../decide-eligibility.ts';
import { judgePayment } from '../judge-payment.ts';
import { readPayer } from '../payer-facts.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { recordDecisions } from '../record-decisions.ts';
import { currentDepositRules } from '../routing-rules.ts';
import { takeUses } from '../payment-uses.ts';
import { admitPlayer } from '../admission.ts';
import { refusable, type PaymentOrigin } from './request-deposit.ts';
import { openWorkItem } from './work-items.ts';

export type TransferAnnouncement = {
  /** Made from the player and the idempotency key. */
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
  readonly fingerprint: Buffer;
  readonly origin?: PaymentOrigin;
};

/**
 * Failures: those of `parsePayable`, `unsupported-asset` (SEPA carries euros), the rules of a deposit, those of
 * `judgePayment`, `payment-limit-exceeded`, the deposit limit's, `idempotency-key-reused`. The limit is taken now, because an incoming transfer cannot be refused.
 */
export async function announceTransfer(
  db: Database,
  request: TransferAnnouncement,
): Promise<Result<{ readonly reference: string }>> {
  const amount = parsePayable(request.money);
  if (!amount.ok) return amount;
  if (request.money.asset !== 'EUR') return fail('unsupported-asset', 'Bank transfers are in EUR.');
  const reference = referenceOf(request.depositId);
  const known = await db
    .selectFrom('payments.deposit')
    .select('fingerprint')
    .where('id', '=', request.depositId)
    .executeTakeFirst();
  if (known !== undefined) {
    return known.fingerprint.equals(request.fingerprint)
      ? succeed({ reference })
      : fail('idempotency-key-reused', 'This key was used for another deposit.');
  }
  const admitted = await admitPlayer(db, request);
  if (!admitted.ok) return admitted;
  const { profile, version, kycLevel } = admitted.value;
  const { sessionId = null, ip = null } = request.origin ?? {};
  const { playerId } = request;
  const [rules, { eligibility }, payer] = await Promise.all([
    currentPaymentRules(db, request.brand),
    currentDepositRules(db, request.brand),
    readPayer(db, { playerId, sessionId, ip, tokens: [] }),
  ]);
  const payment = { flow: 'deposit', method: 'bank-transfer', asset: 'EUR', amount: amount.value } as const;
  const asked = { ...request, ...payment, ip, kycLevel, age: null };
  const { refusal: closed, decision } = judgeEligibility(eligibility, asked, payer, null);
  const judged = judgePayment(rules, payer, asked, closed);
  const about = { paymentId: request.depositId, playerId, brand: request.brand };
  const keepDecision = (trx: Trx) =>
    recordDecisions(trx, about, { eligibility: decision, route: null, threeDs: null });
  if (judged.refusal !== null) {
    if (closed !== null) await db.transaction().execute(keepDecision);
    return { ok: false, failure: toFailure(judged.refusal) };
  }
  return refusable(db, async (trx) => {
    const inserted = await trx
      .insertInto('payments.deposit')
      .values({
        id: request.depositId,
        playerId: request.playerId,
        brand: request.brand,
        jurisdiction: request.jurisdiction,
        jurisdictionVersion: version,
        method: 'bank-transfer',
        asset: request.money.asset,
        amount: amount.value.toString(),
        options: '[]',
        routeVersion: 0,
        returnUrl: '',
        fingerprint: request.fingerprint,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (inserted === undefined)
      throw new FailureError(
        fail('dependency-unavailable', 'The same request is being written; repeat it.').failure,
      );
    await keepDecision(trx);
    orThrow(
      await reserveDepositLimit(trx, {
        playerId: request.playerId,
        asset: request.money.asset,
        amount: amount.value,
        depositId: request.depositId,
        isLimitRequired: profile.depositLimitRequiredBeforeFirstDeposit,
      }),
    );
    await trx
      .insertInto('payments.payInReference')
      .values({ reference, depositId: request.depositId })
      .execute();
    await appendEvent(
      trx,
      {
        type: 'payments.deposit.requested',
        version: 1,
        brand: request.brand,
        playerId: request.playerId,
        payload: {
          depositId: request.depositId,
          money: toMoneyText(amount.value, request.money.asset),
        },
      },
      { actor: { kind: 'player', id: request.playerId }, subject: `deposit:${request.depositId}` },
    );
    if (judged.isGrey)
      await openWorkItem(trx, {
        kind: 'listed-deposit',
        subject: `deposit:${request.depositId}`,
        brand: request.brand,
        reason: 'an entry of the grey list matches',
      });
    const counted = { ...payment, ...judged.payer, payment: `deposit:${request.depositId}`, number: 1 };
    const refusal = await takeUses(trx, { ...counted, psp: null, tokens: [] }, judged.guards);
    if (refusal !== null) throw new FailureError(toFailure(refusal));
    return { reference };
  });
}

/** 16 characters of base 36 from the deposit's id: 80 bits, and nothing about the player. */
function referenceOf(depositId: string): string {
  const digest = createHash('sha256').update(depositId).digest('hex').slice(0, 24);
  return creditorReference(
    BigInt(`0x${digest}`).toString(36).toUpperCase().padStart(19, '0').slice(-ownBodyLength),
  );
}
