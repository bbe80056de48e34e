/** Looks after a charge that was closed as failed and that a PSP speaks of later, when the deposit's workflow is over. */
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

/** Start options by contract: a second notice finds the first one's workflow. */
export const depositLateStart = (input: DepositLateInput) => ({
  workflowId: depositLateWorkflowId(input.depositId, input.attempt),
  taskQueue: taskQueues.money,
  args: [input] as [DepositLateInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
  ],
});
