/** The public face of the `market` workflow: one for each version of a market's result. */
import { defineQuery } from '@temporalio/workflow';
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
  /** Single bets that one activity settles before the workflow notes where it is. */
  readonly betsPerCall: number;
  /** Activities of one run: the history stays small even if the server never suggests to continue as new. */
  readonly callsPerRun: number;
};

export type MarketStage = 'singles' | 'multiples' | 'settled';

export type MarketProgress = {
  readonly stage: MarketStage;
  /** Bets up to this id are done in the stage. */
  readonly after: string;
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
