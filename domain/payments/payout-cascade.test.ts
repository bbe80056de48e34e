import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declineClasses } from './decline-class.ts';
import { nextPayout, type PayoutTry } from './payout-cascade.ts';
import { payoutStates } from './payout-state.ts';

const options = ['alpha', 'beta', 'gamma'].map((psp) => ({ psp, token: `t-${psp}` }));
const tried = (psp: string, state: PayoutTry['state'], declineClass: PayoutTry['declineClass'] = null) => ({
  psp,
  state,
  declineClass,
});
const next = (...tries: PayoutTry[]) => nextPayout(options, tries)?.psp ?? null;

describe('the next payout of a leg', () => {
  it('begins with the first PSP, and comes around after proof that nothing was sent', () => {
    expect(next()).toBe('alpha');
    expect(next(tried('alpha', 'not_sent'))).toBe('beta');
    expect(next(tried('alpha', 'not_sent'), tried('beta', 'not_sent'), tried('gamma', 'not_sent'))).toBe(
      'alpha',
    );
  });

  it('goes on after a decline that another PSP may see differently, never back to who declined', () => {
    expect(next(tried('alpha', 'declined', 'generic'))).toBe('beta');
    expect(
      next(tried('alpha', 'declined', 'generic'), tried('beta', 'not_sent'), tried('gamma', 'not_sent')),
    ).toBe('beta');
    expect(next(...options.map(({ psp }) => tried(psp, 'declined', 'generic')))).toBeNull();
  });

  it('ends with a decline that is final or unexplained', () => {
    expect(next(tried('alpha', 'declined', 'hard_never'))).toBeNull();
    expect(next(tried('alpha', 'declined'))).toBeNull();
  });

  it('is nobody while any attempt may have paid, whatever came before', () => {
    const tries = fc.array(
      fc.record({
        psp: fc.constantFrom('alpha', 'beta', 'gamma'),
        state: fc.constantFrom(...payoutStates),
        declineClass: fc.option(fc.constantFrom(...declineClasses)),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(tries, (made) => {
        const psp = next(...made);
        if (made.some(({ state }) => state !== 'declined' && state !== 'not_sent')) expect(psp).toBeNull();
        if (psp !== null) expect(made.some((one) => one.state === 'declined' && one.psp === psp)).toBe(false);
      }),
    );
  });
});
