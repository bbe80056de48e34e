/** Rates are exact, and an exchange never makes money out of rounding. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assets } from '../assets.ts';
import { orThrow } from '../failures.ts';
import { boughtFor, parseRate } from './exchange-rate.ts';

const asset = fc.constantFrom(...assets.values());
const rates = fc.record({
  numerator: fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }),
  denominator: fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }),
});
const amounts = fc.bigInt({ min: 1n, max: 10n ** 33n });

test('a decimal and its fraction are the same rate', () => {
  const eur = assets.get('EUR')!;
  const usd = assets.get('USD')!;
  for (const text of ['1.0825', '433/400'])
    expect(boughtFor(100n * 10n ** 12n, eur, usd, orThrow(parseRate(text)))).toBe(108_250_000_000_000n);
  expect(parseRate('0.000000000000000001')).toEqual({
    ok: true,
    value: { numerator: 1n, denominator: 10n ** 18n },
  });
});

test.each(['', '0', '0.0', '-1', '1e3', '1/0', '0/1', '1/2/3', ' 1', '1.', '.5', '1,5', '1/-2', 'NaN'])(
  '%j is no rate',
  (text) => expect(parseRate(text)).toMatchObject({ ok: false, failure: { code: 'invalid-request' } }),
);

test('a rate has as many digits as the ledger keeps, and not one more', () => {
  const decimal = `${'9'.repeat(20)}.${'9'.repeat(18)}`;
  expect(orThrow(parseRate(decimal))).toEqual({
    numerator: 10n ** 38n - 1n,
    denominator: 10n ** 18n,
  });
  const most = '9'.repeat(38);
  expect(orThrow(parseRate(`${most}/${most}`))).toEqual({
    numerator: 10n ** 38n - 1n,
    denominator: 10n ** 38n - 1n,
  });
  expect(orThrow(parseRate('12'))).toEqual({ numerator: 12n, denominator: 1n });
  for (const wrong of [`9${decimal}`, `${decimal}9`, `9${most}/1`, `1/9${most}`])
    expect(parseRate(wrong).ok, wrong).toBe(false);
});

test.each(['x1', '1x', '1.5x', 'x1/2', '1/2x', '1 /2', '/2', '1/', '1.2/3', 'a/b', '١'])(
  '%j is no rate, and the refusal shows one',
  (text) => {
    const result = parseRate(text);
    expect(result.ok || result.failure.detail).toMatch(/"1\.0825".*"433\/400"/);
  },
);

test('the result is the rate’s, rounded down by less than one unit', () => {
  fc.assert(
    fc.property(amounts, asset, asset, rates, (units, sold, bought, rate) => {
      const got = boughtFor(units, sold, bought, rate);
      // In fractions with a common denominator: got ≤ exact < got + 1.
      const exact = units * rate.numerator * 10n ** BigInt(bought.ledgerScale);
      const unit = rate.denominator * 10n ** BigInt(sold.ledgerScale);
      expect(got * unit <= exact && exact < (got + 1n) * unit).toBe(true);
    }),
  );
});

test('there and back at one rate never gains', () => {
  fc.assert(
    fc.property(amounts, asset, asset, rates, (units, sold, bought, rate) => {
      const there = boughtFor(units, sold, bought, rate);
      const inverse = { numerator: rate.denominator, denominator: rate.numerator };
      expect(boughtFor(there, bought, sold, inverse) <= units).toBe(true);
    }),
  );
});

test('splitting an amount never buys more than the whole', () => {
  fc.assert(
    fc.property(amounts, amounts, asset, asset, rates, (one, other, sold, bought, rate) => {
      const parts = boughtFor(one, sold, bought, rate) + boughtFor(other, sold, bought, rate);
      const whole = boughtFor(one + other, sold, bought, rate);
      expect(parts === whole || parts === whole - 1n).toBe(true);
    }),
  );
});
