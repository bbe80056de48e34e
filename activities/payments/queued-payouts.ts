/**
 * Payouts that leave by a queue of ours, at the bank or on a chain. The queue's row and the end of the attempt exclude
 * each other in the database (0045); here what it refused becomes an answer.
 */
import type { PspOutcome } from '#domain/payments/outcome.ts';

const isRefusedBy = (error: unknown, constraint: string): boolean =>
  error instanceof Error && 'constraint' in error && error.constraint === constraint;

/** `not_sent` where the attempt was closed before its row could be queued: it was given up, and may be paid elsewhere. */
export async function queuedPayout(
  queue: () => Promise<unknown>,
  pspReference: string | null,
): Promise<PspOutcome> {
  try {
    await queue();
    return { kind: 'pending', pspReference };
  } catch (error) {
    if (!isRefusedBy(error, 'payout_open_when_queued')) throw error;
    return { kind: 'not_sent', reason: 'closed before it was queued' };
  }
}

/**
 * What is recorded of an answer that its queue has overtaken: nothing. A payout that was not found was queued before the
 * answer arrived, one that was found paid has come back from the bank.
 */
export async function unlessOvertaken<T>(
  record: () => Promise<T>,
  recordUnknown: () => Promise<T>,
): Promise<T> {
  try {
    return await record();
  } catch (error) {
    if (
      !isRefusedBy(error, 'payout_unqueued_when_not_sent') &&
      !isRefusedBy(error, 'payout_not_returned_when_paid')
    )
      throw error;
    return recordUnknown();
  }
}
