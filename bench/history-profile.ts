/** Where a workflow's time goes until its first update is answered: the steps of its history with their medians. */
import type { Client } from '@temporalio/client';
import { median } from './statistics.ts';

/** Prints each step from the start to the answer, with the median time since the step before. */
export async function printHistories(client: Client, workflowIds: readonly string[]): Promise<void> {
  const steps = new Map<string, number[]>();
  for (const workflowId of workflowIds) {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    let beforeMs: number | null = null;
    let index = 0;
    for (const event of events ?? []) {
      const atMs = Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
      const activity = event.activityTaskScheduledEventAttributes?.activityType?.name ?? '';
      const name = `${String((index += 1)).padStart(2)} ${kindOf(event)} ${activity}`;
      const times = steps.get(name) ?? [];
      times.push(beforeMs === null ? 0 : atMs - beforeMs);
      steps.set(name, times);
      beforeMs = atMs;
      if (event.workflowExecutionUpdateCompletedEventAttributes) break;
    }
  }
  console.log('\nsteps of the history until the answer, median ms since the step before');
  for (const [name, times] of steps) {
    if (times.length * 2 > workflowIds.length)
      console.log(`  ${median(times).toFixed(1).padStart(6)}  ${name}`);
  }
}

/** `activityTaskScheduled` and the like: an event is told by the only attributes it carries. */
const kindOf = (event: object): string =>
  Object.entries(event)
    .find(([name, value]) => name.endsWith('EventAttributes') && value !== null)?.[0]
    .replace('EventAttributes', '') ?? 'unknown';
