/** How the outside talks to the clock of a self-exclusion. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey } from './search-attributes.ts';

export type SelfExclusionInput = {
  readonly playerId: string;
  /** Counts the player's exclusions: a second one has a clock of its own. */
  readonly number: number;
  readonly brand: string;
  readonly jurisdiction: string;
};

export const selfExclusionWorkflowId = (playerId: string, number: number) =>
  `self-exclusion:${playerId}:${number}` as const;

/** The row moved (extended, return requested): a poke without state. */
export const selfExclusionNoticed = defineSignal('selfExclusionNoticed');

export const selfExclusionStart = (input: SelfExclusionInput) => ({
  workflowId: selfExclusionWorkflowId(input.playerId, input.number),
  taskQueue: taskQueues.player,
  args: [input] as [SelfExclusionInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
  ],
});
