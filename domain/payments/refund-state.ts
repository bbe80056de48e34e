/** Where a refund stands, what its one call to the PSP has shown, and the text that a second person decides on. */
import type { Units } from '../money.ts';
import type { PspOutcome } from './outcome.ts';
import { applyPayoutOutcome, payoutStates, type PayoutState } from './payout-state.ts';

export const refundStates = [
  'requested',
  'awaiting-approval',
  'approved',
  'submitted',
  'paid',
  'refused',
  'returned',
  'parked',
] as const;

export type RefundState = (typeof refundStates)[number];

/** As a payout's, and `returned`: the bank sent back what had been paid. */
export type RefundCallState = PayoutState | 'returned';

export const isRefundCallResolved = (state: RefundCallState): boolean =>
  state !== 'started' && state !== 'pending' && state !== 'unknown';

/**
 * The state after hearing `outcome`: monotonic as for payouts, but a paid refund can still fail, because the player's
 * bank may send it back days later.
 */
export function applyRefundOutcome(state: RefundCallState, outcome: PspOutcome): RefundCallState {
  if (state === 'returned') return state;
  if ((state === 'paid' || state === 'late_paid') && outcome.kind === 'declined') return 'returned';
  return applyPayoutOutcome(state, outcome);
}

export function refundCallStateOf(text: string): RefundCallState {
  if (text === 'returned') return text;
  const state = payoutStates.find((known) => known === text);
  if (state === undefined) throw new Error(`Invariant broken: refund call state ${text}`);
  return state;
}

export function refundStateOf(text: string): RefundState {
  const state = refundStates.find((known) => known === text);
  if (state === undefined) throw new Error(`Invariant broken: refund state ${text}`);
  return state;
}

/** The text whose SHA-256 the decision of the second person is bound to. */
export const refundContent = (refund: {
  readonly id: string;
  readonly depositId: string;
  readonly playerId: string;
  readonly asset: string;
  readonly amount: Units;
  readonly reason: string;
}): string =>
  [
    'refund',
    refund.id,
    refund.depositId,
    refund.playerId,
    refund.asset,
    refund.amount.toString(),
    refund.reason,
  ].join('\n');
