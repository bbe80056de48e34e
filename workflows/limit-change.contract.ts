/** How the outside talks to the clock of a limit change. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey } from './search-attributes.ts';

export type LimitChangeInput = {
  readonly limitChangeId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

export const limitChangeWorkflowId = (limitChangeId: string) => `limit-change:${limitChangeId}` as const;

/** The row moved (cancelled, confirmed): a poke without state. */
export const limitChangeNoticed = defineSignal('limitChangeNoticed');

export const limitChangeStart = (input: LimitChangeInput) => ({
  workflowId: limitChangeWorkflowId(input.limitChangeId),
  taskQueue: taskQueues.player,
  args: [input] as [LimitChangeInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
  ],
});
