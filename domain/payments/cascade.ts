/** Whether a deposit may be tried again and where: only after proof that the last attempt took no money. */
import type { AttemptState } from './attempt-state.ts';
import { hasTakenMoney, isOpenOrApproved } from './attempt-state.ts';
import { mayCascade, type DeclineClass } from './decline-class.ts';

export type AttemptSummary = {
  readonly psp: string;
  readonly state: AttemptState;
  readonly declineClass: DeclineClass | null;
  readonly stepUp: boolean;
  /** The player was sent to the issuer, or to a wallet. */
  readonly challenged?: boolean;
};

export type NextStep =
  | { readonly kind: 'attempt'; readonly number: number; readonly psp: string; readonly stepUp: boolean }
  /** An attempt is open: ask for its status, never for another charge. */
  | { readonly kind: 'wait' }
  /** Held on the card: capture and void are up to staff. */
  | { readonly kind: 'authorised' }
  | { readonly kind: 'approved' }
  | { readonly kind: 'stop'; readonly reason: string };

/** Network rules count attempts at cards; three are enough for two PSPs and one step-up. */
export const attemptsMax = 3;

/** A decline that another PSP may see differently is taken to one other PSP, and not to a third. */
const declinesMax = 2;

/** A player is sent away once, and once more at the most. */
const challengesMax = 2;

/** After this long without the player, another PSP would surprise more than it helps. */
export const cascadeWindowMs = 60_000;

/**
 * @param psps in the order of the route
 * @param waitedMs since the player last did something about this deposit
 */
export function nextStep(
  psps: readonly string[],
  attempts: readonly AttemptSummary[],
  waitedMs: number,
): NextStep {
  if (attempts.some(({ state }) => hasTakenMoney(state))) return { kind: 'approved' };
  if (attempts.some(({ state }) => state === 'authorised')) return { kind: 'authorised' };
  if (attempts.some(({ state }) => isOpenOrApproved(state))) return { kind: 'wait' };
  const number = attempts.length + 1;
  const last = attempts.at(-1);
  if (last === undefined) {
    const psp = psps[0];
    return psp === undefined
      ? { kind: 'stop', reason: 'no-psp' }
      : { kind: 'attempt', number, psp, stepUp: false };
  }
  const reason = reasonOf(last);
  if (number > attemptsMax || waitedMs > cascadeWindowMs) return { kind: 'stop', reason };
  if (attempts.filter(({ challenged }) => challenged === true).length >= challengesMax)
    return { kind: 'stop', reason };
  if (last.state === 'declined' && last.declineClass === 'sca_required') {
    return last.stepUp ? { kind: 'stop', reason } : { kind: 'attempt', number, psp: last.psp, stepUp: true };
  }
  const declines = attempts.filter(
    ({ state, declineClass }) => state === 'declined' && declineClass !== null && mayCascade(declineClass),
  );
  if (declines.length >= declinesMax) return { kind: 'stop', reason };
  const provenHarmless = last.state === 'not_sent' || declines.includes(last);
  const other = psps.find((psp) => attempts.every((attempt) => attempt.psp !== psp));
  return provenHarmless && other !== undefined
    ? { kind: 'attempt', number, psp: other, stepUp: false }
    : { kind: 'stop', reason };
}

/** Why the deposit ended, in a word that is safe to show: refusal details help card testers. */
function reasonOf(last: AttemptSummary): string {
  if (last.state === 'cancelled') return 'action-expired';
  if (last.state === 'not_sent') return 'psp-unavailable';
  switch (last.declineClass) {
    case 'soft_later':
      return 'try-later-or-less';
    case 'fix_data':
      return 'check-card-data';
    case 'sca_required':
    case 'not_authenticated':
      return 'not-authenticated';
    case 'hard_never':
      return 'use-another-method';
    case 'generic':
    case 'issuer_unavailable':
    case 'psp_risk':
    case null:
      return 'declined';
  }
}
