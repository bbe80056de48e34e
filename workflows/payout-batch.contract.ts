/** The public face of the `payoutBatch` workflow: one file of payouts to the bank. */
import { taskQueues } from '#domain/task-queues.ts';
import { stageKey } from './search-attributes.ts';

export type PayoutBatchInput = { readonly batchId: string };

export const payoutBatchWorkflowId = (batchId: string) => `payout-batch:${batchId}` as const;

/** Start options by contract: one workflow per file, for ever. */
export const payoutBatchStart = (input: PayoutBatchInput) => ({
  workflowId: payoutBatchWorkflowId(input.batchId),
  taskQueue: taskQueues.batch,
  args: [input] as [PayoutBatchInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [{ key: stageKey, value: 'sealing' }],
});
