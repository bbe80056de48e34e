/** A player's self-exclusion: its term opens the way back, and only the player's own request, after a wait, lifts it. */
import { proxyActivities, setHandler, setWorkflowOptions } from '@temporalio/workflow';
import type { createExclusionActivities } from '#activities/responsible-gambling/exclusion-activities.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { database } from './retry-profiles.ts';
import { followRow, type Poke } from './row-clock.ts';
import { selfExclusionNoticed, type SelfExclusionInput } from './self-exclusion.contract.ts';

const { advanceExclusion } = proxyActivities<ReturnType<typeof createExclusionActivities>>({
  ...database,
  taskQueue: taskQueues.player,
});

/** Answers with the state in which the exclusion ended. */
export async function selfExclusion({ playerId, number }: SelfExclusionInput): Promise<string> {
  const poke: Poke = { waiting: false };
  setHandler(selfExclusionNoticed, () => {
    poke.waiting = true;
  });
  return followRow(() => advanceExclusion({ playerId, number }), poke);
}
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, selfExclusion);
