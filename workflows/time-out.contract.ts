/** How the outside talks to the clock of a time-out. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey } from './search-attributes.ts';

export type TimeOutInput = {
  readonly playerId: string;
  /** Counts the player's exclusions: a second one has a clock of its own. */
  readonly number: number;
  readonly brand: string;
  readonly jurisdiction: string;
};

export const timeOutWorkflowId = (playerId: string, number: number) =>
  `time-out:${playerId}:${number}` as const;

/** The row moved (extended): a poke without state. */
export const timeOutNoticed = defineSignal('timeOutNoticed');

export const timeOutStart = (input: TimeOutInput) => ({
  workflowId: timeOutWorkflowId(input.playerId, input.number),
  taskQueue: taskQueues.player,
  args: [input] as [TimeOutInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
  ],
});
