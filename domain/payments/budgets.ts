/** How long a payment is chased, in one place. */

/** A challenge that nobody finished after this is cancelled at the PSP. */
export const actionDeadlineMs = 20 * 60_000;

/** An unknown outcome is asked about this long before a person is told. */
export const unknownBudgetMs = 24 * 3_600_000;

/**
 * A charge of which the PSP shows no trace for this long is shown to a person, though questions go on: some PSPs can
 * never prove that a lost request was lost. Stripe's longest processing time is as long, so its proof comes first.
 */
export const untracedBudgetMs = 15 * 60_000;

/** After parking, the questions go on: a late success is credited, not dropped. */
export const parkedBudgetMs = 30 * 24 * 3_600_000;

/** How long in all a PSP is asked what became of a call. */
export const outcomeBudgetMs = unknownBudgetMs + parkedBudgetMs;

/** A workflow that was started while its deposit was being written waits this long for the row. */
export const writtenWithinMs = 3_000;
/** An announced transfer that has not come by then is given up; banks need a week at the most. */
export const transferExpiryDays = 14;

/** How long the API waits for an end before it answers "processing". */
export const answerWithinMs = 15_000;

/** Payouts settle in days; a question a minute would only be noise. */
export const payoutPollMsMax = 30 * 60_000;

/**
 * An authorisation is given up this long after it was made. Source: Stripe, "Place a hold on a payment method", edition of
 * 2026: five days for Visa, the shortest of the networks; one day is left for the void.
 */
export const authorisationMs = 4 * 24 * 3_600_000;

/** How often a hold is looked at that is over and not yet ended. */
export const overduePauseMs = 3_600_000;

/** Refunds settle in days, and their PSPs tell by webhook when they do. */
export const refundPollMsMax = 6 * 3_600_000;

/** A payout that provably never left is offered again this often before a person is told. */
export const payoutAttemptsMax = 8;

/** Pause before the n-th status question (n from 0): 1 s doubling up to `maxMs`. */
export const pollPauseMs = (n: number, maxMs: number): number =>
  Math.min(maxMs, 1_000 * 2 ** Math.min(n, 20));
