/**
 * Bank transfers as a connector, so that a withdrawal to an account runs as any other: a payout joins the queue for the
 * next file, and its status is what the bank's reports have said. Charging an account is not possible.
 */
import type { Database } from '#db/connect.ts';
import { fail, orThrow } from '#domain/failures.ts';
import { toMoneyText, toUnits } from '#domain/money.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { parseReference } from '#domain/payments/reference.ts';
import { endToEndIdOf } from '#domain/payments/sepa/end-to-end-id.ts';
import { sepaPsp } from '../commands/bank-accounts.ts';
import type { PspConnector } from '../connectors.ts';
import { queuedPayout } from '../queued-payouts.ts';

const impossible = (): Promise<{ readonly kind: 'not_sent'; readonly reason: string }> =>
  Promise.resolve({ kind: 'not_sent', reason: 'an account cannot be charged' });

export function createSepaConnector(db: Database): PspConnector {
  return {
    name: sepaPsp,
    capabilities: { idempotencyWindowHours: 24 * 365, statusBy: 'query', processingMsMax: null },
    webhookAnswer: 'ok',
    authorise: impossible,
    continueAfterAction: () => Promise.resolve({ kind: 'not_found', authoritative: false }),
    status: () => Promise.resolve({ kind: 'not_found', authoritative: false }),
    cancel: () => Promise.resolve({ kind: 'not_found', authoritative: false }),
    refund: impossible,
    refundStatus: () => Promise.resolve({ kind: 'not_found', authoritative: true }),
    /** One row per reference: asked again, it changes nothing. */
    async payout(order) {
      const endToEndId = endToEndIdOf(order.reference);
      const subject = parseReference(order.reference);
      if (order.money.asset !== 'EUR' || subject === null)
        return { kind: 'not_sent', reason: 'SEPA carries euros only' };
      const row = {
        reference: order.reference,
        withdrawalId: subject.id,
        endToEndId,
        amount: orThrow(toUnits(order.money)).toString(),
      };
      const queue = db
        .insertInto('payments.bankTransfer')
        .values(row)
        .onConflict((conflict) => conflict.column('reference').doNothing());
      return queuedPayout(() => queue.execute(), endToEndId);
    },
    async payoutStatus(order) {
      const row = await db
        .selectFrom('payments.bankTransfer')
        .select(['endToEndId', 'amount', 'state', 'reason', 'bookedAt'])
        .where('reference', '=', order.reference)
        .executeTakeFirst();
      // Our own table: what is not there is not queued, and cannot be once the attempt is closed on this answer.
      return row === undefined ? { kind: 'not_found', authoritative: true } : outcomeOf(row);
    },
    verifyWebhook: () => fail('invalid-signature', 'The bank sends no webhooks.'),
  };
}

function outcomeOf(row: {
  readonly endToEndId: string;
  readonly amount: string;
  readonly state: string;
  readonly reason: string | null;
}): PspOutcome {
  switch (row.state) {
    case 'booked':
      return {
        kind: 'approved',
        pspReference: row.endToEndId,
        processed: toMoneyText(BigInt(row.amount), 'EUR'),
        instrument: null,
      };
    // Returned before we ever booked it as paid: for the player it never left.
    case 'returned':
    case 'rejected':
      return {
        kind: 'declined',
        pspReference: row.endToEndId,
        declineClass: 'fix_data',
        rawCode: row.reason ?? 'unspecified',
        networkCode: null,
      };
    default:
      return { kind: 'pending', pspReference: row.endToEndId };
  }
}
