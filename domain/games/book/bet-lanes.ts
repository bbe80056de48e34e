/** Cuts the bets of a market into lanes by their players, so that lanes are settled side by side and never meet in a wallet. */

/** A place in the order in which bets are settled: by player, then by bet. */
export type BetPlace = { readonly playerId: string; readonly betId: string };

/** Bets behind `after`, of players up to and including `until`. */
export type BetLane = { readonly after: BetPlace; readonly until: string };

const lowest = '00000000-0000-0000-0000-000000000000';
const highestOf = (digit: string): string => `${digit}fffffff-ffff-ffff-ffff-ffffffffffff`;

/** Before every bet. */
export const firstPlace: BetPlace = { playerId: lowest, betId: lowest };

/** Four lanes keep a worker and the database busy at the same time. Ids of players are even over their space. */
export const betLanes: readonly BetLane[] = ['3', '7', 'b', 'f'].map((digit, index, ends) => ({
  after: index === 0 ? firstPlace : { playerId: highestOf(ends[index - 1] ?? '0'), betId: highestOf('f') },
  until: highestOf(digit),
}));

/** All bets as one lane. */
export const everyBet: BetLane = { after: firstPlace, until: highestOf('f') };
