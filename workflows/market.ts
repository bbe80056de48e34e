/** A market has a result: settle every single bet on it in lanes of pages, correct settled multiples, and tell the open ones' workflows. */
import {
  continueAsNew,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createMarketActivities } from '#activities/games/book/market-activities.ts';
import { betLanes, firstPlace, type BetLane } from '#domain/games/book/bet-lanes.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { betWorkflowId, legResulted } from './bet.contract.ts';
import { insist } from './insist.ts';
import { getMarket, type MarketInput, type MarketProgress, type MarketStage } from './market.contract.ts';
import { batch, database } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

type Activities = ReturnType<typeof createMarketActivities>;
const { settleMarketSingles } = proxyActivities<Activities>({ ...batch, taskQueue: taskQueues.play });
const { settleMarketMultiples, closeMarketResult } = proxyActivities<Activities>({
  ...database,
  taskQueue: taskQueues.play,
});

const usualPace = { betsPerCall: 10_000, callsPerRun: 200 };
/** Each open one is a signal, and a signal is three events. */
const multiplesPerPage = 100;

export async function market(input: MarketInput): Promise<MarketProgress> {
  const { eventId, marketId, version } = input;
  const pace = input.pace ?? usualPace;
  let progress: MarketProgress = input.progress ?? {
    stage: 'singles',
    lanes: betLanes,
    after: firstPlace,
    singles: 0,
    multiples: 0,
  };
  let calls = 0;
  setHandler(getMarket, () => progress);

  while (progress.stage === 'singles') {
    const steps = await Promise.all(progress.lanes.map(settleLane));
    progress = {
      ...progress,
      lanes: steps.flatMap(({ rest }) => rest),
      singles: steps.reduce((sum, { settled }) => sum + settled, progress.singles),
    };
    if (progress.lanes.length === 0) moveTo('multiples');
    await renewWhenLong(steps.length);
  }
  while (progress.stage === 'multiples') {
    const page = await insist(() =>
      settleMarketMultiples({ eventId, marketId, after: progress.after, betsMax: multiplesPerPage }),
    );
    await Promise.all(page.open.map(tellBet));
    progress = {
      ...progress,
      after: page.after ?? progress.after,
      multiples: progress.multiples + page.settled,
    };
    if (page.after === null) {
      await insist(() => closeMarketResult({ eventId, marketId, version, settled: progress.singles }));
      moveTo('settled');
    } else await renewWhenLong(1);
  }
  return progress;

  function moveTo(stage: MarketStage): void {
    progress = { ...progress, stage };
    upsertSearchAttributes([{ key: stageKey, value: stage }]);
  }

  async function settleLane({ after, until }: BetLane): Promise<{ settled: number; rest: BetLane[] }> {
    const step = await insist(() =>
      settleMarketSingles({
        eventId,
        marketId,
        version,
        cursor: { after, settled: 0 },
        until,
        betsMax: pace.betsPerCall,
      }),
    );
    return { settled: step.settled, rest: step.done ? [] : [{ after: step.after, until }] };
  }

  async function renewWhenLong(made: number): Promise<void> {
    calls += made;
    if (calls >= pace.callsPerRun || workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof market>({ ...input, progress });
  }
}

/** A bet whose workflow is not there yet, or is over, needs no telling: it reads the results when it begins. */
async function tellBet(open: { readonly betId: string; readonly reopened: number }): Promise<void> {
  await getExternalWorkflowHandle(betWorkflowId(open))
    .signal(legResulted)
    .catch(() => {});
}
