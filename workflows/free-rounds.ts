/** Free rounds from the order to the end of their validity: issued at the provider, taken back where that is asked. */
import { proxyActivities, setHandler, setWorkflowOptions } from '@temporalio/workflow';
import type { createFreeRoundsActivities } from '#activities/games/free-rounds.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { freeRoundsNoticed, type FreeRoundsInput } from './free-rounds.contract.ts';
import { provider } from './retry-profiles.ts';
import { followRow, type Poke } from './row-clock.ts';

const { advanceFreeRounds } = proxyActivities<ReturnType<typeof createFreeRoundsActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

// Free rounds are valid for weeks, longer than any build of the workers.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, freeRounds);
/** Answers with the state in which they ended. */
export async function freeRounds({ freeRoundsId }: FreeRoundsInput): Promise<string> {
  const poke: Poke = { waiting: false };
  setHandler(freeRoundsNoticed, () => {
    poke.waiting = true;
  });
  return followRow(() => advanceFreeRounds({ freeRoundsId }), poke);
}
