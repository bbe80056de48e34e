/** Decimal odds as integers of thousandths: no price passes through a float, and a product of prices stays exact. */
import { fail, succeed, type Result } from '../../failures.ts';
import { formatDecimal, parseDecimal } from '../../money.ts';

/** Decimal odds × 1000: 2.05 is 2050n. What is paid per unit of stake, the stake included. */
export type Odds = bigint;

export const oddsScale = 3;
export const oddsOne = 10n ** BigInt(oddsScale);

/** The smallest and the largest price that the book takes: 1.001 and 10 000. */
export const oddsMin: Odds = oddsOne + 1n;
export const oddsMax: Odds = 10_000n * oddsOne;

/** Reads odds from text such as "2.05"; `invalid-request` for another form or a price out of bounds. */
export function parseOdds(text: string): Result<Odds> {
  const parsed = parseDecimal(text, oddsScale);
  if (!parsed.ok || parsed.value < oddsMin || parsed.value > oddsMax) {
    return fail(
      'invalid-request',
      'Odds are a decimal string from "1.001" to "10000" with at most 3 places.',
    );
  }
  return succeed(parsed.value);
}

/** Odds as text with at least two places. */
export const formatOdds = (odds: Odds): string => formatDecimal(odds, oddsScale, 2);

/** An exact fraction; `den` is greater than zero. */
export type Ratio = { readonly num: bigint; readonly den: bigint };

export const productOf = (ratios: readonly Ratio[]): Ratio =>
  ratios.reduce((all, { num, den }) => ({ num: all.num * num, den: all.den * den }), { num: 1n, den: 1n });
