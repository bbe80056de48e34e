import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyOutcome, attemptStates, isOpenOrApproved, type AttemptState } from './attempt-state.ts';
import { attemptsMax, cascadeWindowMs, nextStep, type AttemptSummary } from './cascade.ts';
import { classifyDecline, declineClasses, mayCascade } from './decline-class.ts';
import type { PspOutcome } from './outcome.ts';

const attempt = (more: Partial<AttemptSummary>): AttemptSummary => ({
  psp: 'alpha',
  state: 'declined',
  declineClass: 'generic',
  stepUp: false,
  ...more,
});
const psps = ['alpha', 'beta'];

describe('the cascade', () => {
  it('begins with the first PSP of the route', () => {
    expect(nextStep(psps, [], 0)).toEqual({ kind: 'attempt', number: 1, psp: 'alpha', stepUp: false });
  });

  it.each(['generic', 'issuer_unavailable'] as const)('goes on after a proven %s decline', (declineClass) => {
    expect(nextStep(psps, [attempt({ declineClass })], 0)).toEqual({
      kind: 'attempt',
      number: 2,
      psp: 'beta',
      stepUp: false,
    });
  });

  it('goes on after a proven non-send', () => {
    expect(nextStep(psps, [attempt({ state: 'not_sent', declineClass: null })], 0)).toMatchObject({
      psp: 'beta',
    });
  });

  it.each(['hard_never', 'soft_later', 'fix_data', 'psp_risk', 'not_authenticated'] as const)(
    'stops after %s',
    (declineClass) => {
      expect(nextStep(psps, [attempt({ declineClass })], 0).kind).toBe('stop');
    },
  );

  it.each(['started', 'pending', 'action', 'unknown'] as const)('waits while an attempt is %s', (state) => {
    expect(nextStep(psps, [attempt({ state, declineClass: null })], 0)).toEqual({ kind: 'wait' });
  });

  it('steps up at the same PSP, once', () => {
    const first = attempt({ declineClass: 'sca_required' });
    expect(nextStep(psps, [first], 0)).toEqual({ kind: 'attempt', number: 2, psp: 'alpha', stepUp: true });
    expect(nextStep(psps, [first, attempt({ declineClass: 'sca_required', stepUp: true })], 0).kind).toBe(
      'stop',
    );
  });

  it('does not surprise a player who left', () => {
    expect(nextStep(psps, [attempt({})], cascadeWindowMs + 1).kind).toBe('stop');
  });

  it('takes a decline to one other PSP and never to a third, but goes past those that were never reached', () => {
    const three = ['alpha', 'beta', 'gamma'];
    const unreached = attempt({ psp: 'beta', state: 'not_sent', declineClass: null });
    expect(nextStep(three, [attempt({}), attempt({ psp: 'beta' })], 0).kind).toBe('stop');
    expect(nextStep(three, [attempt({}), unreached], 0)).toMatchObject({ kind: 'attempt', psp: 'gamma' });
    const told = fc.record({
      state: fc.constantFrom('declined' as const, 'not_sent' as const),
      declineClass: fc.constantFrom(...declineClasses),
    });
    fc.assert(
      fc.property(fc.array(told, { minLength: 6, maxLength: 6 }), (world) => {
        const attempts: AttemptSummary[] = [];
        for (const answered of world) {
          const step = nextStep(['alpha', 'beta', 'gamma', 'delta', 'epsilon'], attempts, 0);
          if (step.kind !== 'attempt') break;
          const declineClass = answered.state === 'declined' ? answered.declineClass : null;
          attempts.push({ psp: step.psp, stepUp: step.stepUp, state: answered.state, declineClass });
        }
        const asked = new Set(attempts.filter(({ state }) => state === 'declined').map(({ psp }) => psp));
        expect(asked.size).toBeLessThanOrEqual(2);
      }),
    );
  });

  it('asks no PSP twice without a step-up', () => {
    expect(nextStep(psps, [attempt({}), attempt({ psp: 'beta' })], 0).kind).toBe('stop');
  });
});

const outcome: fc.Arbitrary<PspOutcome> = fc.oneof(
  fc.constant<PspOutcome>({
    kind: 'approved',
    pspReference: 'p',
    processed: { amount: '1', asset: 'EUR' },
    instrument: null,
  }),
  fc.constantFrom(...declineClasses).map((declineClass): PspOutcome => ({
    kind: 'declined',
    pspReference: null,
    declineClass,
    rawCode: 'x',
    networkCode: null,
  })),
  fc.constant<PspOutcome>({ kind: 'action', pspReference: null, url: 'http://x' }),
  fc.constant<PspOutcome>({ kind: 'pending', pspReference: null }),
  fc.constant<PspOutcome>({ kind: 'cancelled', pspReference: null }),
  fc.boolean().map((authoritative): PspOutcome => ({ kind: 'not_found', authoritative })),
  fc.constant<PspOutcome>({ kind: 'not_sent', reason: 'x' }),
  fc.constant<PspOutcome>({ kind: 'unknown', reason: 'x' }),
);

describe('an attempt', () => {
  it('never leaves an end but for money that came late', () => {
    fc.assert(
      fc.property(fc.constantFrom(...attemptStates), outcome, (state, heard) => {
        const after = applyOutcome(state, heard);
        if (!isOpenOrApproved(state)) {
          expect(after).toBe(
            state !== 'late_approved' && heard.kind === 'approved' ? 'late_approved' : state,
          );
        }
        if (state === 'approved') expect(after).toBe('approved');
      }),
    );
  });

  it('is not closed by a question that did not leave or by a miss that proves nothing', () => {
    for (const state of ['pending', 'action', 'unknown'] as const) {
      expect(isOpenOrApproved(applyOutcome(state, { kind: 'not_sent', reason: 'x' }))).toBe(true);
      expect(isOpenOrApproved(applyOutcome(state, { kind: 'unknown', reason: 'x' }))).toBe(true);
      expect(isOpenOrApproved(applyOutcome(state, { kind: 'not_found', authoritative: false }))).toBe(true);
    }
  });
});

describe('a deposit', () => {
  it('never charges twice, whatever PSPs answer and in whichever order, as long as they tell the truth in the end', () => {
    // A PSP's truth is fixed when it is called; its answers may hide it as unknown or pending, but never contradict it.
    const truth = fc.constantFrom<AttemptState>('approved', 'declined', 'not_sent');
    const veil = fc.array(fc.constantFrom<PspOutcome['kind']>('unknown', 'pending', 'not_found'), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        fc.array(fc.record({ truth, veil, declineClass: fc.constantFrom(...declineClasses) }), {
          minLength: 6,
          maxLength: 6,
        }),
        fc.array(fc.nat(120_000), { minLength: 40, maxLength: 40 }),
        (world, waits) => {
          const attempts: AttemptSummary[] = [];
          let charges = 0;
          for (const waitedMs of waits) {
            const step = nextStep(['alpha', 'beta', 'gamma'], attempts, waitedMs);
            if (step.kind === 'approved' || step.kind === 'stop') break;
            if (step.kind === 'attempt') {
              const begun = world[step.number - 1];
              if (begun?.truth === 'approved') charges += 1;
              attempts.push({ psp: step.psp, state: 'started', declineClass: null, stepUp: step.stepUp });
            }
            const last = attempts.at(-1);
            const facts = world[attempts.length - 1];
            if (!last || !facts) throw new Error('no attempt');
            const heard = answer(facts.veil.shift(), facts.truth, facts.declineClass);
            attempts[attempts.length - 1] = {
              ...last,
              state: applyOutcome(last.state, heard),
              declineClass: heard.kind === 'declined' ? heard.declineClass : last.declineClass,
            };
          }
          expect(charges).toBeLessThanOrEqual(1);
          expect(attempts.length).toBeLessThanOrEqual(attemptsMax);
          expect(attempts.filter(({ state }) => isOpenOrApproved(state)).length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function answer(
  veiled: PspOutcome['kind'] | undefined,
  truth: AttemptState,
  declineClass: (typeof declineClasses)[number],
): PspOutcome {
  if (veiled === 'unknown') return { kind: 'unknown', reason: 'x' };
  if (veiled === 'pending') return { kind: 'pending', pspReference: null };
  if (veiled === 'not_found') return { kind: 'not_found', authoritative: false };
  if (truth === 'approved')
    return {
      kind: 'approved',
      pspReference: 'p',
      processed: { amount: '1', asset: 'EUR' },
      instrument: null,
    };
  if (truth === 'declined')
    return { kind: 'declined', pspReference: null, declineClass, rawCode: 'x', networkCode: null };
  return { kind: 'not_found', authoritative: true };
}

describe('decline classes', () => {
  it('take the most specific code first', () => {
    const codes = {
      dialect: 'stripe',
      codes: ['insufficient_funds', 'card_declined'],
      network: null,
      networkCode: null,
    } as const;
    expect(classifyDecline(codes)).toBe('soft_later');
  });

  it('let a network code that forbids overrule the PSP, for that network only', () => {
    const codes = { dialect: 'adyen', codes: ['2'], networkCode: '14' } as const;
    expect(classifyDecline({ ...codes, network: 'visa' })).toBe('hard_never');
    expect(classifyDecline({ ...codes, network: 'mc' })).toBe('generic');
  });

  it('ask for 3-D Secure where Mastercard says 65 and Visa 1A, at every PSP, and not where Visa says 65', () => {
    const at = (network: string, networkCode: string, adviceCode: string | null = null) =>
      (['checkout', 'adyen', 'stripe'] as const).map((dialect) => {
        const codes = [{ checkout: '20065', adyen: '2', stripe: 'generic_decline' }[dialect]];
        return classifyDecline({ dialect, codes, network, networkCode, adviceCode });
      });
    const stepUp = ['sca_required', 'sca_required', 'sca_required'];
    expect(at('mastercard', '65')).toEqual(stepUp);
    expect(at('mc', '65', '01')).toEqual(stepUp);
    expect(at('visa', '1A')).toEqual(stepUp);
    expect(at('visa', '65')).toEqual(['soft_later', 'generic', 'generic']);
    // An advice that forbids is stronger.
    expect(at('mastercard', '65', '03')).toEqual(['hard_never', 'hard_never', 'hard_never']);
  });

  it('call what nobody knows generic', () => {
    expect(classifyDecline({ dialect: 'adyen', codes: ['9999'], network: null, networkCode: null })).toBe(
      'generic',
    );
  });

  it('allow another PSP for two classes only', () => {
    expect(declineClasses.filter(mayCascade)).toEqual(['generic', 'issuer_unavailable']);
  });
});
