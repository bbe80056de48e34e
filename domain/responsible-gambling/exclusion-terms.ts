/** How long an exclusion lasts: the player's words, held against the rules of the jurisdiction. */
import type { Profile } from '../compliance/profile.schema.ts';
import { fail, succeed, type Result } from '../failures.ts';

export const exclusionKinds = ['time-out', 'self-exclusion'] as const;

export type ExclusionKind = (typeof exclusionKinds)[number];

/** A term in calendar units, because six months are not a number of hours; `indefinite` has no end. */
export type ExclusionTerms = {
  readonly indefinite: boolean;
  readonly months: number;
  readonly hours: number;
};

/** An ISO 8601 duration with one unit: P6M, P1Y, P7D, P2W, PT24H. */
export const durationForm = /^(?:P(\d{1,4})([YMWD])|PT(\d{1,5})H)$/;

const yearsMax = 20;

/** Reads a duration; `invalid-request` for anything else. */
export function parseDuration(text: string): Result<ExclusionTerms> {
  if (text === 'indefinite') return succeed({ indefinite: true, months: 0, hours: 0 });
  const match = durationForm.exec(text);
  if (!match) return fail('invalid-request', 'A duration is such as P6M, P7D or PT24H, or "indefinite".');
  const count = Number(match[1] ?? match[3]);
  const terms = { indefinite: false, months: 0, hours: 0 };
  switch (match[2]) {
    case 'Y':
      return succeed({ ...terms, months: count * 12 });
    case 'M':
      return succeed({ ...terms, months: count });
    case 'W':
      return succeed({ ...terms, hours: count * 7 * 24 });
    case 'D':
      return succeed({ ...terms, hours: count * 24 });
    default:
      return succeed({ ...terms, hours: count });
  }
}

/** The terms of an exclusion that the jurisdiction allows; `invalid-request` says which bound was missed. */
export function exclusionTerms(
  kind: ExclusionKind,
  duration: string,
  rules: Pick<Profile, 'timeOutHoursMax' | 'selfExclusionMonthsMin'>,
): Result<ExclusionTerms> {
  const parsed = parseDuration(duration);
  if (!parsed.ok) return parsed;
  const { indefinite, months, hours } = parsed.value;
  if (kind === 'time-out') {
    if (indefinite || months > 0 || hours < 1 || hours > rules.timeOutHoursMax) {
      return fail('invalid-request', `A time-out lasts from 1 to ${rules.timeOutHoursMax} hours.`);
    }
    return parsed;
  }
  if (indefinite) return parsed;
  if (hours > 0 || months < rules.selfExclusionMonthsMin || months > yearsMax * 12) {
    return fail(
      'invalid-request',
      `A self-exclusion lasts at least ${rules.selfExclusionMonthsMin} months and at most ${yearsMax} years, or has no end.`,
    );
  }
  return parsed;
}
