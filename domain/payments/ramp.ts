/**
 * On- and off-ramp: money of a state given for a crypto asset, or the reverse, at a rate that is promised for a short
 * time. The player's rate is the market's less the spread, as an exact fraction, so that what was promised is what the
 * exchange is made at. Whatever is rounded is rounded down for the player; the rest stays in the house's position.
 */
import type { Asset } from '../assets.ts';
import { fail, succeed, type Result } from '../failures.ts';
import { amountMaxWhole, type Units } from '../money.ts';
import { boughtFor, type Rate } from '../wallet/exchange-rate.ts';

export const rampDirections = ['on-ramp', 'off-ramp'] as const;
export const rampQuoteStates = ['open', 'accepted', 'expired', 'cancelled'] as const;

export type RampDirection = (typeof rampDirections)[number];
export type RampQuoteState = (typeof rampQuoteStates)[number];

/** What a new brand begins with. */
export const firstRampTerms = { lifetimeS: 30, onRampSpreadBps: 100, offRampSpreadBps: 100 } as const;

/** Failure: `unsupported-asset`. */
export function rampDirection(pay: Asset, receive: Asset): Result<RampDirection> {
  if (pay.kind === receive.kind)
    return fail('unsupported-asset', 'A ramp is between the money of a state and a crypto asset.');
  return succeed(pay.kind === 'fiat' ? 'on-ramp' : 'off-ramp');
}

export type RampOffer = {
  /** The player's own rate, as stored and as the exchange is checked against. */
  readonly rate: string;
  readonly receive: Units;
  /** What the market's rate would give more, of the received asset. */
  readonly spread: Units;
};

/** Failures: `amount-not-positive` (it buys less than the smallest unit), `amount-too-large`. */
export function offerRamp(wish: {
  readonly pay: Units;
  readonly payAsset: Asset;
  readonly receiveAsset: Asset;
  readonly market: Rate;
  readonly spreadBps: number;
}): Result<RampOffer> {
  const { pay, payAsset, receiveAsset, market, spreadBps } = wish;
  const rate = lessSpread(market, spreadBps);
  const receive = boughtFor(pay, payAsset, receiveAsset, rate);
  if (receive <= 0n) return fail('amount-not-positive', 'The amount buys less than the smallest unit.');
  const most = boughtFor(pay, payAsset, receiveAsset, market);
  if (most > amountMaxWhole * 10n ** BigInt(receiveAsset.ledgerScale))
    return fail('amount-too-large', 'The amount buys more than can be booked at once.');
  return succeed({
    rate: `${rate.numerator}/${rate.denominator}`,
    receive,
    spread: most - receive,
  });
}

/** A stored rate has at most 38 digits on either side. */
const sideMax = 10n ** 38n - 1n;

/** Exact where it fits into a stored rate; otherwise the longer side is the longest there is, and the other one rounds for the house. */
export function lessSpread(market: Rate, spreadBps: number): Rate {
  const numerator = market.numerator * BigInt(10_000 - spreadBps);
  const denominator = market.denominator * 10_000n;
  const common = greatestCommonDivisor(numerator, denominator);
  const exact = { numerator: numerator / common, denominator: denominator / common };
  if (exact.numerator <= sideMax && exact.denominator <= sideMax) return exact;
  return exact.numerator > exact.denominator
    ? {
        numerator: sideMax,
        denominator: (sideMax * exact.denominator + exact.numerator - 1n) / exact.numerator,
      }
    : { numerator: (sideMax * exact.numerator) / exact.denominator, denominator: sideMax };
}

function greatestCommonDivisor(one: bigint, other: bigint): bigint {
  let [a, b] = [one, other];
  while (b > 0n) [a, b] = [b, a % b];
  return a;
}
