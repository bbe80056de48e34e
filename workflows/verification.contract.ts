/** How the outside talks to the verification workflow. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { VerificationState } from '#domain/kyc/review.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey } from './search-attributes.ts';

export type VerificationInput = {
  readonly verificationId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

export type VerificationView = {
  readonly verificationId: string;
  readonly state: VerificationState;
  readonly attempt: number;
  /** The vendor's hosted page, null when the player has nothing to do there. */
  readonly verifyUrl: string | null;
};

export type VerificationDecision = {
  readonly operatorId: string;
  readonly decision: 'approve' | 'refuse';
  readonly reason: string;
};

export const verificationWorkflowId = (verificationId: string) => `verification:${verificationId}` as const;

/** Makes the applicant at the vendor and answers with a fresh link; may be asked again at any time. */
export const begin = defineUpdate<VerificationView>('begin');
/** A person decides what is on hold. */
export const decideVerification = defineUpdate<VerificationView, [VerificationDecision]>(
  'decideVerification',
);
/** The vendor said that something changed: a poke without state. */
export const vendorNotified = defineSignal('vendorNotified');
export const getVerification = defineQuery<VerificationView>('getVerification');

/** Start options by contract: one workflow per row, for ever. */
export const verificationStart = (input: VerificationInput) => ({
  workflowId: verificationWorkflowId(input.verificationId),
  taskQueue: taskQueues.player,
  args: [input] as [VerificationInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
  ],
});
