/** Calendar windows of limits, in UTC; weeks begin on Monday. */
import { assertNever } from '../failures.ts';

export const limitWindows = ['day', 'week', 'month'] as const;

export type LimitWindow = (typeof limitWindows)[number];

const dayMs = 86_400_000;

/** First instant, in epoch milliseconds, of the window in which `atMs` lies. */
export function windowStartMs(window: LimitWindow, atMs: number): number {
  const day = Math.floor(atMs / dayMs);
  switch (window) {
    case 'day':
      return day * dayMs;
    case 'week':
      // Day 0 of the epoch was a Thursday, so a Monday is three days after a multiple of seven minus one week.
      return (Math.floor((day + 3) / 7) * 7 - 3) * dayMs;
    case 'month': {
      const date = new Date(atMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
    default:
      return assertNever(window);
  }
}
