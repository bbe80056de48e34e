/**
 * Jackpots of ours: what a stake puts into a pool and what a win takes out of it. Both are lines of the bet's and the
 * win's own journals, so that a rollback takes them back with the rest; no row of a pool is updated per bet.
 */
import type { Units } from '../money.ts';
import { jackpotCost, jackpotOf, type HouseAccount } from './chart.ts';
import type { OriginalPosting, Posting } from './postings.ts';

export type JackpotShare = { readonly pool: string; readonly contributionBps: number };

/** Of a win, what is jackpot. `pool` is null for a jackpot of the provider's, which is paid like any win. */
export type JackpotWin = { readonly pool: string | null; readonly amount: Units };

/**
 * The share of the real-money stake that the house adds to the pool, rounded down to the ledger unit. It is a cost of
 * its own and not less revenue: GGR stays stakes less wins, and NGR subtracts it. Bonus money feeds no pool.
 */
export function jackpotContribution(share: JackpotShare, realStake: Units): Posting[] {
  const amount = (realStake * BigInt(share.contributionBps)) / 10_000n;
  if (amount === 0n) return [];
  return [
    { side: 'house', account: jackpotCost, amount: -amount },
    { side: 'house', account: jackpotOf(share.pool), amount },
  ];
}

/**
 * Lets the pool pay its part of a win instead of the game's revenue. A pool that holds less goes below zero: the win
 * was announced, and what is short is the house's to fund.
 */
export function payFromPool(
  postings: readonly Posting[],
  gaming: HouseAccount,
  jackpot: JackpotWin,
): Posting[] {
  const { pool, amount } = jackpot;
  if (pool === null || amount === 0n) return [...postings];
  return postings
    .map((line) => (line.account === gaming ? { ...line, amount: line.amount + amount } : line))
    .concat({ side: 'house', account: jackpotOf(pool), amount: -amount })
    .filter((line) => line.amount !== 0n);
}

/** The lines that undo what an original moved in and out of pools. */
export const undoJackpots = (original: readonly OriginalPosting[]): Posting[] =>
  original.flatMap((line) =>
    !line.ofPlayer && (line.account === jackpotCost || line.account.startsWith('jackpot:'))
      ? [{ side: 'house', account: line.account as HouseAccount, amount: -line.amount }]
      : [],
  );
