/** Where one payout attempt stands; the same rules as for charges, without a player who must act. */
import type { AttemptState } from './attempt-state.ts';
import { applyOutcome } from './attempt-state.ts';
import type { PspOutcome } from './outcome.ts';

export const payoutStates = [
  'started',
  'pending',
  'paid',
  'declined',
  'not_sent',
  'unknown',
  'late_paid',
] as const;

export type PayoutState = (typeof payoutStates)[number];

export const isPayoutResolved = (state: PayoutState): boolean =>
  state !== 'started' && state !== 'pending' && state !== 'unknown';

/** Monotonic, as `applyOutcome`. */
export function applyPayoutOutcome(state: PayoutState, outcome: PspOutcome): PayoutState {
  const after = applyOutcome(toAttempt(state), outcome);
  switch (after) {
    case 'approved':
      return 'paid';
    case 'late_approved':
      return 'late_paid';
    case 'cancelled':
      return 'declined';
    // A PSP that wants the player to act on a payout has not understood it; its status will tell.
    case 'action':
    case 'authorised':
      return state === 'started' ? 'unknown' : state;
    default:
      return after;
  }
}

const toAttempt = (state: PayoutState): AttemptState =>
  state === 'paid' ? 'approved' : state === 'late_paid' ? 'late_approved' : state;

export function payoutStateOf(text: string): PayoutState {
  const state = payoutStates.find((known) => known === text);
  if (state === undefined) throw new Error(`Invariant broken: payout state ${text}`);
  return state;
}
