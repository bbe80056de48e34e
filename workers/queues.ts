/** Which activities run on which task queue, and how many at once. */
import type { ActivityDeps } from '#activities/deps.ts';
import { taskQueues, type TaskQueue } from '#domain/task-queues.ts';

export type QueuePlan = {
  readonly activities: object;
  readonly activitiesMax: number;
  readonly workflowTasksMax: number;
};

/** Builds the plan of every queue; a process starts the queues it is told to. */
export function planQueues(_deps: ActivityDeps): Record<TaskQueue, QueuePlan> {
  return {
    [taskQueues.money]: { activities: {}, activitiesMax: 32, workflowTasksMax: 40 },
    [taskQueues.play]: { activities: {}, activitiesMax: 16, workflowTasksMax: 20 },
    [taskQueues.provider]: { activities: {}, activitiesMax: 32, workflowTasksMax: 5 },
    [taskQueues.player]: { activities: {}, activitiesMax: 16, workflowTasksMax: 20 },
    [taskQueues.batch]: { activities: {}, activitiesMax: 8, workflowTasksMax: 10 },
  };
}
