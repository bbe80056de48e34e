/** Which answer a submitted document gets: the last four digits of its number decide. */
import type { ReviewResult } from './applicant-book.ts';
import type { KycScenario } from './kyc-scenario.schema.ts';

export type ReviewDecision = ReviewResult | 'on_hold' | 'never';

export const approved: ReviewResult = { reviewAnswer: 'GREEN' };

const retry: ReviewResult = {
  reviewAnswer: 'RED',
  reviewRejectType: 'RETRY',
  rejectLabels: ['UNSATISFACTORY_PHOTOS', 'BAD_PROOF_OF_IDENTITY'],
  moderationComment: 'The photo of your document is blurred. Please take a new one in good light.',
  clientComment: 'Low sharpness score on both images.',
};

const final: ReviewResult = {
  reviewAnswer: 'RED',
  reviewRejectType: 'FINAL',
  rejectLabels: ['FORGERY'],
  moderationComment: 'We could not verify your identity.',
  clientComment: 'Template mismatch: the document appears to be altered.',
};

export function reviewDecision(documentNumber: string, answer: KycScenario['answer']): ReviewDecision {
  switch (answer) {
    case 'GREEN':
      return approved;
    case 'RED_RETRY':
      return retry;
    case 'RED_FINAL':
      return final;
    case 'on_hold':
    case 'never':
      return answer;
    case 'by_document':
  }
  if (documentNumber.endsWith('0000')) return final;
  if (documentNumber.endsWith('1111')) return retry;
  if (documentNumber.endsWith('2222')) return 'on_hold';
  return approved;
}
