/** A ramp never gives more than the market's rate less the spread, and no unit is lost between player and house. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assets, type Asset } from '../assets.ts';
import { orThrow } from '../failures.ts';
import { boughtFor, parseRate } from '../wallet/exchange-rate.ts';
import { lessSpread, offerRamp, rampDirection } from './ramp.ts';

const assetOf = (code: string): Asset => assets.get(code) ?? expect.fail(code);
const all = [...assets.values()];
const fiat = fc.constantFrom(...all.filter(({ kind }) => kind === 'fiat'));
const crypto = fc.constantFrom(...all.filter(({ kind }) => kind === 'crypto'));
const pairs = fc
  .tuple(fiat, crypto, fc.boolean())
  .map(([one, other, turned]) =>
    turned ? { payAsset: other, receiveAsset: one } : { payAsset: one, receiveAsset: other },
  );
const side = fc.bigInt({ min: 1n, max: 10n ** 38n - 1n });
const rates = fc.record({ numerator: side, denominator: side });
const spreads = fc.integer({ min: 0, max: 2_000 });
const pays = fc.bigInt({ min: 1n, max: 10n ** 30n });

test('a hundred euros at 1.08 and one percent are 106.92 dollar coins, and the spread is 1.08', () => {
  const offer = orThrow(
    offerRamp({
      pay: 100n * 10n ** 12n,
      payAsset: assetOf('EUR'),
      receiveAsset: assetOf('USDT'),
      market: orThrow(parseRate('1.08')),
      spreadBps: 100,
    }),
  );
  expect(offer).toEqual({ rate: '2673/2500', receive: 106_920_000_000_000n, spread: 1_080_000_000_000n });
});

test('the stored rate gives exactly what was promised, and promise and spread together are the market’s', () => {
  fc.assert(
    fc.property(pairs, rates, spreads, pays, (pair, market, spreadBps, pay) => {
      const offer = offerRamp({ ...pair, market, spreadBps, pay });
      if (!offer.ok) return;
      const { rate, receive, spread } = offer.value;
      expect(boughtFor(pay, pair.payAsset, pair.receiveAsset, orThrow(parseRate(rate)))).toBe(receive);
      expect(receive + spread).toBe(boughtFor(pay, pair.payAsset, pair.receiveAsset, market));
      expect(spread >= 0n).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('it is rounded down, by less than one unit where the rate fits', () => {
  const short = fc.record({
    numerator: fc.bigInt({ min: 1n, max: 10n ** 20n }),
    denominator: fc.bigInt({ min: 1n, max: 10n ** 20n }),
  });
  fc.assert(
    fc.property(pairs, short, spreads, pays, (pair, market, spreadBps, pay) => {
      const offer = offerRamp({ ...pair, market, spreadBps, pay });
      if (!offer.ok) return;
      // In fractions with a common denominator: receive ≤ exact < receive + 1.
      const exact =
        pay * market.numerator * BigInt(10_000 - spreadBps) * 10n ** BigInt(pair.receiveAsset.ledgerScale);
      const unit = market.denominator * 10_000n * 10n ** BigInt(pair.payAsset.ledgerScale);
      const { receive } = offer.value;
      expect(receive * unit <= exact && exact < (receive + 1n) * unit).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a rate that does not fit is shortened for the house, by less than one unit of its shorter side', () => {
  fc.assert(
    fc.property(rates, spreads, (market, spreadBps) => {
      const { numerator, denominator } = lessSpread(market, spreadBps);
      expect(numerator < 10n ** 38n && denominator > 0n && denominator < 10n ** 38n).toBe(true);
      const exact = market.numerator * BigInt(10_000 - spreadBps) * denominator;
      const kept = numerator * market.denominator * 10_000n;
      expect(kept <= exact).toBe(true);
      const shorter = numerator < denominator ? numerator + 1n : denominator;
      expect((exact - kept) * shorter <= exact).toBe(true);
    }),
    { numRuns: 500 },
  );
  // Sides that share most of the spread's factors are where cutting digits off both would cost most of the rate.
  const { numerator, denominator } = lessSpread({ numerator: 10n ** 38n - 1n, denominator: 10n ** 20n }, 4);
  expect(numerator * 10_000n * 10n ** 20n * 10n ** 17n).toBeGreaterThan(
    (10n ** 17n - 1n) * (10n ** 38n - 1n) * 9_996n * denominator,
  );
});

test('there and back through both ramps never gains', () => {
  fc.assert(
    fc.property(pairs, rates, spreads, spreads, pays, (pair, market, there, back, pay) => {
      const first = offerRamp({ ...pair, market, spreadBps: there, pay });
      if (!first.ok) return;
      const second = offerRamp({
        payAsset: pair.receiveAsset,
        receiveAsset: pair.payAsset,
        market: { numerator: market.denominator, denominator: market.numerator },
        spreadBps: back,
        pay: first.value.receive,
      });
      if (second.ok) expect(second.value.receive <= pay).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('between two of a kind there is no ramp', () => {
  expect(rampDirection(assetOf('EUR'), assetOf('USDT'))).toEqual({ ok: true, value: 'on-ramp' });
  expect(rampDirection(assetOf('ETH'), assetOf('USD'))).toEqual({ ok: true, value: 'off-ramp' });
  for (const [one, other] of [
    ['EUR', 'USD'],
    ['ETH', 'USDT'],
    ['EUR', 'EUR'],
  ] as const)
    expect(rampDirection(assetOf(one), assetOf(other))).toMatchObject({
      failure: { code: 'unsupported-asset' },
    });
});

test('too little and too much are refused', () => {
  const wish = { payAsset: assetOf('EUR'), receiveAsset: assetOf('BTC'), spreadBps: 0 };
  const market = { numerator: 1n, denominator: 10n ** 20n };
  expect(offerRamp({ ...wish, market, pay: 10n ** 10n })).toMatchObject({
    failure: { code: 'amount-not-positive' },
  });
  const huge = { numerator: 10n ** 20n, denominator: 1n };
  expect(offerRamp({ ...wish, market: huge, pay: 10n ** 14n })).toMatchObject({
    failure: { code: 'amount-too-large' },
  });
});
