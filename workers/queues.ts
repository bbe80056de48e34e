/** Which activities run on which task queue, and how many at once. */
import { createAwardActivities } from '#activities/bonus/awards.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { taskQueues, type TaskQueue } from '#domain/task-queues.ts';

export type QueuePlan = {
  readonly activities: object;
  readonly activitiesMax: number;
  readonly workflowTasksMax: number;
};

/** Builds the plan of every queue; a process starts the queues it is told to. */
export function planQueues(deps: ActivityDeps): Record<TaskQueue, QueuePlan> {
  const rounds = createRoundActivities(deps);
  return {
    [taskQueues.money]: { activities: { ...createAwardActivities(deps) }, activitiesMax: 32, workflowTasksMax: 40 },
    [taskQueues.play]: { activities: { ...rounds }, activitiesMax: 16, workflowTasksMax: 20 },
    [taskQueues.provider]: { activities: { ...rounds }, activitiesMax: 32, workflowTasksMax: 5 },
    [taskQueues.player]: { activities: {}, activitiesMax: 16, workflowTasksMax: 20 },
    [taskQueues.batch]: { activities: {}, activitiesMax: 8, workflowTasksMax: 10 },
  };
}
