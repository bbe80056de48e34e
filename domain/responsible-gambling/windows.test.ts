/** The windows of limits against an independent reading of the calendar. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { windowNumber } from '../wallet/play-rules.ts';
import { limitWindows, windowStartMs } from './windows.ts';

const instants = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2090, 0, 1) });

describe('windowStartMs', () => {
  it('begins at midnight, on a Monday, and on the first, in UTC', () => {
    fc.assert(
      fc.property(instants, (atMs) => {
        const at = new Date(atMs).toISOString();
        expect(new Date(windowStartMs('day', atMs)).toISOString()).toBe(`${at.slice(0, 10)}T00:00:00.000Z`);
        expect(new Date(windowStartMs('month', atMs)).toISOString()).toBe(
          `${at.slice(0, 7)}-01T00:00:00.000Z`,
        );
        const week = new Date(windowStartMs('week', atMs));
        expect(week.getUTCDay()).toBe(1);
        expect(week.toISOString().slice(11)).toBe('00:00:00.000Z');
        expect(atMs - week.getTime()).toBeGreaterThanOrEqual(0);
        expect(atMs - week.getTime()).toBeLessThan(7 * 86_400_000);
      }),
    );
  });

  it('is the first instant that the wallet counts into the same window', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...limitWindows), (atMs, window) => {
        const startMs = windowStartMs(window, atMs);
        expect(windowNumber(window, startMs)).toBe(windowNumber(window, atMs));
        expect(windowNumber(window, startMs - 1)).toBe(windowNumber(window, atMs) - 1);
      }),
    );
  });

  it('puts a Sunday into the week of the Monday before', () => {
    expect(new Date(windowStartMs('week', Date.UTC(2026, 10, 29, 23, 59))).toISOString()).toBe(
      '2026-11-23T00:00:00.000Z',
    );
  });
});
