/** A player's time-out: the row blocks play from its commit on, and this clock lifts the brake at its end. */
import { proxyActivities, setHandler, setWorkflowOptions } from '@temporalio/workflow';
import type { createExclusionActivities } from '#activities/responsible-gambling/exclusion-activities.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { database } from './retry-profiles.ts';
import { followRow, type Poke } from './row-clock.ts';
import { timeOutNoticed, type TimeOutInput } from './time-out.contract.ts';

const { advanceExclusion } = proxyActivities<ReturnType<typeof createExclusionActivities>>({
  ...database,
  taskQueue: taskQueues.player,
});

/** Answers with the state in which the exclusion ended. */
export async function timeOut({ playerId, number }: TimeOutInput): Promise<string> {
  const poke: Poke = { waiting: false };
  setHandler(timeOutNoticed, () => {
    poke.waiting = true;
  });
  return followRow(() => advanceExclusion({ playerId, number }), poke);
}
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, timeOut);
