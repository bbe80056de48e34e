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
  /** Captured deposits less refunds, chargebacks and payouts that are made or on their way. May be below zero. */
  readonly net: Units;
  /** The instrument can take money now: its card has not expired, its network carries the asset. */
  readonly isPayable: boolean;
};

export type PlannedLeg = {
  /** From 1. */
  readonly leg: number;
  readonly instrumentId: string;
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
  /** Oldest first. */
  readonly sources: readonly PayoutSource[];
};

/** So many instruments share a withdrawal at most; what more would wait is for a person to see. */
export const plannedLegsMax = 10;

/**
 * The named instrument comes first with its own deposits and takes the rest. Failure: `amount-too-small` when the fee
 * leaves nothing.
 */
export function planPayout(ask: PayoutAsk): Result<readonly PlannedLeg[]> {
  const { amount, fee, unit, namedInstrumentId } = ask;
  if (amount - fee < unit) return fail('amount-too-small', 'The fee leaves nothing to pay out.');
  let left = amount - fee;
  const shares = new Map<string, Units>();
  const isNamed = (source: PayoutSource): boolean => source.instrumentId === namedInstrumentId;
  const inOrder = [...ask.sources.filter(isNamed), ...ask.sources.filter((source) => !isNamed(source))];
  for (const { instrumentId, net, isPayable } of inOrder) {
    // One place is kept for the rest.
    if (instrumentId === null || !isPayable || shares.size >= plannedLegsMax - 1) continue;
    const returnable = net < left ? net : left;
    const share = returnable > 0n ? returnable - (returnable % unit) : 0n;
    if (share === 0n) continue;
    shares.set(instrumentId, (shares.get(instrumentId) ?? 0n) + share);
    left -= share;
  }
  if (left > 0n) shares.set(namedInstrumentId, (shares.get(namedInstrumentId) ?? 0n) + left);
  const payouts = [...shares];
  const fees = spreadFee(
    fee,
    payouts.map(([, payout]) => payout),
    unit,
  );
  return succeed(
    payouts.map(([instrumentId, payout], index) => {
      const share = fees[index] ?? 0n;
      return { leg: index + 1, instrumentId, amount: payout + share, fee: share };
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
