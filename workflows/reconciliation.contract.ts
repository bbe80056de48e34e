/** How to start the reconciliation of one PSP and day. */
import { taskQueues } from '#domain/task-queues.ts';
import { stageKey } from './search-attributes.ts';

export type ReconciliationInput = {
  readonly psp: string;
  /** UTC day, `2026-11-25`. */
  readonly day: string;
  /** 0 for the day's own run; for another one the time in milliseconds at which it was asked for, or was due. */
  readonly asked: number;
};

export const reconciliationWorkflowId = ({ psp, day, asked }: ReconciliationInput) =>
  asked === 0
    ? (`reconciliation:${psp}:${day}` as const)
    : (`reconciliation:${psp}:${day}:r${asked}` as const);

/** Start options by contract: one run per PSP, day and time, for ever; the rows know what was done before. */
export const reconciliationStart = (input: ReconciliationInput) => ({
  workflowId: reconciliationWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [ReconciliationInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [{ key: stageKey, value: 'fetching' }],
});
