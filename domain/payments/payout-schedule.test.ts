/** Days of payout, and what the files between two payouts must add up to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orThrow } from '../failures.ts';
import { isPayoutDay, parsePayoutSchedule, problemOfCycle } from './payout-schedule.ts';

const schedule = (text: string) => orThrow(parsePayoutSchedule(text));

test.each(['', 'mon,mon', 'monday', '0', '32', 'mon,1', 'mon;thu'])('%j is no schedule', (text) => {
  expect(parsePayoutSchedule(text)).toMatchObject({ ok: false, failure: { code: 'invalid-request' } });
});

test('days of the week and of the month are those of UTC, and a month that lacks one pays on its last', () => {
  const twice = schedule('mon, thu');
  expect(['2026-11-23', '2026-11-24', '2026-11-26'].map((day) => isPayoutDay(twice, day))).toEqual([
    true,
    false,
    true,
  ]);
  const monthly = schedule('31');
  expect(isPayoutDay(monthly, '2026-11-30')).toBe(true);
  expect(isPayoutDay(monthly, '2026-12-30')).toBe(false);
  expect(isPayoutDay(monthly, '2028-02-29')).toBe(true);
});

test('every month has a payout on each day that a schedule names, and on no other', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 0, max: 59 }), (wanted, month) => {
      const days = Array.from({ length: 31 }, (_, index) => new Date(Date.UTC(2024, month, index + 1)))
        .filter((date) => date.getUTCMonth() === month % 12)
        .map((date) => date.toISOString().slice(0, 10));
      expect(days.filter((day) => isPayoutDay(schedule(String(wanted)), day))).toHaveLength(1);
    }),
  );
});

describe('a cycle', () => {
  const of = { asset: 'EUR', missingDay: null };
  const monday = '2026-11-23';
  const tuesday = '2026-11-24';
  const weekly = schedule('mon');

  test.each([
    ['evens out with its payout', monday, { ...of, rest: 0n, isPaid: true }, null],
    ['lost a line', monday, { ...of, rest: -5n, isPaid: true }, /do not add up/],
    ['lost its payout', monday, { ...of, rest: 5n, isPaid: false }, /does not tell the payout/],
    ['has nothing to pay out', monday, { ...of, rest: -5n, isPaid: false }, null],
    ['is not over', tuesday, { ...of, rest: 5n, isPaid: false }, null],
    ['is paid on another day, and adds up', tuesday, { ...of, rest: 0n, isPaid: true }, null],
    ['is paid on another day, and does not', tuesday, { ...of, rest: 1n, isPaid: true }, /do not add up/],
    [
      'lacks the file of a day',
      monday,
      { ...of, missingDay: '2026-11-19', rest: 0n, isPaid: true },
      /file of 2026-11-19/,
    ],
  ] as const)('that %s', (_, day, total, problem) => {
    const told = problemOfCycle(weekly, day, total);
    if (problem === null) expect(told).toBeNull();
    else expect(told).toMatch(problem);
  });
});
