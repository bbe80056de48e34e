/** The public face of the `bonusAward` workflow: the clock of one award. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, playerIdKey, stageKey } from './search-attributes.ts';

export type BonusAwardInput = {
  readonly awardId: string;
  readonly playerId: string;
  readonly brand: string;
};

export type BonusAwardStage = 'wagering' | 'converted' | 'forfeited';

export const bonusAwardWorkflowId = (awardId: string) => `bonus:${awardId}` as const;

/** A poke: wagering may be complete. The workflow reads the database again. */
export const awardWagered = defineSignal<[]>('awardWagered');
/** A poke: the player gives the award up, or an operator takes it back. */
export const awardForfeited = defineSignal<[{ readonly reason: string }]>('awardForfeited');
export const getBonusAward = defineQuery<BonusAwardStage>('getBonusAward');

/** Start options by contract: one workflow per row, for ever. */
export const bonusAwardStart = (input: BonusAwardInput) => ({
  workflowId: bonusAwardWorkflowId(input.awardId),
  taskQueue: taskQueues.money,
  args: [input] as [BonusAwardInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: stageKey, value: 'wagering' },
  ],
});
