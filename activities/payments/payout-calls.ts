/**
 * The one call of a payout and the questions about it. A wallet is paid by giving back a part of the charge that it paid in
 * by: the same call as a refund's, under the payout's own reference.
 */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { isPayoutResolved, payoutStateOf } from '#domain/payments/payout-state.ts';
import { capturingAttempt } from './commands/request-refund.ts';
import type { PspConnector } from './connectors.ts';
import { moneyOf, mustDeposit, readEvidence, type PayoutAttemptRow } from './payment-rows.ts';

type Call = {
  send(connector: PspConnector): Promise<PspOutcome>;
  /** Never answers `not_sent`. */
  ask(connector: PspConnector): Promise<PspOutcome>;
};

/** @param ageMs since the call was claimed, by the database's clock */
export async function payoutCall(db: Database, row: PayoutAttemptRow, ageMs: number): Promise<Call> {
  const leg = await db
    .selectFrom('payments.withdrawal')
    .innerJoin('payments.withdrawalLeg as leg', 'leg.withdrawalId', 'payments.withdrawal.id')
    .innerJoin('payments.instrument', 'payments.instrument.id', 'leg.instrumentId')
    .select([
      'payments.withdrawal.playerId',
      'payments.withdrawal.asset',
      sql<string>`leg.amount - leg.fee`.as('amount'),
      'leg.depositId',
      'payments.instrument.token',
    ])
    .where('payments.withdrawal.id', '=', row.withdrawalId)
    .where('leg.leg', '=', row.leg)
    .executeTakeFirstOrThrow();
  const common = {
    reference: row.reference,
    money: moneyOf(leg),
    pspReference: row.pspReference,
    ageMs,
    isClosed: isPayoutResolved(payoutStateOf(row.state)),
    evidence: await readEvidence(db, row.psp, `withdrawal:${row.withdrawalId}`),
  };
  if (leg.depositId !== null) {
    const refund = { ...common, chargeReference: await mustCharge(db, leg.depositId) };
    return {
      send: (connector) => connector.refund(refund),
      ask: (connector) => connector.refundStatus(refund),
    };
  }
  const payout = {
    ...common,
    playerId: leg.playerId,
    token: row.token ?? leg.token,
    sentAt: row.sentAt ?? row.startedAt,
  };
  return {
    send: (connector) => connector.payout(payout),
    ask: (connector) => connector.payoutStatus(payout),
  };
}

/** Without the PSP's name of the charge nothing can be given back; a person has it then. */
async function mustCharge(db: Database, depositId: string): Promise<string> {
  const charge = await capturingAttempt(db, await mustDeposit(db, depositId));
  if (charge === null)
    throw new FailureError(
      fail('refund-not-open', 'The PSP has not named the charge of the wallet.').failure,
    );
  return charge;
}
