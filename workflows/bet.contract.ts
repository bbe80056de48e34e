/** The public face of the `bet` workflow: the life of a bet that hangs on several results or can be bought back. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { BetStanding } from '#activities/games/book/bet-activities.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { assetKey, brandKey, playerIdKey, stageKey } from './search-attributes.ts';

export type BetInput = {
  readonly betId: string;
  /** How often a correction made the settled bet hang on open legs again. */
  readonly reopened: number;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
};

export type BetView = BetStanding;

/** A reopened bet has another life: a workflow's id is used once for ever. */
export const betWorkflowId = ({ betId, reopened }: Pick<BetInput, 'betId' | 'reopened'>): string =>
  reopened === 0 ? `bet:${betId}` : `bet:${betId}:r${reopened}`;

/** A poke: a leg's market has a result. The workflow reads the database again. */
export const legResulted = defineSignal('legResulted');

/**
 * Buys the bet back at an offer. Refused with `bet-not-open` by the validator while the bet is not open or another
 * cash-out is under way, and with `bet-not-open` or `cash-out-offer-gone` by the database.
 */
export const cashOut = defineUpdate<BetView, [{ readonly offerId: string }]>('cashOut');

export const getBet = defineQuery<BetView | null>('getBet');

/** Start options by contract: one workflow per life of a bet, for ever. */
export const betStart = (input: BetInput) => ({
  workflowId: betWorkflowId(input),
  taskQueue: taskQueues.play,
  args: [input] as [BetInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: assetKey, value: input.asset },
    { key: stageKey, value: 'open' },
  ],
});
