/** What a test or a demo may order this vendor to do. */
import { z } from 'zod';
import { webhookFaults } from '../support/webhook-queue.ts';

export const kycScenario = z.strictObject({
  /** From the player's submission to the answer. */
  reviewMs: z.int().min(0).default(1500),
  /** How long a case on hold waits for its answer; null: until POST /_scenario/applicants/:id/review. */
  holdMs: z.int().min(0).nullable().default(null),
  /** Overrules the magic document numbers. */
  answer: z
    .enum(['by_document', 'GREEN', 'RED_RETRY', 'RED_FINAL', 'on_hold', 'never'])
    .default('by_document'),
  /** What a question about lists is answered with; `forged` is clear, signed by somebody else. */
  screening: z.enum(['clear', 'hit', 'slow', 'down', 'forged']).default('clear'),
  /** How long `slow` takes; longer than a caller waits. */
  screeningMs: z.int().min(0).default(8_000),
  /** The lists as they stand; a test moves them on. */
  listVersion: z.string().min(1).max(100).default('2026-11-25'),
  webhook: webhookFaults.prefault({}),
});
export type KycScenario = z.infer<typeof kycScenario>;

export const reviewOrder = z.strictObject({
  answer: z.enum(['GREEN', 'RED']),
  rejectType: z.enum(['FINAL', 'RETRY']).optional(),
  rejectLabels: z.array(z.string()).optional(),
  moderationComment: z.string().optional(),
  clientComment: z.string().optional(),
});
