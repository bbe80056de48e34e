/** A limit that shall protect less: waits out the cooling-off, then the row is applied, confirmed or lapses. */
import { proxyActivities, setHandler, setWorkflowOptions } from '@temporalio/workflow';
import type { createLimitChangeActivities } from '#activities/responsible-gambling/limit-change-activities.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { limitChangeNoticed, type LimitChangeInput } from './limit-change.contract.ts';
import { database } from './retry-profiles.ts';
import { followRow, type Poke } from './row-clock.ts';

const { advanceLimitChange } = proxyActivities<ReturnType<typeof createLimitChangeActivities>>({
  ...database,
  taskQueue: taskQueues.player,
});

/** Answers with the state in which the change ended. */
export async function limitChange({ limitChangeId }: LimitChangeInput): Promise<string> {
  const poke: Poke = { waiting: false };
  setHandler(limitChangeNoticed, () => {
    poke.waiting = true;
  });
  return followRow(() => advanceLimitChange({ limitChangeId }), poke);
}
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, limitChange);
