import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterAuthentication,
  defaultWish,
  exemptions,
  isRequest,
  strongestWish,
  threeDsWants,
  transStatuses,
  wishAt,
  type ThreeDsWish,
} from './three-ds.ts';

const wish: fc.Arbitrary<ThreeDsWish> = fc
  .record({
    want: fc.constantFrom(...threeDsWants),
    exemption: fc.constantFrom(...exemptions),
    whenUnavailable: fc.constantFrom('proceed' as const, 'refuse' as const),
  })
  .map((one) => ({ ...one, exemption: one.want === 'exemption' ? one.exemption : null }));

describe('a 3-D Secure wish', () => {
  it('is mandated in a step-up, whatever the rules said: the soft decline was the issuer’s word', () => {
    fc.assert(
      fc.property(wish, fc.subarray([...exemptions]), (one, known) => {
        const asked = wishAt(one, { stepUp: true, exemptions: known });
        expect(asked).toMatchObject({ want: 'challenge-mandated', exemption: null });
        expect(asked.whenUnavailable).toBe(one.whenUnavailable);
      }),
    );
  });

  it('asks for no exemption that the PSP has no word for, and never for another one', () => {
    fc.assert(
      fc.property(wish, fc.subarray([...exemptions]), (one, known) => {
        const asked = wishAt(one, { stepUp: false, exemptions: known });
        if (asked.exemption === null) expect(asked.want).not.toBe('exemption');
        else {
          expect(known).toContain(asked.exemption);
          expect(asked.exemption).toBe(one.exemption);
        }
        if (one.want !== 'exemption') expect(asked).toEqual(one);
      }),
    );
  });

  it('of several is the strongest request, and the stricter policy', () => {
    fc.assert(
      fc.property(fc.array(wish, { minLength: 1 }), (wishes) => {
        const strongest = strongestWish(wishes);
        if (wishes.some(({ want }) => isRequest(want)))
          expect(isRequest(strongest?.want ?? 'exemption')).toBe(true);
        if (wishes.some(({ want }) => want === 'challenge-mandated'))
          expect(strongest?.want).toBe('challenge-mandated');
        expect(strongest?.whenUnavailable).toBe(
          wishes.some(({ whenUnavailable }) => whenUnavailable === 'refuse') ? 'refuse' : 'proceed',
        );
      }),
    );
    expect(strongestWish([])).toBeNull();
  });
});

describe('an authentication', () => {
  it('lets N and R never authorise, U by policy, and everything else by one table', () => {
    const table = (whenUnavailable: 'proceed' | 'refuse') =>
      [null, ...transStatuses].map(
        (status) => `${status ?? '-'}:${afterAuthentication(status, { ...defaultWish, whenUnavailable })}`,
      );
    const common = [
      '-:authorise',
      'Y:authorise',
      'A:authorise',
      'C:challenge',
      'D:wait',
      'N:refuse',
      'R:refuse',
    ];
    expect(table('proceed')).toEqual([...common, 'U:authorise', 'I:authorise']);
    expect(table('refuse')).toEqual([...common, 'U:refuse', 'I:authorise']);
  });
});
