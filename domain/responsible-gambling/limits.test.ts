/** What protects more holds at once, what protects less waits, and the lowest remainder counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDeposit, timingOfChange } from './limits.ts';
import { limitWindows } from './windows.ts';

const amount = fc.bigInt({ min: 1n, max: 10n ** 20n });

describe('timingOfChange', () => {
  it('lets a first limit and a decrease hold now, and makes an increase or a removal wait', () => {
    expect(timingOfChange(null, 100n)).toBe('now');
    expect(timingOfChange(100n, 99n)).toBe('now');
    expect(timingOfChange(100n, 101n)).toBe('later');
    expect(timingOfChange(100n, null)).toBe('later');
    expect(timingOfChange(null, null)).toBe('unchanged');
  });

  it('never lets a change that allows more hold at once', () => {
    fc.assert(
      fc.property(amount, amount, (current, wanted) => {
        expect(timingOfChange(current, wanted) === 'now').toBe(wanted <= current);
      }),
    );
  });
});

describe('checkDeposit', () => {
  const none = { day: 0n, week: 0n, month: 0n };

  it('refuses without a limit only where one is required', () => {
    expect(checkDeposit([], none, 1n, true)).toMatchObject({
      ok: false,
      failure: { code: 'deposit-limit-required' },
    });
    expect(checkDeposit([], none, 1n, false).ok).toBe(true);
  });

  it('accepts exactly up to the lowest remainder of all limits', () => {
    const limits = fc.array(fc.record({ window: fc.constantFrom(...limitWindows), amount }), {
      minLength: 1,
      maxLength: 3,
    });
    const usage = fc.record({ day: amount, week: amount, month: amount });
    fc.assert(
      fc.property(limits, usage, amount, (given, used, wanted) => {
        const rest = given
          .map((limit) => limit.amount - used[limit.window])
          .reduce((a, b) => (a < b ? a : b));
        expect(checkDeposit(given, used, wanted, true).ok).toBe(wanted <= rest);
      }),
    );
  });
});
