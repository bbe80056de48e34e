/** When a journal was made, from its id alone: a UUID of version 7 begins with the milliseconds of its making. */

/** Milliseconds since 1970 in the first 48 bits. */
export const instantMsOf = (timeOrderedId: string): number =>
  Number.parseInt(timeOrderedId.replace('-', '').slice(0, 12), 16);
