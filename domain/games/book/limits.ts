/** Smallest and largest stake and the largest payout of one bet, per asset: what the house is ready to lose on one slip. */
import { assets } from '../../assets.ts';
import { fail, succeed, type Result } from '../../failures.ts';
import { rescale, type Units } from '../../money.ts';

/** Units at ledger scale. */
export type BookLimits = {
  readonly stakeMin: Units;
  readonly stakeMax: Units;
  readonly payoutMax: Units;
  /** Ledger units of the smallest amount that the asset is paid in. */
  readonly payableUnit: Units;
};

/** In cents of assets that are worth about a euro a unit; others are a multiple of it. */
const inCents = { stakeMin: 10n, stakeMax: 1_000_000n, payoutMax: 50_000_000n };

/** What one euro is in the asset, roughly: limits of the house need no exchange rate. */
const perEuro: ReadonlyMap<string, bigint> = new Map([
  ['EUR', 1n],
  ['USD', 1n],
  ['GBP', 1n],
  ['CAD', 1n],
  ['USDT', 1n],
  ['SEK', 10n],
  ['NOK', 10n],
  ['PLN', 5n],
  ['BRL', 5n],
  ['INR', 100n],
  ['JPY', 100n],
  ['VND', 25_000n],
]);

/** Failures: `unknown-asset`, `unsupported-asset` (no book is made in it). */
export function bookLimitsOf(assetCode: string): Result<BookLimits> {
  const asset = assets.get(assetCode);
  if (!asset) return fail('unknown-asset', `There is no asset ${assetCode.slice(0, 12)}.`);
  const rate = perEuro.get(assetCode);
  if (rate === undefined) return fail('unsupported-asset', `Sports bets are not taken in ${assetCode}.`);
  const unitsOf = (cents: bigint) => rescale(cents * rate, 2, asset.ledgerScale);
  return succeed({
    stakeMin: unitsOf(inCents.stakeMin),
    stakeMax: unitsOf(inCents.stakeMax),
    payoutMax: unitsOf(inCents.payoutMax),
    payableUnit: payableUnitOf(assetCode),
  });
}

/** Ledger units of the asset's smallest payable amount. */
export function payableUnitOf(assetCode: string): Units {
  const asset = assets.get(assetCode);
  return asset ? rescale(1n, asset.payableScale, asset.ledgerScale) : 1n;
}
