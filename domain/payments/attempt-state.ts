/** Where one attempt at a PSP stands, and the only steps it may take; the database repeats both. */
import type { PspOutcome } from './outcome.ts';

export const attemptStates = [
  'started',
  'pending',
  'action',
  'authorised',
  'approved',
  'declined',
  'not_sent',
  'unknown',
  'cancelled',
  'late_approved',
] as const;

export type AttemptState = (typeof attemptStates)[number];

/** Money may still move, or has moved: while one attempt is here, no other may begin. */
export const isOpenOrApproved = (state: AttemptState): boolean =>
  state === 'started' ||
  state === 'pending' ||
  state === 'action' ||
  state === 'unknown' ||
  state === 'authorised' ||
  state === 'approved';

/** The attempt has an end, with or without money; an authorisation ends it, too: the rest is up to staff. */
export const isResolved = (state: AttemptState): boolean =>
  !isOpenOrApproved(state) || state === 'approved' || state === 'authorised';

/** The PSP has charged, however late that was known. */
export const hasTakenMoney = (state: AttemptState): boolean =>
  state === 'approved' || state === 'late_approved';

/** Closed, and without money as far as is known: only a late word of the PSP changes that. */
export const isClosedUnpaid = (state: AttemptState): boolean =>
  !isOpenOrApproved(state) && state !== 'late_approved';

/**
 * The state after hearing `outcome`. Monotonic: what is closed stays closed, and the one way out is money that came
 * after all (`late_approved`). An outcome that proves nothing changes nothing.
 */
export function applyOutcome(state: AttemptState, outcome: PspOutcome): AttemptState {
  if (hasTakenMoney(state)) return state;
  if (state === 'authorised') return afterAuthorisation(outcome);
  if (!isOpenOrApproved(state)) return outcome.kind === 'approved' ? 'late_approved' : state;
  switch (outcome.kind) {
    case 'approved':
      return 'approved';
    case 'authorised':
      return 'authorised';
    case 'declined':
      return 'declined';
    case 'cancelled':
      return 'cancelled';
    case 'action':
      return 'action';
    case 'pending':
      return 'pending';
    case 'not_found':
      // A PSP that forgot what it had acknowledged is no proof.
      if (state === 'started' || state === 'unknown') return outcome.authoritative ? 'not_sent' : 'unknown';
      return state;
    case 'not_sent':
      // Only the first call can prove this; a status question that did not leave says nothing about the charge.
      return state === 'started' ? 'not_sent' : state;
    case 'unknown':
      return state === 'started' ? 'unknown' : state;
  }
}

/** A hold ends by a capture or without one; what else a PSP says of it is no end. */
const afterAuthorisation = (outcome: PspOutcome): AttemptState =>
  outcome.kind === 'approved' ? 'approved' : outcome.kind === 'cancelled' ? 'cancelled' : 'authorised';
