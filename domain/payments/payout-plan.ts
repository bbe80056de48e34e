/**
 * Where the money of a withdrawal goes: back to what paid in, up to the net deposits of each instrument, and the rest to
 * the account that the player named (closed loop, as anti-money-laundering rules ask for).
 */
import { fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';
import { spreadFee } from './withdrawal-fee.ts';

export type PayoutSource = {
  /** Null for money that came in without an instrument that we could pay to. */
  readonly instrumentId: string | null;
  /** The deposit whose charge is the way back, for a wallet; null or missing where the instrument itself is paid. */
  readonly depositId?: string | null;
  /** Captured deposits less refunds, chargebacks and payouts that are made or on their way. May be below zero. */
  readonly net: Units;
  /** The instrument can take money now: its card has not expired, its network carries the asset, its wallet takes charges back. */
  readonly isPayable: boolean;
};

export type PlannedLeg = {
  /** From 1. */
  readonly leg: number;
  readonly instrumentId: string;
  /** The deposit through whose charge a wallet gets it; null for every other instrument. */
  readonly depositId: string | null;
  /** Of the hold, the fee included. */
  readonly amount: Units;
  readonly fee: Units;
};

export type PayoutAsk = {
  readonly amount: Units;
  readonly fee: Units;
  /** The payable unit of the asset: no leg is smaller or between two of them. */
  readonly unit: Units;
  readonly namedInstrumentId: string;
  /** False for a wallet: it takes back what it paid in, and no more. Missing means true. */
  readonly namedTakesRest?: boolean;
  /** Oldest first. */
  readonly sources: readonly PayoutSource[];
};

/** So many instruments share a withdrawal at most; what more would wait is for a person to see. */
export const plannedLegsMax = 10;

type Share = { readonly instrumentId: string; readonly depositId: string | null; amount: Units };

/**
 * The named instrument comes first with its own deposits and takes the rest. Failures: `amount-too-small` when the fee
 * leaves nothing, `amount-above-maximum` when what is named takes no rest and there is one.
 */
export function planPayout(ask: PayoutAsk): Result<readonly PlannedLeg[]> {
  const { amount, fee, unit, namedInstrumentId, namedTakesRest = true } = ask;
  if (amount - fee < unit) return fail('amount-too-small', 'The fee leaves nothing to pay out.');
  let left = amount - fee;
  const shares = new Map<string, Share>();
  const give = (instrumentId: string, depositId: string | null, share: Units): void => {
    const place = `${instrumentId} ${depositId ?? ''}`;
    const known = shares.get(place);
    if (known === undefined) shares.set(place, { instrumentId, depositId, amount: share });
    else known.amount += share;
    left -= share;
  };
  // One place is kept for the rest.
  const placesMax = namedTakesRest ? plannedLegsMax - 1 : plannedLegsMax;
  const isNamed = (source: PayoutSource): boolean => source.instrumentId === namedInstrumentId;
  const inOrder = [...ask.sources.filter(isNamed), ...ask.sources.filter((source) => !isNamed(source))];
  for (const { instrumentId, depositId = null, net, isPayable } of inOrder) {
    if (instrumentId === null || !isPayable || shares.size >= placesMax) continue;
    const returnable = net < left ? net : left;
    const share = returnable > 0n ? returnable - (returnable % unit) : 0n;
    if (share > 0n) give(instrumentId, depositId, share);
  }
  if (left > 0n && !namedTakesRest)
    return fail(
      'amount-above-maximum',
      'A wallet takes back what it paid in and no more; name an account of your own for the rest.',
    );
  if (left > 0n) give(namedInstrumentId, null, left);
  const payouts = [...shares.values()];
  const fees = spreadFee(
    fee,
    payouts.map((share) => share.amount),
    unit,
  );
  return succeed(
    payouts.map(({ instrumentId, depositId, amount: payout }, index) => {
      const share = fees[index] ?? 0n;
      return { leg: index + 1, instrumentId, depositId, amount: payout + share, fee: share };
    }),
  );
}

/** True when legs pay winnings somewhere while deposits of another source still wait for their way back. */
export function skipsSources(
  legs: readonly Pick<PlannedLeg, 'instrumentId' | 'amount' | 'fee'>[],
  sources: readonly PayoutSource[],
): boolean {
  const net = new Map<string | null, Units>();
  for (const source of sources)
    net.set(source.instrumentId, (net.get(source.instrumentId) ?? 0n) + atLeastZero(source.net));
  let beyond = 0n;
  for (const { instrumentId, amount, fee } of legs) {
    const payout = amount - fee;
    const own = net.get(instrumentId) ?? 0n;
    beyond += atLeastZero(payout - own);
    net.set(instrumentId, atLeastZero(own - payout));
  }
  const waiting = [...net.values()].reduce((sum, units) => sum + units, 0n);
  return beyond > 0n && waiting > 0n;
}

const atLeastZero = (units: Units): Units => (units > 0n ? units : 0n);
