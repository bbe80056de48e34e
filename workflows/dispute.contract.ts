/** How to start, steer and read the workflow of a dispute. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { DisputePlace } from '#domain/payments/dispute-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey, stageKey } from './search-attributes.ts';

export type DisputeInput = {
  readonly disputeId: string;
  readonly psp: string;
  readonly pspReference: string;
  /** 0 for the dispute itself; counted up when its PSP speaks of it after it had ended: a win is not final. */
  readonly reopened: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

export const disputeWorkflowId = ({
  psp,
  pspReference,
  reopened,
}: Pick<DisputeInput, 'psp' | 'pspReference' | 'reopened'>) =>
  reopened === 0
    ? (`dispute:${psp}:${pspReference}` as const)
    : (`dispute:${psp}:${pspReference}:r${reopened}` as const);

/** The row that an inbox row names as `dispute:{id}`; null for another subject. */
export const disputeIdOf = (subject: string): string | null =>
  /^dispute:([0-9a-f-]{36})$/.exec(subject)?.[1] ?? null;

export type DisputeView = DisputePlace & { readonly disputeId: string };

/** An operator's stored answer is to be sent; answers when it was, or after 15 s. Refused with `dispute-not-open`. */
export const answerDispute = defineUpdate<DisputeView, [{ readonly responseId: string }]>('answer');

/** A PSP said something about the dispute; it is asked, nothing is taken from the notice. */
export const disputeNotified = defineSignal('disputeNotified');

export const getDispute = defineQuery<DisputeView>('getDispute');

/** Start options by contract: one workflow per dispute of a PSP and reopening, for ever. */
export const disputeStart = (input: DisputeInput) => ({
  workflowId: disputeWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [DisputeInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
    { key: stageKey, value: 'noticed' },
  ],
});
