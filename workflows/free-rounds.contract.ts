/** The public face of the `freeRounds` workflow: one for each order of free rounds. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, playerIdKey, stageKey } from './search-attributes.ts';

export type FreeRoundsInput = {
  readonly freeRoundsId: string;
  readonly playerId: string;
  readonly brand: string;
};

export const freeRoundsWorkflowId = (freeRoundsId: string) => `free-rounds:${freeRoundsId}` as const;

/** The row moved (a cancellation was asked for): a poke without state. */
export const freeRoundsNoticed = defineSignal('freeRoundsNoticed');

/** Start options by contract: one workflow per row, for ever. */
export const freeRoundsStart = (input: FreeRoundsInput) => ({
  workflowId: freeRoundsWorkflowId(input.freeRoundsId),
  taskQueue: taskQueues.player,
  args: [input] as [FreeRoundsInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: stageKey, value: 'requested' },
  ],
});
