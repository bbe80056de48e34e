/** Rules of the wallet that pays out: how fees grow, how long a new destination rests, and how full it should be. */
import { orThrow } from '../../failures.ts';
import { parseDecimal, type Units } from '../../money.ts';
import { assets } from '../../assets.ts';

/** A new destination is used after this time: whoever takes over an account does not take its money the same day. */
export const destinationRestMs = 24 * 3_600_000;

/** A signed transfer that no block holds after this time is offered again with a higher fee. */
export const bumpAfterMs = 3 * 60_000;

/** After so many fees a person decides what it is worth. */
export const bumpsMax = 8;

export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint };

/** Nodes take a replacement from 10 % more on, of both fees. */
export function bumpFees(before: Fees, market: Fees): Fees {
  const raise = (fee: bigint): bigint => fee + fee / 8n + 1n;
  const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
  const maxPriorityFeePerGas = max(raise(before.maxPriorityFeePerGas), market.maxPriorityFeePerGas);
  const maxFeePerGas = max(raise(before.maxFeePerGas), market.maxFeePerGas);
  return { maxFeePerGas: max(maxFeePerGas, maxPriorityFeePerGas), maxPriorityFeePerGas };
}

/** What the hot wallet should hold; outside of it a person moves money from or to cold storage. */
const levels: Readonly<Record<string, { readonly low: string; readonly high: string }>> = {
  USDT: { low: '5000', high: '100000' },
  USDC: { low: '5000', high: '100000' },
  ETH: { low: '0.5', high: '50' },
  BNB: { low: '1', high: '200' },
  POL: { low: '500', high: '200000' },
};

/** Null where the asset has no levels. `owed` is what queued payouts will take. */
export function levelOf(asset: string, held: Units, owed: Units): 'low' | 'fits' | 'high' | null {
  const level = levels[asset];
  const scale = assets.get(asset)?.ledgerScale;
  if (level === undefined || scale === undefined) return null;
  const units = (decimal: string): Units => orThrow(parseDecimal(decimal, scale));
  if (held - owed < units(level.low)) return 'low';
  return held > units(level.high) ? 'high' : 'fits';
}

/** What lies at a player's address is collected from this amount on: below it the fee eats it. */
const collectFrom: Readonly<Record<string, string>> = {
  USDT: '20',
  USDC: '20',
  ETH: '0.01',
  BNB: '0.05',
  POL: '50',
};

/** Null where an asset is never collected. */
export function collectMinimum(asset: string): Units | null {
  const minimum = collectFrom[asset];
  const scale = assets.get(asset)?.ledgerScale;
  return minimum === undefined || scale === undefined ? null : orThrow(parseDecimal(minimum, scale));
}
