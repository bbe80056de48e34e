/** What a vendor's review means for a verification: a pure decision, called with what was fetched from the vendor. */
import { assertNever, fail, succeed, type Result } from '../failures.ts';
import { rejectReasonsOf, type RejectReason } from './reject-labels.ts';

export const attemptsMax = 3;

/** From opening to expiry while the player does nothing. */
export const verificationDaysMax = 14;

export const reminderAfterDays = 3;

export type VerificationState = 'opened' | 'pending' | 'on-hold' | 'approved' | 'refused' | 'expired';

export type HoldReason = 'vendor' | 'attempts';

export type VendorReview = {
  readonly status: 'waiting-for-player' | 'under-review' | 'on-hold' | 'completed';
  /** Differs between two reviews of one applicant. */
  readonly ref: string;
  readonly answer: 'GREEN' | 'RED' | null;
  readonly rejectType: 'RETRY' | 'FINAL' | null;
  /** In the vendor's words. */
  readonly labels: readonly string[];
};

export type VerificationFacts = {
  readonly state: VerificationState;
  readonly attempt: number;
  readonly holdReason: HoldReason | null;
  /** Reference of the review that was acted on last. */
  readonly lastReviewRef: string | null;
};

export type ReviewStep =
  | { readonly to: 'unchanged' }
  | { readonly to: 'pending' }
  | { readonly to: 'on-hold'; readonly reason: HoldReason; readonly labels: readonly RejectReason[] }
  | { readonly to: 'approved' }
  | { readonly to: 'opened'; readonly attempt: number; readonly labels: readonly RejectReason[] }
  | { readonly to: 'refused'; readonly labels: readonly RejectReason[] };

const unchanged: ReviewStep = { to: 'unchanged' };

export const isVerificationOver = (state: VerificationState): boolean =>
  state === 'approved' || state === 'refused' || state === 'expired';

/** The step that a fetched review leads to. Asking again with the same review never changes anything twice. */
export function stepOnReview(facts: VerificationFacts, review: VendorReview): ReviewStep {
  if (isVerificationOver(facts.state)) return unchanged;
  // After the last attempt only a person decides, whatever the vendor says next.
  if (facts.state === 'on-hold' && facts.holdReason === 'attempts') return unchanged;
  switch (review.status) {
    case 'waiting-for-player':
      return unchanged;
    case 'under-review':
      return facts.state === 'opened' ? { to: 'pending' } : unchanged;
    case 'on-hold':
      return facts.state === 'on-hold' ? unchanged : { to: 'on-hold', reason: 'vendor', labels: [] };
    case 'completed':
      return review.ref === facts.lastReviewRef ? unchanged : stepOnAnswer(facts, review);
    default:
      return assertNever(review.status);
  }
}

function stepOnAnswer(facts: VerificationFacts, review: VendorReview): ReviewStep {
  if (review.answer === 'GREEN') return { to: 'approved' };
  const labels = rejectReasonsOf(review.labels);
  if (review.answer === 'RED' && review.rejectType === 'FINAL') return { to: 'refused', labels };
  if (review.answer === 'RED' && review.rejectType === 'RETRY') {
    return facts.attempt < attemptsMax
      ? { to: 'opened', attempt: facts.attempt + 1, labels }
      : { to: 'on-hold', reason: 'attempts', labels };
  }
  // Completed without a readable answer: nobody is approved or refused by a guess.
  return facts.state === 'on-hold' ? unchanged : { to: 'on-hold', reason: 'vendor', labels };
}

/** A person decides only what waits for a person; failure `verification-not-open`. */
export const checkDecidable = (state: VerificationState): Result<void> =>
  state === 'on-hold'
    ? succeed(undefined)
    : fail('verification-not-open', `The verification is ${state}; only one on hold is decided by hand.`);
