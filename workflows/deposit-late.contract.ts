/** Looks after a charge that was closed as failed and that a PSP speaks of later, when the deposit's workflow is over. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey } from './search-attributes.ts';

export const depositLateWorkflowId = (depositId: string, attempt: number) =>
  `deposit-late:${depositId}:a${attempt}` as const;

export type DepositLateInput = {
  readonly depositId: string;
  readonly attempt: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

/** The PSP spoke again: the status is asked once more. */
export const depositLateNotified = defineSignal('depositLateNotified');

/**
 * Start options by contract: a notice while one runs is a signal to it. One that has ended may begin again, since what it
 * found is no promise of the PSP's; what was credited or given back is so once, whatever runs again.
 */
export const depositLateStart = (input: DepositLateInput) => ({
  workflowId: depositLateWorkflowId(input.depositId, input.attempt),
  taskQueue: taskQueues.money,
  args: [input] as [DepositLateInput],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
  ],
});
