/** Money as PSP interfaces carry it: a JSON number of minor units, which must not pass 2^53. */
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import {
  fromMinorUnits,
  toMinorUnits,
  toMoneyText,
  toUnits,
  type MoneyText,
  type Units,
} from '#domain/money.ts';

/** Throws for an amount that a number cannot carry: the edge has refused those long before. */
export function minorNumber(money: MoneyText): number {
  const minor = Number(toMinorUnits(orThrow(toUnits(money)), money.asset));
  if (!Number.isSafeInteger(minor))
    throw new Error('Invariant broken: an amount beyond what a PSP can be told');
  return minor;
}

/** Money from a PSP's answer; throws on what is no amount of an asset we keep. */
export function fromMinorNumber(minor: number, currency: string): MoneyText {
  if (!Number.isSafeInteger(minor) || minor < 0) throw new Error('A PSP answered with an impossible amount');
  const asset = currency.toUpperCase();
  return toMoneyText(fromMinorUnits(BigInt(minor), asset), asset);
}

/** An amount of a settlement file; throws `invalid-request` for what is none. */
export function settledUnits(amount: string, asset: string): Units {
  const units = toUnits({ amount, asset });
  if (units.ok) return units.value;
  throw new FailureError(fail('invalid-request', `A line cannot be read: ${units.failure.detail}`).failure);
}
