/** The public face of the `payoutBatch` workflow: one file of payouts to the bank. */
import { taskQueues } from '#domain/task-queues.ts';
import { stageKey } from './search-attributes.ts';

export type PayoutBatchInput = { readonly batchId: string };

export const payoutBatchWorkflowId = (batchId: string) => `payout-batch:${batchId}` as const;

/**
 * Start options by contract. A run that an error has ended is begun anew, or the payouts of its file, and all behind them,
 * would wait for ever: that a file is sealed once and sent once is the database's word, not the id's.
 */
export const payoutBatchStart = (input: PayoutBatchInput) => ({
  workflowId: payoutBatchWorkflowId(input.batchId),
  taskQueue: taskQueues.batch,
  args: [input] as [PayoutBatchInput],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [{ key: stageKey, value: 'sealing' }],
});
