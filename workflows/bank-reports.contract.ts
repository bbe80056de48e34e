/** The public face of the `bankReports` workflow: it fetches what the bank reports, for as long as there is a bank. */
import { taskQueues } from '#domain/task-queues.ts';
import { stageKey } from './search-attributes.ts';

/** One for the one account that payments leave from. */
export const bankReportsWorkflowId = (account = 'account') => `bank-reports:${account}` as const;

export const bankReportsStart = () => ({
  workflowId: bankReportsWorkflowId(),
  taskQueue: taskQueues.batch,
  args: [] as [],
  // It may end by an error of ours; the sweep begins it anew.
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [{ key: stageKey, value: 'importing' }],
});
