/** Which PSP a leg is offered to next: another one only after proof that the last one paid nothing. */
import { mayCascade, type DeclineClass } from './decline-class.ts';
import type { PayoutState } from './payout-state.ts';

export type PayoutOption = { readonly psp: string; readonly token: string };

export type PayoutTry = {
  readonly psp: string;
  readonly state: PayoutState;
  readonly declineClass: DeclineClass | null;
};

/**
 * Where the next attempt goes; null when the leg has an end, is open, or nobody is left. A PSP that declined is not asked
 * again; one that could not be reached gives way to the next and comes around again.
 * @param tries in order
 */
export function nextPayout(
  options: readonly PayoutOption[],
  tries: readonly PayoutTry[],
): PayoutOption | null {
  const last = tries.at(-1);
  if (last === undefined) return options[0] ?? null;
  if (tries.some(({ state }) => state !== 'declined' && state !== 'not_sent')) return null;
  const declines = tries.filter(({ state }) => state === 'declined');
  // A decline that another PSP would only repeat, or whose class nobody knows, is the end.
  if (declines.some(({ declineClass }) => declineClass === null || !mayCascade(declineClass))) return null;
  const open = options.filter(({ psp }) => declines.every((one) => one.psp !== psp));
  const at = options.findIndex(({ psp }) => psp === last.psp);
  const after = [...options.slice(at + 1), ...options.slice(0, at + 1)];
  return after.find((option) => open.includes(option)) ?? null;
}
