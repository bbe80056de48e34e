/** What the KYC vendor sends, read as hostile input: only the fields that we use, each bounded. */
import { z } from 'zod';
import type { VendorReview } from '#domain/kyc/review.ts';

const word = z.string().min(1).max(200);

const reviewSchema = z.object({
  reviewId: word.optional(),
  attemptId: word.optional(),
  attemptCnt: z.int().min(0).optional(),
  reviewDate: word.optional(),
  /** The level that the review is about. */
  levelName: word.optional(),
  reviewStatus: word,
  reviewResult: z
    .object({
      reviewAnswer: word.optional(),
      reviewRejectType: word.optional(),
      rejectLabels: z.array(word).max(100).optional(),
    })
    .optional(),
});

export const applicantSchema = z.object({
  id: word,
  externalUserId: word,
  review: reviewSchema.optional(),
});

export const applicantCreatedSchema = z.object({ id: word });

export const sdkLinkSchema = z.object({ token: z.string().min(1).max(4_000), url: z.url().max(4_000) });

/** An answer about lists. Of a match only its id and the kind of list are taken: no names. */
export const screeningSchema = z.object({
  requestId: word,
  applicantId: word,
  externalUserId: word,
  listVersion: word,
  answer: z.enum(['GREEN', 'RED']),
  hits: z.array(z.object({ id: word, list: word })).max(100),
});

export const vendorErrorSchema = z.object({ description: z.string().max(2_000) });

/** Our words for the vendor's review; an unknown status counts as under review, which decides nothing. */
export function fromVendorReview(review: z.infer<typeof reviewSchema> | undefined): VendorReview {
  const result = review?.reviewResult;
  return {
    status: statusOf(review?.reviewStatus ?? 'init'),
    ref: [review?.reviewId, review?.attemptId, review?.attemptCnt, review?.reviewDate]
      .map((part) => part ?? '')
      .join('/'),
    answer: result?.reviewAnswer === 'GREEN' || result?.reviewAnswer === 'RED' ? result.reviewAnswer : null,
    rejectType:
      result?.reviewRejectType === 'RETRY' || result?.reviewRejectType === 'FINAL'
        ? result.reviewRejectType
        : null,
    labels: result?.rejectLabels ?? [],
  };
}

function statusOf(text: string): VendorReview['status'] {
  switch (text) {
    case 'init':
    case 'awaitingUser':
      return 'waiting-for-player';
    case 'onHold':
      return 'on-hold';
    case 'completed':
      return 'completed';
    default:
      return 'under-review';
  }
}
