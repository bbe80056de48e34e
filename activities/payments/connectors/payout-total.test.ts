/** A settlement file whose lines and payouts do not even out is not whole, wherever it was cut. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { payoutTotals } from './payout-total.ts';

type Line = readonly [of: string, net: bigint, isPayout: boolean];

function isWhole(lines: readonly Line[]): boolean {
  const totals = payoutTotals();
  for (const line of lines) totals.add(...line);
  try {
    totals.mustBeWhole();
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/truncated/);
    return false;
  }
}

const movements = fc.array(
  fc.tuple(fc.constantFrom('EUR', 'USD'), fc.bigInt(-10_000n, 100_000n), fc.constant(false)),
  { maxLength: 20 },
);

/** As PSPs write them: what moved, then what is paid out of each balance that is above zero. */
function paidOut(moved: readonly Line[]): readonly Line[] {
  const payouts = ['EUR', 'USD'].flatMap((of): Line[] => {
    const rest = moved.reduce((sum, [about, net]) => (about === of ? sum + net : sum), 0n);
    return rest > 0n ? [[of, -rest, true]] : [];
  });
  return [...moved, ...payouts];
}

test('a file with its payouts is whole', () => {
  fc.assert(fc.property(movements, (moved) => isWhole(paidOut(moved))));
});

test('a file that was cut is whole only where what is left of it has nothing to pay out', () => {
  fc.assert(
    fc.property(movements, fc.nat(), (moved, at) => {
      const lines = paidOut(moved);
      const left = lines.slice(0, lines.length === 0 ? 0 : at % lines.length);
      const rests = Map.groupBy(left, ([of]) => of);
      const hasRest = [...rests.values()].some((of) => of.reduce((sum, [, net]) => sum + net, 0n) > 0n);
      expect(isWhole(left)).toBe(!hasRest);
    }),
  );
});

test('a payout that is not what the lines add up to is no proof of them', () => {
  expect(
    isWhole([
      ['EUR', 500n, false],
      ['EUR', -700n, true],
    ]),
  ).toBe(false);
  expect(
    isWhole([
      ['EUR', 900n, false],
      ['EUR', -700n, true],
    ]),
  ).toBe(false);
});
