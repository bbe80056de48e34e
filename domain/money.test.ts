/** Money survives every conversion exactly, and nothing finer than allowed gets in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assets } from './assets.ts';
import {
  formatDecimal,
  fromMinorUnits,
  parseDecimal,
  parsePayable,
  quantisePayable,
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

const codes = fc.constantFrom(...assets.keys());

test('every asset survives its own text and its own minor units, far beyond 2^53', () => {
  fc.assert(
    fc.property(codes, fc.bigInt({ min: 0n, max: 10n ** 36n }), (asset, value) => {
      const text = toMoneyText(value, asset);
      if (text.amount.split('.')[0]!.length <= 26) expect(toUnits(text)).toEqual({ ok: true, value });
      expect(toMinorUnits(fromMinorUnits(value, asset), asset)).toBe(value);
    }),
  );
});

test('cash-out rounds down to the payable unit, and the residue stays with the player', () => {
  fc.assert(
    fc.property(codes, fc.bigInt({ min: 0n, max: 10n ** 36n }), (code, value) => {
      const { payable, residue } = quantisePayable(value, code);
      const { ledgerScale, payableScale } = assets.get(code)!;
      expect(payable + residue).toBe(value);
      expect(residue >= 0n && residue < 10n ** BigInt(ledgerScale - payableScale)).toBe(true);
      // What is said to be payable goes out whole and is accepted when it is asked for.
      expect(fromMinorUnits(toMinorUnits(payable, code), code)).toBe(payable);
      if (payable > 0n && payable <= 10n ** BigInt(15 + ledgerScale))
        expect(parsePayable(toMoneyText(payable, code))).toEqual({ ok: true, value: payable });
    }),
  );
});

test('a debt is not payable', () => {
  expect(quantisePayable(-1n, 'EUR')).toEqual({ payable: 0n, residue: -1n });
});

test('assets keep 12 places, or 18 where they are counted in wei, and pay no finer than they keep', () => {
  for (const { code, kind, network, ledgerScale, payableScale } of assets.values()) {
    expect(code).toMatch(/^[A-Z]{3,10}$/);
    expect(network === null, code).toBe(kind === 'fiat');
    expect(ledgerScale, code).toBe(['ETH', 'BNB', 'POL'].includes(code) ? 18 : 12);
    expect(payableScale, code).toBeLessThanOrEqual(ledgerScale);
  }
});
