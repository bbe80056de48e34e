/** A question whether a player is on a list, asked before money leaves: how long an answer holds, and what a hit means. */

export const screeningStates = ['asked', 'clear', 'hit', 'cleared', 'confirmed'] as const;
export type ScreeningState = (typeof screeningStates)[number];

/**
 * How long an answer may be used: the sanctions lists of the UN, the EU, OFAC and the UK change on working days, up to once
 * a day, and apply from publication. An older answer may miss one of them.
 */
export const screeningHoldsHours = 24;

export type ScreeningOutcome =
  /** Nobody is on a list, or every match was cleared by a person. */
  | 'clear'
  /** A person has to decide. */
  | 'hit'
  /** A person has said that it is the player: nothing is paid and nothing is given back. */
  | 'confirmed'
  /** No answer that may be used: never a pass. */
  | 'unavailable';

/** A match that a person has cleared for this player before is no news, whichever payment it is told for. */
export const isNews = (hitIds: readonly string[], clearedBefore: readonly string[]): boolean =>
  hitIds.some((id) => !clearedBefore.includes(id));
