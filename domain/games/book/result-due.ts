/** When somebody must be told that a market with open bets still has no result. */

/** Hours after the end of an event, as the feed told it, within which a feed gives its results. */
export const resultGuardH = 2;

/**
 * Hours from the start after which an event that nobody has called ended is taken for one. Longer than a match with extra time
 * or five sets; what lasts for days tells its end, and until then its item tells that it is still awaited.
 */
export const eventLastsH = 6;
