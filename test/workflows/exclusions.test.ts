/** The clocks of exclusions and limit changes under skipped time; the rows behind them are played by a table of answers. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { createExclusionActivities } from '#activities/responsible-gambling/exclusion-activities.ts';
import type {
  createLimitChangeActivities,
  RowClock,
} from '#activities/responsible-gambling/limit-change-activities.ts';
import { limitChangeNoticed, limitChangeStart } from '#workflows/limit-change.contract.ts';
import type { limitChange } from '#workflows/limit-change.ts';
import { selfExclusionNoticed, selfExclusionStart } from '#workflows/self-exclusion.contract.ts';
import type { selfExclusion } from '#workflows/self-exclusion.ts';
import { timeOutStart } from '#workflows/time-out.contract.ts';
import type { timeOut } from '#workflows/time-out.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

const hourMs = 3_600_000;
let workflows: WorkflowEnvironment;

type Asked = { atMs: number }[];

/** Plays the database: what a row would answer at each moment of the server's skipped time. */
function playRow(answer: (atMs: number) => RowClock) {
  const asked: Asked = [];
  const advance = async (): Promise<RowClock> => {
    const atMs = await workflows.env.currentTimeMs();
    asked.push({ atMs });
    return answer(atMs);
  };
  const activities: ReturnType<typeof createExclusionActivities> &
    ReturnType<typeof createLimitChangeActivities> = {
    advanceExclusion: advance,
    advanceLimitChange: advance,
  };
  return { asked, activities: { player: activities } };
}

const until = (endMs: number, over: string, atMs: number): RowClock =>
  atMs >= endMs
    ? { state: over, over: true, remainingMs: null }
    : { state: 'active', over: false, remainingMs: endMs - atMs };

const who = () => ({ playerId: randomUUID(), number: 1, brand: 'aurora', jurisdiction: 'MT' });

describeWorkflows('clocks of rows', () => {
  beforeAll(async () => {
    workflows = await createWorkflowEnvironment();
  }, 60_000);
  afterAll(() => workflows.close());

  test('a time-out asks at its end and not before, and again when the row was extended meanwhile', async () => {
    const startMs = await workflows.env.currentTimeMs();
    let endMs = startMs + 24 * hourMs;
    const row = playRow((atMs) => {
      const clock = until(endMs, 'ended', atMs);
      endMs = startMs + 48 * hourMs;
      return clock;
    });
    await workflows.runWorkflows(row, async (client) => {
      const handle = await client.workflow.start<typeof timeOut>('timeOut', timeOutStart(who()));
      expect(await handle.result()).toBe('ended');
      const hours = row.asked.map(({ atMs }) => Math.floor((atMs - startMs) / hourMs));
      expect(hours).toEqual([0, 24, 48]);
      await workflows.exportHistory(handle, 'time-out.extended');
    });
  });

  test('a self-exclusion waits without a clock for the player, and ends after the poke and the wait', async () => {
    let requested = false;
    let requestedAtMs = 0;
    const startMs = await workflows.env.currentTimeMs();
    const row = playRow((atMs) => {
      if (atMs < startMs + 180 * 24 * hourMs)
        return { state: 'active', over: false, remainingMs: startMs + 180 * 24 * hourMs - atMs };
      if (!requested) return { state: 'reinstatement-possible', over: false, remainingMs: null };
      requestedAtMs ||= atMs;
      return until(requestedAtMs + 24 * hourMs, 'ended', atMs);
    });
    await workflows.runWorkflows(row, async (client) => {
      const handle = await client.workflow.start<typeof selfExclusion>(
        'selfExclusion',
        selfExclusionStart(who()),
      );
      await workflows.env.sleep('400 days');
      const asked = row.asked.length;
      // Half a year in sleeps of thirty days, and then silence.
      expect(asked).toBeLessThanOrEqual(8);
      expect((await handle.describe()).status.name).toBe('RUNNING');
      requested = true;
      await handle.signal(selfExclusionNoticed);
      expect(await handle.result()).toBe('ended');
      expect((row.asked.at(-1)?.atMs ?? 0) - requestedAtMs).toBeGreaterThanOrEqual(24 * hourMs);
      await workflows.exportHistory(handle, 'self-exclusion.reinstated');
    });
  });

  test('a limit change is applied after the wait, and a cancelled one ends at its poke', async () => {
    const startMs = await workflows.env.currentTimeMs();
    const applied = playRow((atMs) => until(startMs + 24 * hourMs, 'applied', atMs));
    const input = { ...who(), limitChangeId: randomUUID() };
    await workflows.runWorkflows(applied, async (client) => {
      const handle = await client.workflow.start<typeof limitChange>('limitChange', limitChangeStart(input));
      expect(await handle.result()).toBe('applied');
      await workflows.exportHistory(handle, 'limit-change.applied');
    });
    let cancelled = false;
    const row = playRow(() =>
      cancelled
        ? { state: 'cancelled', over: true, remainingMs: null }
        : { state: 'cooling-off', over: false, remainingMs: 10_000 * hourMs },
    );
    await workflows.runWorkflows(row, async (client) => {
      const start = limitChangeStart({ ...input, limitChangeId: randomUUID() });
      const handle = await client.workflow.start<typeof limitChange>('limitChange', start);
      await expect.poll(() => row.asked.length).toBe(1);
      cancelled = true;
      await handle.signal(limitChangeNoticed);
      expect(await handle.result()).toBe('cancelled');
      expect(row.asked).toHaveLength(2);
      await workflows.exportHistory(handle, 'limit-change.cancelled');
    });
  });
});
