/** Where a fraud report stands, over everything that can become of its charge. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fraudAlertStates, isFraudAlertOver, stepFraudAlert, type ReportedCharge } from './fraud-alert.ts';

const quiet: ReportedCharge = { hasChargeback: false, refund: 'none', isPaidBack: false };
const charges = fc.record({
  hasChargeback: fc.boolean(),
  refund: fc.constantFrom('none' as const, 'under-way' as const, 'paid' as const, 'failed' as const),
  isPaidBack: fc.boolean(),
});

test('a report is refunded only by money that went back, and open again when it did not or came back', () => {
  expect(stepFraudAlert('open', { ...quiet, refund: 'under-way' })).toBe('refunding');
  expect(stepFraudAlert('refunding', { ...quiet, refund: 'paid' })).toBe('refunded');
  expect(stepFraudAlert('refunding', { ...quiet, refund: 'failed' })).toBe('open');
  expect(stepFraudAlert('refunded', { ...quiet, refund: 'failed' })).toBe('open');
  expect(stepFraudAlert('open', { ...quiet, isPaidBack: true })).toBe('refunded');
});

test('a chargeback takes an open report over, and not one whose money went back before', () => {
  expect(stepFraudAlert('open', { ...quiet, hasChargeback: true })).toBe('disputed');
  expect(stepFraudAlert('refunding', { ...quiet, refund: 'under-way', hasChargeback: true })).toBe(
    'disputed',
  );
  expect(stepFraudAlert('refunded', { ...quiet, refund: 'paid', hasChargeback: true })).toBe('refunded');
});

test('asked twice about the same charge a report says the same, and what a person or a bank ended stays', () => {
  fc.assert(
    fc.property(fc.constantFrom(...fraudAlertStates), charges, charges, (state, first, second) => {
      const once = stepFraudAlert(state, first);
      expect(stepFraudAlert(once, first)).toBe(once);
      if (once === 'disputed' || once === 'dismissed') {
        expect(isFraudAlertOver(once)).toBe(true);
        expect(stepFraudAlert(once, second)).toBe(once);
      }
      if (once === 'refunded' && state !== 'refunded')
        expect(first.isPaidBack || first.refund === 'paid').toBe(true);
    }),
  );
});
