/** The public face of the `market` workflow: one for each version of a market's result. */
import { defineQuery } from '@temporalio/workflow';
import type { BetLane, BetPlace } from '#domain/games/book/bet-lanes.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { stageKey } from './search-attributes.ts';

export type MarketInput = {
  readonly eventId: string;
  readonly marketId: string;
  readonly version: number;
  /** Where a former run of the same settlement stopped. */
  readonly progress?: MarketProgress;
  /** Smaller steps than the usual ones, for those who watch them. */
  readonly pace?: MarketPace;
};

export type MarketPace = {
  /** Single bets of a lane that one activity settles before the workflow notes where it is. */
  readonly betsPerCall: number;
  /** Activities of one run: the history stays small even if the server never suggests to continue as new. */
  readonly callsPerRun: number;
};

export type MarketStage = 'singles' | 'multiples' | 'settled';

export type MarketProgress = {
  readonly stage: MarketStage;
  /** What is left of the single bets, by lane. */
  readonly lanes: readonly BetLane[];
  /** Multiples up to this one are done. */
  readonly after: BetPlace;
  readonly singles: number;
  readonly multiples: number;
};

export const marketWorkflowId = ({ eventId, marketId, version }: MarketInput) =>
  `market:${eventId}:${marketId}:v${version}` as const;

export const getMarket = defineQuery<MarketProgress>('getMarket');

/** Start options by contract: one workflow per version, for ever. */
export const marketStart = (input: MarketInput) => ({
  workflowId: marketWorkflowId(input),
  taskQueue: taskQueues.play,
  args: [input] as [MarketInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [{ key: stageKey, value: 'singles' }],
});
