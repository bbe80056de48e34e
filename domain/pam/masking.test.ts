import { expect, test } from 'vitest';
import { maskDate, maskEmail, maskName } from './masking.ts';

test('masks keep the first letter, the top-level domain and the year', () => {
  expect(maskEmail('ada.lovelace@example.org')).toBe('a…@e….org');
  expect(maskEmail('a@localhost')).toBe('a…@l…');
  expect(maskName('Łukasz')).toBe('Ł…');
  expect(maskName('')).toBe('…');
  expect(maskDate('1990-05-17')).toBe('1990-**-**');
});
