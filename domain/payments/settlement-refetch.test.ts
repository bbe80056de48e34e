/** The pauses after which a day without a readable file is asked for again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lastRefetchDueMs } from './settlement-refetch.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const runsOf = (sinceMs: number, stepMs: number): readonly number[] => {
  const due = new Set<number>();
  for (let nowMs = sinceMs; nowMs < sinceMs + 60 * dayMs; nowMs += stepMs) {
    const dueMs = lastRefetchDueMs(sinceMs, nowMs);
    if (dueMs !== null) due.add(dueMs);
  }
  return [...due];
};

test('a day is asked for again with pauses that grow to a day, for two weeks', () => {
  const runs = runsOf(0, hourMs / 2);
  expect(runs.slice(0, 7).map((at) => at / hourMs)).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 55.5]);
  expect(runs).toHaveLength(18);
  expect(runs.at(-1)).toBeLessThanOrEqual(14 * dayMs);
});

test('nothing is due at once, nor after the last run was a day ago', () => {
  expect(lastRefetchDueMs(5, 5 + hourMs / 2 - 1)).toBeNull();
  expect(lastRefetchDueMs(5, 6 + 15 * dayMs)).toBeNull();
});

test('what was due is due until the next, never later than now, whenever somebody looks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2e12 }),
      fc.integer({ min: 0, max: 20 * dayMs }),
      (sinceMs, ageMs) => {
        const dueMs = lastRefetchDueMs(sinceMs, sinceMs + ageMs);
        if (dueMs === null) return;
        expect(dueMs).toBeGreaterThan(sinceMs);
        expect(dueMs).toBeLessThanOrEqual(sinceMs + ageMs);
        expect(lastRefetchDueMs(sinceMs, dueMs)).toBe(dueMs);
      },
    ),
  );
});
