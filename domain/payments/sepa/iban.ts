/** IBANs: their form, their length per country and their checksum, before money is sent to one. */
import { fail, succeed, type Result } from '../../failures.ts';
import { remainder97 } from './remainder.ts';

/** Lengths in the countries of SEPA. Source: SWIFT IBAN registry, release 99, and the EPC list of SEPA scheme countries. */
const lengths: Readonly<Record<string, number>> = {
  AD: 24,
  AL: 28,
  AT: 20,
  BE: 16,
  BG: 22,
  CH: 21,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  EE: 20,
  ES: 24,
  FI: 18,
  FR: 27,
  GB: 22,
  GI: 23,
  GR: 27,
  HR: 21,
  HU: 28,
  IE: 22,
  IS: 26,
  IT: 27,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MT: 31,
  NL: 18,
  NO: 15,
  PL: 28,
  PT: 25,
  RO: 24,
  RS: 22,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  VA: 22,
};

/** Gives the IBAN without spaces and in capitals; `invalid-request` for what no SEPA payment can reach. */
export function parseIban(text: string): Result<string> {
  const iban = text.replace(/\s+/g, '').toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return fail('invalid-request', 'This is no IBAN.');
  const length = lengths[iban.slice(0, 2)];
  if (length === undefined) return fail('invalid-request', 'This country takes part in no SEPA payments.');
  if (iban.length !== length)
    return fail('invalid-request', `An IBAN of this country has ${length} characters.`);
  // ISO 13616: the country and check digits go to the end, letters count from 10.
  return remainder97(iban.slice(4) + iban.slice(0, 4)) === 1
    ? succeed(iban)
    : fail('invalid-request', 'The check digits of the IBAN do not fit.');
}
