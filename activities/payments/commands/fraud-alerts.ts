/** The first word about a fraud report makes its row; a person accepts it, which is a refund, or dismisses it. */
import { sql } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { fraudAlertTerm } from '#domain/payments/fraud-alert.ts';
import { isOwnMoney } from '../approver-standing.ts';
import { moveFraudAlert, settleFraudAlerts, type FraudAlertRow } from '../fraud-alert-steps.ts';
import { lockDeposit } from '../payment-rows.ts';
import { goneBack, requestRefund, type RefundRow } from './request-refund.ts';
import { openWorkItem } from './work-items.ts';

type BlindIndex = Pick<ActivityDeps['keyRing'], 'blindIndex'>;

/** What the workflow of a report is started with. */
export const fraudAlertInputOf = (row: FraudAlertRow) => ({
  alertId: row.id,
  psp: row.psp,
  pspReference: row.pspReference,
  reopened: row.reopened,
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
});

/** The report that a verified notice speaks of, made when it is new; null when its charge is not ours. */
export async function recordFraudAlert(
  db: Database,
  psp: string,
  alert: { readonly pspReference: string; readonly chargeReference: string },
): Promise<FraudAlertRow | null> {
  return db.transaction().execute(async (trx) => {
    const known = await findAlert(trx, psp, alert.pspReference);
    if (known !== null) return known;
    const charge = await trx
      .selectFrom('payments.attempt')
      .innerJoin('payments.deposit', 'payments.deposit.id', 'payments.attempt.depositId')
      .select([
        'payments.attempt.depositId',
        'payments.attempt.number',
        'payments.deposit.playerId',
        'payments.deposit.brand',
        'payments.deposit.jurisdiction',
      ])
      .where('payments.attempt.psp', '=', psp)
      .where('payments.attempt.pspReference', '=', alert.chargeReference)
      .executeTakeFirst();
    if (charge === undefined) return null;
    const { depositId, number: attempt, playerId, brand, jurisdiction } = charge;
    await lockDeposit(trx, depositId);
    const made = await trx
      .insertInto('payments.fraudAlert')
      .values({
        psp,
        ...alert,
        depositId,
        attempt,
        playerId,
        brand,
        jurisdiction,
        dueAt: sql<Date>`now() + make_interval(hours => ${fraudAlertTerm.answerWithinHours})`,
        dueReason: fraudAlertTerm.reason,
      })
      .onConflict((conflict) => conflict.columns(['psp', 'pspReference']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (made === undefined) return findAlert(trx, psp, alert.pspReference);
    await appendEvent(
      trx,
      {
        type: 'payments.fraud-alert.opened',
        version: 1,
        brand,
        playerId,
        payload: { alertId: made.id, depositId, psp },
      },
      { actor: { kind: 'system', id: 'webhook' }, subject: `fraud-alert:${made.id}` },
    );
    await openWorkItem(trx, {
      kind: 'fraud-alert',
      subject: `fraud-alert:${made.id}`,
      brand,
      reason: `${psp} passes on a report of fraud; refund or dismiss it by ${made.dueAt.toISOString()}`,
    });
    // The chargeback or the refund may have been faster than the report.
    await settleFraudAlerts(trx, depositId);
    return findAlert(trx, psp, alert.pspReference);
  });
}

export type FraudAlertDecision = {
  readonly alertId: string;
  readonly reason: string;
  readonly operatorId: string;
};

/**
 * Accepts a report: what the charge has left goes back as an ordinary refund, with its bands and its second person.
 * Failures: `not-found`, `fraud-alert-not-open`, `exceeds-captured` (nothing is left), those of `requestRefund`. A repeat
 * of the same refund id answers with the refund that it made.
 */
export async function acceptFraudAlert(
  trx: Trx,
  keyRing: BlindIndex,
  decision: FraudAlertDecision & {
    readonly refundId: string;
    readonly roles: readonly string[];
    readonly fingerprint: Buffer;
  },
): Promise<Result<RefundRow>> {
  const found = await lockAlert(trx, decision.alertId);
  if (found === null) return notFound;
  const { row, deposit } = found;
  const known = await trx
    .selectFrom('payments.refund')
    .selectAll()
    .where('id', '=', decision.refundId)
    .executeTakeFirst();
  if (known !== undefined)
    return known.fingerprint.equals(decision.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another refund.');
  if (row.state !== 'open') return fail('fraud-alert-not-open', `The report is ${row.state}.`);
  if (deposit.state !== 'captured' || (deposit.capturedAttempt ?? row.attempt) !== row.attempt)
    return fail('refund-not-open', 'The reported charge is not the one that was credited.');
  const left = BigInt(deposit.capturedAmount ?? deposit.amount) - (await goneBack(trx, deposit.id));
  if (left <= 0n) return fail('exceeds-captured', 'Nothing of the charge is left to refund.');
  const refund = await requestRefund(trx, keyRing, {
    ...decision,
    depositId: deposit.id,
    money: toMoneyText(left, deposit.asset),
  });
  if (!refund.ok) return refund;
  await moveFraudAlert(trx, row, 'refunding', {
    deed: deedOf(row, decision),
    decidedBy: decision.operatorId,
    reason: decision.reason,
    refundId: refund.value.id,
  });
  return refund;
}

/** Nothing is refunded. Failures: `not-found`, `own-approval`, `fraud-alert-not-open`. A repeat by the same person is answered with the row. */
export async function dismissFraudAlert(
  trx: Trx,
  keyRing: BlindIndex,
  { alertId, reason, operatorId }: FraudAlertDecision,
): Promise<Result<FraudAlertRow>> {
  const found = await lockAlert(trx, alertId);
  if (found === null) return notFound;
  const { row } = found;
  if (await isOwnMoney(trx, keyRing, row, operatorId))
    return fail('own-approval', 'Nobody dismisses a report about a deposit of his own.');
  if (row.state === 'dismissed' && row.decidedBy === operatorId && row.reason === reason) return succeed(row);
  if (row.state !== 'open') return fail('fraud-alert-not-open', `The report is ${row.state}.`);
  return succeed(
    await moveFraudAlert(trx, row, 'dismissed', {
      deed: deedOf(row, { reason, operatorId }),
      decidedBy: operatorId,
      reason,
    }),
  );
}

const deedOf = (row: FraudAlertRow, by: Pick<FraudAlertDecision, 'operatorId' | 'reason'>): Deed => ({
  actor: { kind: 'operator', id: by.operatorId },
  subject: `fraud-alert:${row.id}`,
  reason: by.reason,
});

const notFound = fail('not-found', 'There is no such fraud report.');

/** The deposit first, as refunds do. */
async function lockAlert(trx: Trx, alertId: string) {
  const named = await trx
    .selectFrom('payments.fraudAlert')
    .select('depositId')
    .where('id', '=', alertId)
    .executeTakeFirst();
  if (named === undefined) return null;
  const deposit = await lockDeposit(trx, named.depositId);
  const row = await trx
    .selectFrom('payments.fraudAlert')
    .selectAll()
    .where('id', '=', alertId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return { row, deposit };
}

async function findAlert(trx: Trx, psp: string, pspReference: string): Promise<FraudAlertRow | null> {
  const row = await trx
    .selectFrom('payments.fraudAlert')
    .selectAll()
    .where('psp', '=', psp)
    .where('pspReference', '=', pspReference)
    .executeTakeFirst();
  return row ?? null;
}
