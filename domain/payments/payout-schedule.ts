/** On which days a PSP pays our account at it to our bank: what must even out is everything between two payouts. */
import { fail, succeed, type Result } from '../failures.ts';

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

export type PayoutSchedule =
  | { readonly by: 'weekday'; readonly days: readonly number[] }
  /** A day that a month does not have is its last one. */
  | { readonly by: 'month'; readonly days: readonly number[] };

/** Reads `mon,thu` or `1,15`. Failure: `invalid-request`. */
export function parsePayoutSchedule(text: string): Result<PayoutSchedule> {
  const words = text.split(',').map((word) => word.trim().toLowerCase());
  const named = words.map((word) => weekdays.findIndex((day) => day === word));
  if (new Set(words).size === words.length) {
    if (named.every((day) => day >= 0)) return succeed({ by: 'weekday', days: named });
    if (words.every((word) => /^(?:[1-9]|[12]\d|3[01])$/.test(word)))
      return succeed({ by: 'month', days: words.map(Number) });
  }
  return fail('invalid-request', 'It must be days of the week (mon,thu) or of the month (1,15), each once.');
}

/** `day` is a day in UTC, `2026-11-25`. */
export function isPayoutDay({ by, days }: PayoutSchedule, day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  if (by === 'weekday') return days.includes(date.getUTCDay());
  const ofMonth = date.getUTCDate();
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return days.some((wanted) => Math.min(wanted, last) === ofMonth);
}

export type CycleTotal = {
  readonly asset: string;
  /** Net of fees and with what was paid out, from the day after the last payout to this one; signed as the balance moves. */
  readonly rest: bigint;
  /** Whether this day's file tells a payout of it. */
  readonly isPaid: boolean;
  /** A day in between of which no file was read, if there is one. */
  readonly missingDay: string | null;
};

/**
 * Why the files of a cycle cannot be whole; null where nothing speaks against it. Between payouts nothing can be proven:
 * what was lost then is found at the next payout.
 */
export function problemOfCycle(schedule: PayoutSchedule, day: string, total: CycleTotal): string | null {
  const { asset, rest, isPaid, missingDay } = total;
  if (!isPaid && !isPayoutDay(schedule, day)) return null;
  if (missingDay !== null)
    return `the payout of ${asset} cannot be proven before the file of ${missingDay} is read`;
  if (isPaid)
    return rest === 0n ? null : `the files of the cycle do not add up to what is paid out of ${asset}`;
  // Of a balance that is not above zero nothing is paid.
  return rest <= 0n ? null : `it does not tell the payout of ${asset}`;
}
