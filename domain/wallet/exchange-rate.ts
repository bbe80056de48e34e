/** Exact rates between assets: a fraction of integers, so that no exchange passes through a rounded number. */
import type { Asset } from '../assets.ts';
import { fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';

/** Whole units bought for one whole unit sold, as `numerator / denominator`, both greater than zero. */
export type Rate = { readonly numerator: bigint; readonly denominator: bigint };

const decimalForm = /^\d{1,20}(?:\.\d{1,18})?$/;
const fractionForm = /^(\d{1,38})\/(\d{1,38})$/;

/** Reads `1.0825` or `433/400`. Fails with `invalid-request` on anything else and on zero. */
export function parseRate(text: string): Result<Rate> {
  const rate = decimalForm.test(text) ? ofDecimal(text) : ofFraction(text);
  if (rate === null || rate.numerator === 0n || rate.denominator === 0n)
    return fail('invalid-request', 'A rate is a positive decimal such as "1.0825" or a fraction "433/400".');
  return succeed(rate);
}

function ofDecimal(text: string): Rate {
  const [whole = '0', fraction = ''] = text.split('.');
  return { numerator: BigInt(whole + fraction), denominator: 10n ** BigInt(fraction.length) };
}

function ofFraction(text: string): Rate | null {
  const [, numerator, denominator] = fractionForm.exec(text) ?? [];
  if (numerator === undefined || denominator === undefined) return null;
  return { numerator: BigInt(numerator), denominator: BigInt(denominator) };
}

/**
 * Units of `bought` for `units` of `sold`, both at ledger scale. The result is rounded down to the bought asset's
 * ledger unit: the player never gets more than the rate gives, and loses less than one unit of the twelfth decimal
 * (the eighteenth of a wei-denominated asset). The fraction of a unit stays in the house's position.
 */
export const boughtFor = (units: Units, sold: Asset, bought: Asset, rate: Rate): Units =>
  (units * rate.numerator * 10n ** BigInt(bought.ledgerScale)) /
  (rate.denominator * 10n ** BigInt(sold.ledgerScale));
