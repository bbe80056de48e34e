/** What a line of a settlement file is held against. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { breaksOfLine, expectedFee, feeBps, type KnownMovement, type SettlementLine } from './settlement.ts';

const euro = 10n ** 12n;
const term = { bps: 140, fixedMinor: 25n };
const line: SettlementLine = {
  naturalKey: 'txn_1',
  kind: 'charge',
  pspReference: 'pi_1',
  reference: null,
  asset: 'EUR',
  gross: 200n * euro,
  fee: (305n * euro) / 100n,
};
const known: KnownMovement = { subject: 'deposit:1', asset: 'EUR', gross: 200n * euro, isBooked: true };
const kinds = (...args: Parameters<typeof breaksOfLine>) => breaksOfLine(...args).map(({ kind }) => kind);

test('a line that agrees with our books has no break', () => {
  expect(breaksOfLine(line, known, term, false)).toEqual([]);
});

test('each way of differing has its name, and several may hold at once', () => {
  expect(kinds(line, null, term, false)).toEqual(['extra']);
  expect(kinds(line, known, term, true)).toEqual(['duplicate']);
  expect(kinds(line, { ...known, isBooked: false }, term, false)).toEqual(['unbooked']);
  expect(kinds({ ...line, gross: 199n * euro }, known, term, false)).toEqual(['amount', 'fee']);
  expect(kinds({ ...line, asset: 'USD' }, known, term, false)).toEqual(['currency']);
  expect(kinds({ ...line, fee: line.fee + 1n }, known, term, false)).toEqual(['fee']);
});

test('a fee is basis points rounded down to a minor unit, and a fixed part, of money in either direction', () => {
  expect(expectedFee(199_990_000_000_000n, 'EUR', term)).toBe((304n * euro) / 100n);
  expect(expectedFee(-200n * euro, 'EUR', term)).toBe((305n * euro) / 100n);
  expect(expectedFee(0n, 'EUR', { bps: 0, fixedMinor: 0n })).toBe(0n);
});

test('a fee in basis points is never below the fee', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 20n }),
      fc.bigInt({ min: 0n, max: 10n ** 18n }),
      (amount, fee) => {
        const bps = feeBps(amount, fee);
        expect(bps * amount).toBeGreaterThanOrEqual(fee * 10_000n);
        expect((bps - 1n) * amount).toBeLessThan(fee * 10_000n);
      },
    ),
  );
});
