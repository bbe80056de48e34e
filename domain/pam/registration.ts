/** What must be true before an account is opened. */
import { fail, succeed, type Result } from '../failures.ts';
import type { BrandConfig } from './brand.schema.ts';

export const passwordLengthMin = 12;
export const passwordLengthMax = 128;

/** An unverified registration is reminded once and then closed. */
export const verificationReminderAfterMs = 24 * 3_600_000;
export const verificationClosesAfterMs = 7 * 24 * 3_600_000;
/** A player may ask for the link this often in the life of a registration. */
export const verificationMailsMax = 6;

const refuse = (pointer: string, detail: string) =>
  fail('invalid-request', detail, { fields: [{ pointer, detail }] });

/** Length before composition rules (NIST SP 800-63B): long, not the address, not one character over and over. */
export function checkPassword(password: string, email: string): Result<null> {
  const length = Array.from(password).length;
  if (length < passwordLengthMin)
    return refuse('/password', `A password has at least ${passwordLengthMin} characters.`);
  if (length > passwordLengthMax)
    return refuse('/password', `A password has at most ${passwordLengthMax} characters.`);
  if (new Set(password).size < 5)
    return refuse('/password', 'A password has at least five different characters.');
  const local = email.split('@')[0]?.toLowerCase() ?? '';
  const lower = password.toLowerCase();
  if (lower === email.toLowerCase() || (local.length >= 6 && lower.includes(local))) {
    return refuse('/password', 'A password does not contain the e-mail address.');
  }
  return succeed(null);
}

/** Whole years between two calendar days, 'YYYY-MM-DD'. Who is born on 29 February has a birthday on 1 March. */
export function ageOn(dateOfBirth: string, today: string): number {
  const years = Number(today.slice(0, 4)) - Number(dateOfBirth.slice(0, 4));
  return today.slice(5) < dateOfBirth.slice(5) ? years - 1 : years;
}

/** `player-underage` below the jurisdiction's age, `invalid-request` for a date that cannot be a living person's. */
export function checkAge(dateOfBirth: string, today: string, ageMinYears: number): Result<null> {
  const age = ageOn(dateOfBirth, today);
  if (dateOfBirth > today || age > 130) return refuse('/dateOfBirth', 'This cannot be a date of birth.');
  if (age < ageMinYears)
    return fail('player-underage', `Players are at least ${ageMinYears} years old here.`);
  return succeed(null);
}

/** `unknown-jurisdiction` and `unsupported-asset` for what the brand does not offer. */
export function checkOffer(
  brand: BrandConfig,
  wish: { jurisdiction: string; currency: string },
): Result<null> {
  if (!brand.jurisdictions.includes(wish.jurisdiction)) {
    return fail('unknown-jurisdiction', 'This brand is not open in that jurisdiction.');
  }
  if (!brand.currencies.includes(wish.currency)) {
    return fail('unsupported-asset', 'This brand has no accounts in that currency.');
  }
  return succeed(null);
}
