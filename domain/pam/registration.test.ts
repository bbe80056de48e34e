import { describe, expect, test } from 'vitest';
import { ageOn, checkAge, checkOffer, checkPassword } from './registration.ts';

const codeOf = (result: { ok: boolean; failure?: { code: string } }) =>
  result.ok ? 'ok' : result.failure?.code;

describe('password policy', () => {
  test.each([
    ['elevenchars', 'invalid-request'],
    ['twelve chars', 'ok'],
    ['aaaaaaaaaaaaaaaa', 'invalid-request'],
    ['my ada.lovelace pw', 'invalid-request'],
    ['x'.repeat(60) + 'abcdefgh'.repeat(10), 'invalid-request'],
    ['four 🐎🐎 emoji', 'ok'],
  ])('%s is %s', (password, expected) => {
    expect(codeOf(checkPassword(password, 'ada.lovelace@example.org'))).toBe(expected);
  });
});

describe('age', () => {
  test('the birthday itself counts', () => {
    expect(ageOn('2008-11-24', '2026-11-24')).toBe(18);
    expect(ageOn('2008-11-25', '2026-11-24')).toBe(17);
  });
  test('a leapling is of age on 1 March of a common year', () => {
    expect(ageOn('2008-02-29', '2026-02-28')).toBe(17);
    expect(ageOn('2008-02-29', '2026-03-01')).toBe(18);
  });
  test('one day short is underage, the future and antiquity are mistakes', () => {
    expect(codeOf(checkAge('2008-11-25', '2026-11-24', 18))).toBe('player-underage');
    expect(codeOf(checkAge('2008-11-24', '2026-11-24', 18))).toBe('ok');
    expect(codeOf(checkAge('2030-01-01', '2026-11-24', 18))).toBe('invalid-request');
    expect(codeOf(checkAge('1850-01-01', '2026-11-24', 18))).toBe('invalid-request');
  });
});

test('a brand opens accounts only for what it offers', () => {
  const brand = { currencies: ['EUR'], jurisdictions: ['MT'], languages: ['en'] };
  expect(codeOf(checkOffer(brand, { jurisdiction: 'MT', currency: 'EUR' }))).toBe('ok');
  expect(codeOf(checkOffer(brand, { jurisdiction: 'GB', currency: 'EUR' }))).toBe('unknown-jurisdiction');
  expect(codeOf(checkOffer(brand, { jurisdiction: 'MT', currency: 'USD' }))).toBe('unsupported-asset');
});
