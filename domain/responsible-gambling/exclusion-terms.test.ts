/** The terms of exclusions at the bounds of the shipped profiles. */
import { describe, expect, it } from 'vitest';
import { profileSchema } from '../compliance/profile.schema.ts';
import { publishedProfiles } from '../compliance/profiles.ts';
import { exclusionTerms, parseDuration } from './exclusion-terms.ts';

const rules = { timeOutHoursMax: 1008, selfExclusionMonthsMin: 6 };

describe('exclusionTerms', () => {
  it.each([
    ['time-out', 'PT1H', true],
    ['time-out', 'P42D', true],
    ['time-out', 'P6W', true],
    ['time-out', 'P43D', false],
    ['time-out', 'PT0H', false],
    ['time-out', 'P1M', false],
    ['time-out', 'indefinite', false],
    ['self-exclusion', 'P6M', true],
    ['self-exclusion', 'P5Y', true],
    ['self-exclusion', 'indefinite', true],
    ['self-exclusion', 'P5M', false],
    ['self-exclusion', 'P200D', false],
    ['self-exclusion', 'P21Y', false],
    ['self-exclusion', '-P6M', false],
    ['self-exclusion', 'P6M1D', false],
  ] as const)('%s of %s is allowed: %s', (kind, duration, allowed) => {
    expect(exclusionTerms(kind, duration, rules).ok).toBe(allowed);
  });

  it('keeps months as months, because they are no number of hours', () => {
    expect(parseDuration('P1Y')).toEqual({ ok: true, value: { indefinite: false, months: 12, hours: 0 } });
  });
});

describe('the shipped profiles', () => {
  it('fit their schema, and each version is there once', () => {
    for (const { profile } of publishedProfiles) expect(() => profileSchema.parse(profile)).not.toThrow();
    const keys = publishedProfiles.map(({ jurisdiction, version }) => `${jurisdiction}/${version}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(publishedProfiles.map(({ jurisdiction }) => jurisdiction))).toEqual(
      new Set(['MT', 'GB', 'SE']),
    );
  });
});
