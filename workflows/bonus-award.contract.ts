/** The public face of the `bonusAward` workflow: the clock of one award. */
import { defineQuery, defineSignal } from '@temporalio/workflow';

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
