/** Which PSP a leg is offered to next: another one only after proof that nothing was sent, never after an answer. */
import type { PayoutState } from './payout-state.ts';

export type PayoutOption = { readonly psp: string; readonly token: string };

export type PayoutTry = { readonly psp: string; readonly state: PayoutState };

/**
 * Where the next attempt goes; null when the leg has an end, is open, or was declined: what becomes of a declined leg is
 * not this rule's to say. A PSP that could not be reached gives way to the next and comes around again.
 * @param tries in order
 */
export function nextPayout(
  options: readonly PayoutOption[],
  tries: readonly PayoutTry[],
): PayoutOption | null {
  const last = tries.at(-1);
  if (last === undefined) return options[0] ?? null;
  if (last.state !== 'not_sent') return null;
  if (tries.some(({ state }) => state !== 'declined' && state !== 'not_sent')) return null;
  const at = options.findIndex(({ psp }) => psp === last.psp);
  const after = [...options.slice(at + 1), ...options.slice(0, at + 1)];
  // Older builds went on after some declines; who declined then is not asked again.
  const declined = tries.flatMap(({ psp, state }) => (state === 'declined' ? [psp] : []));
  return after.find(({ psp }) => !declined.includes(psp)) ?? null;
}
