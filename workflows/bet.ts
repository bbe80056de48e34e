/** The life of a followed bet: it waits for results, settles when its legs are known, and can be bought back until then. */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createBetActivities } from '#activities/games/book/bet-activities.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { cashOut, getBet, legResulted, type BetInput, type BetView } from './bet.contract.ts';
import { insist } from './insist.ts';
import { database } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

type Activities = ReturnType<typeof createBetActivities>;
const { advanceBet } = proxyActivities<Activities>({ ...database, taskQueue: taskQueues.play });
/** A player waits for the answer. */
const { cashOutBet } = proxyActivities<Activities>({
  ...database,
  scheduleToCloseTimeout: '15 s',
  taskQueue: taskQueues.play,
});

/** A lost poke costs at most this long. */
const lookEveryMs = 6 * 3_600_000;

// A bet on next year's champion outlives every build of the workers.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, bet);
export async function bet(input: BetInput): Promise<BetView> {
  const { betId } = input;
  let view: BetView | null = null;
  let poked = false;
  let isCashingOut = false;

  setHandler(getBet, () => view);
  setHandler(legResulted, () => {
    poked = true;
  });
  setHandler(
    cashOut,
    async ({ offerId }) => {
      isCashingOut = true;
      try {
        view = await cashOutBet({ betId, offerId });
        return view;
      } finally {
        isCashingOut = false;
        poked = true;
      }
    },
    {
      validator: (_offer: { readonly offerId: string }): void => {
        if (isCashingOut || (view !== null && view.state !== 'open'))
          throw ApplicationFailure.nonRetryable('The bet has ended or is being bought back.', 'bet-not-open');
      },
    },
  );

  for (;;) {
    poked = false;
    // What a cash-out has written stands: the database is asked about everything else.
    const standing = await insist(() => advanceBet({ betId }));
    view = standing;
    if (standing.state !== 'open') break;
    await condition(() => poked, lookEveryMs);
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof bet>(input);
    }
  }
  upsertSearchAttributes([{ key: stageKey, value: view.state }]);
  await condition(allHandlersFinished);
  return view;
}
