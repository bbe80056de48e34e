/** However a hold is taken apart, its parts are its amount, and nothing is taken after its end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { strayAccount } from './flows.ts';
import {
  captureHold,
  endHold,
  heldRest,
  holdReasons,
  holdStates,
  holdTarget,
  type HoldStanding,
} from './holds.ts';

const open: HoldStanding = { amount: 100n, captured: 0n, released: 0n, state: 'open', isPast: false };
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.bigInt({ min: 1n, max: 60n }) },
    { weight: 1, arbitrary: fc.constantFrom('released' as const, 'expired' as const) },
  ),
  { maxLength: 20 },
);

test('captures and the released rest are the amount, whatever the order', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      let hold = open;
      let taken = 0n;
      let ended = false;
      for (const step of sequence) {
        const next = typeof step === 'bigint' ? captureHold(hold, step) : endHold(hold, step);
        if (ended) expect(next).toMatchObject({ ok: false, failure: { code: 'hold-not-open' } });
        else if (typeof step === 'bigint' && step > 100n - taken)
          expect(next).toMatchObject({ ok: false, failure: { code: 'hold-exceeded' } });
        else expect(next.ok).toBe(true);
        if (!next.ok) continue;
        if (typeof step === 'bigint') taken += step;
        hold = next.value;
        ended = typeof step !== 'bigint' || taken === 100n;
        expect(hold.captured).toBe(taken);
        expect(heldRest(hold)).toBe(ended ? 0n : 100n - taken);
        expect(hold.state === 'open').toBe(!ended);
      }
    }),
  );
});

test('a hold that has run out gives no more, and can only be ended', () => {
  const past = { ...open, isPast: true };
  expect(captureHold(past, 1n)).toMatchObject({ ok: false, failure: { code: 'hold-not-open' } });
  expect(endHold(past, 'expired')).toMatchObject({ ok: true, value: { released: 100n, state: 'expired' } });
});

test('every reason of staff captures into an account that the flow admits', () => {
  for (const reason of holdReasons) {
    for (const jurisdiction of ['MT', 'GB', 'CA-ON']) {
      const account = holdTarget(reason, jurisdiction);
      expect(strayAccount('hold.capture', [{ side: 'house', account, amount: 1n }]), account).toBeNull();
    }
  }
});

test('each reason has a target of its own, and a tax is owed where the player lives', () => {
  expect(holdReasons.map((reason) => holdTarget(reason, 'MT'))).toEqual([
    'suspense:legal-orders',
    'suspense:disputed-payments',
    'tax:MT:payable',
    'suspense:peer-claims',
  ]);
  expect(holdTarget('tax-withholding', 'CA-ON')).toBe('tax:CA-ON:payable');
});

test('a refusal says what became of the hold', () => {
  expect(holdStates).toEqual(['open', 'captured', 'released', 'expired']);
  for (const state of holdStates.slice(1)) {
    const failure = { code: 'hold-not-open', detail: `The hold is ${state}.` };
    expect(captureHold({ ...open, state }, 1n)).toEqual({ ok: false, failure });
    expect(endHold({ ...open, state }, 'released')).toEqual({ ok: false, failure });
  }
  const said = [captureHold({ ...open, isPast: true }, 1n), captureHold(open, 101n)].map(
    (result) => !result.ok && result.failure.detail,
  );
  for (const detail of said) expect(detail).toMatch(/^[A-Z].+\.$/);
  expect(new Set(said).size).toBe(2);
});

test('a hold is captured when nothing is left of it, and open until then', () => {
  expect(captureHold(open, 99n)).toMatchObject({ value: { captured: 99n, state: 'open' } });
  expect(captureHold(open, 100n)).toMatchObject({ value: { captured: 100n, state: 'captured' } });
});

test('a capture of nothing is a bug', () => {
  for (const part of [0n, -1n])
    expect(() => captureHold(open, part)).toThrow('a capture takes a positive amount');
});
