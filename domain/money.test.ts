/** Money survives every conversion exactly, and nothing finer than allowed gets in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatDecimal,
  fromMinorUnits,
  parseDecimal,
  parsePayable,
  rescale,
  toMinorUnits,
  toMoneyText,
  toUnits,
} from './money.ts';

const scales = fc.integer({ min: 0, max: 18 });
const units = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });

test('formatting and parsing are inverse at every scale, far beyond 2^53', () => {
  fc.assert(
    fc.property(units, scales, (value, scale) => {
      const text = formatDecimal(value, scale);
      if (text.replace(/^-/, '').split('.')[0]!.length > 26) return;
      expect(parseDecimal(text, scale)).toEqual({ ok: true, value });
    }),
  );
});

test('going finer and back loses nothing; going coarser loses less than one unit', () => {
  fc.assert(
    fc.property(units, scales, scales, (value, from, to) => {
      if (to >= from) expect(rescale(rescale(value, from, to), to, from)).toBe(value);
      else {
        const residue = value - rescale(rescale(value, from, to), to, from);
        expect(residue < 10n ** BigInt(from - to) && residue > -(10n ** BigInt(from - to))).toBe(true);
      }
    }),
  );
});

test.each([
  ['12.50', 'EUR', 12_500_000_000_000n],
  ['0.01', 'EUR', 10_000_000_000n],
  ['7', 'JPY', 7_000_000_000_000n],
  ['1.234', 'KWD', 1_234_000_000_000n],
])('%s %s is payable', (amount, asset, expected) => {
  expect(parsePayable({ amount, asset })).toEqual({ ok: true, value: expected });
});

test.each([
  ['0', 'EUR', 'amount-not-positive'],
  ['-5', 'EUR', 'amount-not-positive'],
  ['0.001', 'EUR', 'amount-too-precise'],
  ['1.5', 'JPY', 'amount-too-precise'],
  ['1000000000000001', 'EUR', 'amount-too-large'],
  ['1e3', 'EUR', 'invalid-request'],
  [' 1', 'EUR', 'invalid-request'],
  ['1,5', 'EUR', 'invalid-request'],
  ['', 'EUR', 'invalid-request'],
  ['5', 'XXX', 'unknown-asset'],
])('%s %s is refused as %s', (amount, asset, code) => {
  expect(parsePayable({ amount, asset })).toMatchObject({ ok: false, failure: { code } });
});

test('money text keeps the decimals that the asset is paid in', () => {
  expect(toMoneyText(12_500_000_000_000n, 'EUR')).toEqual({ amount: '12.50', asset: 'EUR' });
  expect(toMoneyText(1n, 'EUR')).toEqual({ amount: '0.000000000001', asset: 'EUR' });
  expect(toUnits({ amount: '0.000000000001', asset: 'EUR' })).toEqual({ ok: true, value: 1n });
});

test('minor units go out and come back whole, and a residue is never paid silently', () => {
  expect(toMinorUnits(12_500_000_000_000n, 'EUR')).toBe(1250n);
  expect(fromMinorUnits(1250n, 'EUR')).toBe(12_500_000_000_000n);
  expect(() => toMinorUnits(1n, 'EUR')).toThrow(/finer than the payable unit/);
});
