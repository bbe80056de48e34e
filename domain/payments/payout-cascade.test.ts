import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextPayout, type PayoutTry } from './payout-cascade.ts';
import { payoutStates } from './payout-state.ts';

const options = ['alpha', 'beta', 'gamma'].map((psp) => ({ psp, token: `t-${psp}` }));
const tried = (psp: string, state: PayoutTry['state']): PayoutTry => ({ psp, state });
const next = (...tries: PayoutTry[]) => nextPayout(options, tries)?.psp ?? null;

describe('the next payout of a leg', () => {
  it('begins with the first PSP, and comes around after proof that nothing was sent', () => {
    expect(next()).toBe('alpha');
    expect(next(tried('alpha', 'not_sent'))).toBe('beta');
    expect(next(tried('alpha', 'not_sent'), tried('beta', 'not_sent'), tried('gamma', 'not_sent'))).toBe(
      'alpha',
    );
  });

  it('is nobody after a decline, whatever its reason', () => {
    expect(next(tried('alpha', 'declined'))).toBeNull();
    expect(next(tried('alpha', 'not_sent'), tried('beta', 'declined'))).toBeNull();
  });

  it('never goes back to who declined where an older build had gone on', () => {
    expect(next(tried('alpha', 'declined'), tried('beta', 'not_sent'), tried('gamma', 'not_sent'))).toBe(
      'beta',
    );
  });

  it('is nobody while any attempt may have paid or the last one was declined, whatever came before', () => {
    const tries = fc.array(
      fc.record({
        psp: fc.constantFrom('alpha', 'beta', 'gamma'),
        state: fc.constantFrom(...payoutStates),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(tries, (made) => {
        const psp = next(...made);
        if (made.some(({ state }) => state !== 'declined' && state !== 'not_sent')) expect(psp).toBeNull();
        if (made.at(-1)?.state !== 'not_sent') expect(psp).toBeNull();
        if (psp !== null) expect(made.some((one) => one.state === 'declined' && one.psp === psp)).toBe(false);
      }),
    );
  });
});
