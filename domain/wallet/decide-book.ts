/** The sportsbook's part of the wallet's reducer: the same brakes, sessions and limits as games, and results at any later time. */
import { assert, fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';
import type { BookCommand, BookPayCommand, BookStakeCommand } from './book-commands.ts';
import { addUsage, refuseStake, rollUsage } from './play-rules.ts';
import { bookPay, bookStake, type JournalCode, type Posting } from './postings.ts';
import type { PlayUsage, WalletState } from './state.ts';

export type BookPlan = {
  readonly next: WalletState;
  readonly code: JournalCode;
  readonly amount: Units;
  readonly postings: readonly Posting[];
  readonly answers: string | null;
};

/** What the command does to the wallet, or why not. A payment is never refused: its bet was taken. */
export function planBook(state: WalletState, command: BookCommand, nowMs: number): Result<BookPlan> {
  return command.kind === 'book-stake' ? planStake(state, command, nowMs) : planPay(state, command, nowMs);
}

function planStake(state: WalletState, stake: BookStakeCommand, nowMs: number): Result<BookPlan> {
  assert(stake.amount > 0n, 'a stake is greater than zero');
  const usage = rollUsage(state.usage, nowMs);
  // No bonus money is staked here, so an award's largest bet does not bind a bet out of the player's own.
  const refusal = refuseStake({ ...state, award: null }, usage, stake, nowMs);
  if (refusal) return { ok: false, failure: refusal };
  if (state.balances.cash < stake.amount) {
    return fail('insufficient-funds', 'The withdrawable balance does not cover the stake.');
  }
  return succeed({
    next: { ...state, usage: addUsage(usage, stake.amount, stake.amount) },
    code: 'book.place',
    amount: stake.amount,
    postings: bookStake(stake.amount),
    answers: null,
  });
}

function planPay(state: WalletState, pay: BookPayCommand, nowMs: number): Result<BookPlan> {
  assert(pay.delta !== 0n || pay.wasVoid !== pay.isVoid, 'a payment moves something');
  assert(pay.delta >= 0n || pay.code === 'book.correct', 'only a correction takes back');
  return succeed({
    next: { ...state, usage: usageAfter(rollUsage(state.usage, nowMs), pay) },
    code: pay.code,
    amount: pay.delta,
    postings: bookPay(state.balances, pay.delta),
    answers: pay.answers,
  });
}

/**
 * Limits end as if the last result had been the first: what a bet pays is a win of the moment when it was first settled, and
 * a void bet was no stake when it was placed, nor its return a win.
 */
function usageAfter(usage: PlayUsage, pay: BookPayCommand): PlayUsage {
  const { stake, delta, placedAtMs, wasVoid, isVoid } = pay;
  const settledAtMs = pay.settledAtMs ?? usage.atMs;
  if (wasVoid === isVoid) return addUsage(usage, 0n, -delta, settledAtMs);
  if (isVoid) return addUsage(addUsage(usage, -stake, -stake, placedAtMs), 0n, stake - delta, settledAtMs);
  return addUsage(addUsage(usage, stake, stake, placedAtMs), 0n, -(stake + delta), settledAtMs);
}
