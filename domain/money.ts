/**
 * Exact money: a bigint at the asset's ledger scale inside the code, a decimal string on every wire.
 * No function here passes through a floating-point number.
 */
import { assets, type Asset } from './assets.ts';
import { fail, succeed, type Result } from './failures.ts';

/** Money as it travels in workflow payloads, API bodies and events. */
export type MoneyText = { readonly amount: string; readonly asset: string };

/** Integer units at the asset's ledger scale. */
export type Units = bigint;

const decimalForm = /^-?\d{1,26}(\.\d{1,18})?$/;

/** Looks an asset up by its code; `unknown-asset` when the platform does not keep it. */
export function assetOf(code: string): Result<Asset> {
  const asset = assets.get(code);
  return asset ? succeed(asset) : fail('unknown-asset', `There is no asset ${code.slice(0, 12)}.`);
}

/**
 * Reads a decimal string into units at `scale` decimal places.
 * Refuses anything that is not plain decimal notation (`invalid-request`) or finer than the scale (`amount-too-precise`).
 */
export function parseDecimal(text: string, scale: number): Result<Units> {
  if (!decimalForm.test(text))
    return fail('invalid-request', 'An amount is a plain decimal string such as "12.50".');
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const excess = fraction.slice(scale);
  if (/[1-9]/.test(excess)) return fail('amount-too-precise', `At most ${scale} decimal places are allowed.`);
  const units = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  return succeed(negative ? -units : units);
}

/** Writes units at `scale` as the shortest plain decimal string with at least `digitsMin` decimals. */
export function formatDecimal(units: Units, scale: number, digitsMin = 0): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  let fraction = scale === 0 ? '' : digits.slice(-scale);
  while (fraction.length > digitsMin && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return `${negative ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}`;
}

/** Moves units between scales; going coarser rounds toward zero, so the residue stays where it was. */
export function rescale(units: Units, fromScale: number, toScale: number): Units {
  return toScale >= fromScale
    ? units * 10n ** BigInt(toScale - fromScale)
    : units / 10n ** BigInt(fromScale - toScale);
}

/** Units at ledger scale from money text; the amount may be negative only where the caller allows it. */
export function toUnits(money: MoneyText): Result<Units> {
  const asset = assetOf(money.asset);
  return asset.ok ? parseDecimal(money.amount, asset.value.ledgerScale) : asset;
}

/** Money text from units at the asset's ledger scale, with at least the decimals that the asset is paid in. */
export function toMoneyText(units: Units, assetCode: string): MoneyText {
  const asset = assets.get(assetCode);
  if (!asset) throw new Error(`Invariant broken: unknown asset ${assetCode}`);
  return { amount: formatDecimal(units, asset.ledgerScale, asset.payableScale), asset: assetCode };
}

/** Largest amount a single command may move: 10^15 whole units, far below what numeric(38,0) holds at scale 18. */
export const amountMaxWhole = 10n ** 15n;

/**
 * Reads an amount that a player or PSP moves: positive, at most `amountMaxWhole`, and payable (no finer than the
 * asset's payable unit). Returns units at ledger scale.
 */
export function parsePayable(money: MoneyText): Result<Units> {
  const asset = assetOf(money.asset);
  if (!asset.ok) return asset;
  const payable = parseDecimal(money.amount, asset.value.payableScale);
  if (!payable.ok) return payable;
  if (payable.value <= 0n) return fail('amount-not-positive', 'The amount must be greater than zero.');
  if (payable.value > amountMaxWhole * 10n ** BigInt(asset.value.payableScale)) {
    return fail('amount-too-large', 'The amount is beyond what one payment may move.');
  }
  return succeed(rescale(payable.value, asset.value.payableScale, asset.value.ledgerScale));
}

/**
 * Reads an amount that moves inside the ledger: positive, at most `amountMaxWhole`, and as fine as the ledger keeps it.
 * Returns units at ledger scale.
 */
export function parseMoved(money: MoneyText): Result<Units> {
  const asset = assetOf(money.asset);
  if (!asset.ok) return asset;
  const units = parseDecimal(money.amount, asset.value.ledgerScale);
  if (!units.ok) return units;
  if (units.value <= 0n) return fail('amount-not-positive', 'The amount must be greater than zero.');
  if (units.value > amountMaxWhole * 10n ** BigInt(asset.value.ledgerScale))
    return fail('amount-too-large', 'The amount is beyond what one movement may carry.');
  return units;
}

/**
 * Splits units into what can be paid out and what cannot: rounded down to the payable unit. The residue is not lost and
 * not ours: it stays on the player's account. Debts (negative units) are not payable at all.
 */
export function quantisePayable(
  units: Units,
  assetCode: string,
): { readonly payable: Units; readonly residue: Units } {
  const asset = assets.get(assetCode);
  if (!asset) throw new Error(`Invariant broken: unknown asset ${assetCode}`);
  if (units < 0n) return { payable: 0n, residue: units };
  const coarse = rescale(units, asset.ledgerScale, asset.payableScale);
  const payable = rescale(coarse, asset.payableScale, asset.ledgerScale);
  return { payable, residue: units - payable };
}

/** Minor units (cents) for a PSP from ledger units; throws when a residue would be lost. */
export function toMinorUnits(units: Units, assetCode: string): bigint {
  const asset = assets.get(assetCode);
  if (!asset) throw new Error(`Invariant broken: unknown asset ${assetCode}`);
  const minor = rescale(units, asset.ledgerScale, asset.payableScale);
  if (rescale(minor, asset.payableScale, asset.ledgerScale) !== units) {
    throw new Error('Invariant broken: an amount finer than the payable unit was about to be paid');
  }
  return minor;
}

/** Ledger units from a PSP's minor units (cents). */
export function fromMinorUnits(minor: bigint, assetCode: string): Units {
  const asset = assets.get(assetCode);
  if (!asset) throw new Error(`Invariant broken: unknown asset ${assetCode}`);
  return rescale(minor, asset.payableScale, asset.ledgerScale);
}
