/** The pure reducer of the wallet: state and command in, postings or a refusal out. Every path to money runs it. */
import { assertNever } from '../failures.ts';
import type { Units } from '../money.ts';
import { instantMsOf } from '../time-ordered-id.ts';
import type { BookCommand } from './book-commands.ts';
import type { BetCommand, GameCommand, RollbackCommand, WalletCommand, WinCommand } from './commands.ts';
import { planBook } from './decide-book.ts';
import { decideTransfer } from './decide-transfer.ts';
import {
  accept,
  journalOf,
  refuse,
  type DecidedJournal,
  type Decision,
  type DecisionContext,
  type JournalFacts,
  type RoundChange,
} from './decision.ts';
import { bonusCost, casinoGaming } from './chart.ts';
import { decideFreeWin, isFreeStake, type FreeWin } from './free-play.ts';
import { jackpotContribution, payFromPool, undoJackpots } from './jackpots.ts';
import type { JournalDetails } from './journal-details.ts';
import { addUsage, refuseStake, rollUsage } from './play-rules.ts';
import * as post from './postings.ts';
import type { OriginalPosting, Posting } from './postings.ts';
import { isAwardLive, type WalletState } from './state.ts';

export type { DecidedJournal, Decision, DecisionContext, JournalFacts, RoundChange } from './decision.ts';

/** Decides one command on one wallet. Total: every expected obstacle is a refusal with a code. */
export function decide(state: WalletState, command: WalletCommand, context: DecisionContext): Decision {
  const { existing, calledBefore } = context;
  if (existing) return decideKnown(existing, command);
  // A call is processed once: under another transaction id it gets the first answer again.
  if (calledBefore) {
    return calledBefore.playerId === command.playerId
      ? { kind: 'repeat', journalId: calledBefore.id }
      : refuse('duplicate-transaction', 'This call id was used for another player.');
  }
  switch (command.kind) {
    case 'bet':
      return decideBet(state, command, context);
    case 'win':
      return decideWin(state, command, context);
    case 'rollback':
      return decideRollback(state, command, context);
    case 'transfer':
      return decideTransfer(state, command, context);
    case 'book-stake':
    case 'book-pay':
      return decideBook(state, command, context);
    default:
      return assertNever(command);
  }
}

function decideKnown(existing: JournalFacts, command: WalletCommand): Decision {
  if (existing.playerId !== command.playerId) {
    return refuse('duplicate-transaction', 'This transaction id was used for another player.');
  }
  if (existing.code === 'bet.tombstone' && command.kind !== 'rollback') {
    const tolerated = 'tolerateTombstone' in command && command.tolerateTombstone === true;
    return tolerated
      ? { kind: 'repeat', journalId: existing.id }
      : refuse('transaction-rolled-back', 'This transaction was rolled back before it arrived.');
  }
  return existing.fingerprint === command.fingerprint
    ? { kind: 'repeat', journalId: existing.id }
    : refuse('duplicate-transaction', 'This transaction id was used with other content.');
}

function decideBet(state: WalletState, bet: BetCommand, { nowMs }: DecisionContext): Decision {
  if (bet.isGameOpen === false) return refuse('unknown-game', 'The game takes no new stakes.');
  const usage = rollUsage(state.usage, nowMs);
  const refusal = refuseStake(state, usage, bet, nowMs);
  if (refusal) return { kind: 'refuse', failure: refusal };
  const live = isAwardLive(state, nowMs);
  const split = post.splitStake(state.balances, bet.amount, live);
  if (!split) return refuse('insufficient-funds', 'The balance does not cover the stake.');

  const wagered = live && state.award ? progressWagering(state.award.wageringLeft, bet) : null;
  return accept(
    {
      ...state,
      usage: addUsage(usage, bet.amount, bet.amount),
      award: state.award && wagered ? { ...state.award, wageringLeft: wagered.left } : state.award,
    },
    journalOf(bet, 'bet.place', bet.amount, betPostings(bet, split), {
      details: betDetails(state, bet, split, wagered),
    }),
    roundOf(bet, { staked: bet.amount }),
    wagered?.completed ? (state.award?.id ?? null) : null,
  );
}

const betPostings = ({ jackpotShare: share }: BetCommand, split: post.StakeSplit): Posting[] =>
  share ? [...post.betPlace(split), ...jackpotContribution(share, split.cash)] : post.betPlace(split);

type Progress = { readonly left: Units; readonly counted: Units; readonly completed: boolean };

/**
 * Progress is kept with the bet that gave it, so that a rollback can take exactly that back, and the award with the bet
 * that took its money, so that a win finds what has become of it.
 */
function betDetails(
  { award }: WalletState,
  bet: BetCommand,
  split: post.StakeSplit,
  progress: Progress | null,
): JournalDetails | null {
  const given = bet.details ?? null;
  const counted = progress?.counted ?? 0n;
  if (!award || (counted === 0n && split.bonus === 0n)) return given;
  return {
    ...given,
    ...(counted > 0n ? { wagering: { awardId: award.id, units: counted.toString() } } : null),
    ...(split.bonus > 0n ? { bonusAward: award.id } : null),
  };
}

function progressWagering(left: Units, bet: BetCommand): Progress {
  const counted = (bet.amount * BigInt(bet.contributionBps)) / 10_000n;
  const next = counted < left ? left - counted : 0n;
  return { left: next, counted: left - next, completed: left > 0n && next === 0n };
}

function decideWin(state: WalletState, win: WinCommand, { nowMs, referenced }: DecisionContext): Decision {
  if (win.betExternalId !== null) {
    if (!referenced || referenced.playerId !== state.playerId || referenced.asset !== state.asset) {
      return refuse('transaction-not-found', 'The bet of this win is not known.');
    }
    if (referenced.givenBack === true)
      return refuse('stake-returned', 'We gave the stake of this win back before it came.');
    if (referenced.code === 'bet.tombstone' || referenced.reversed) {
      return refuse('transaction-rolled-back', 'The bet of this win was rolled back.');
    }
    if (referenced.code !== 'bet.place')
      return refuse('transaction-not-found', 'The win refers to something that is no bet.');
  }
  const free = win.free ?? (referenced?.details?.free ? { terms: null } : null);
  if (free && (!referenced || isFreeStake(referenced.postings)))
    return freeWin(state, win, free, referenced, nowMs);
  const share = bonusShareOf(state, referenced, nowMs);
  const lines = post.betWin(state.balances, win.amount, stakeOf(referenced), share);
  const paid = paidTo(lines);
  // A stake of before awards were kept with it has shared with the award that lives now.
  const gotBy = bonusOf(lines) > 0n ? (awardBehind(referenced) ?? state.award?.id) : undefined;
  const postings = win.jackpotWin
    ? payFromPool(lines, casinoGaming, { ...win.jackpotWin, amount: least(win.jackpotWin.amount, paid) })
    : lines;
  return accept(
    { ...state, usage: addUsage(rollUsage(state.usage, nowMs), 0n, -paid) },
    journalOf(win, 'bet.win', win.amount, postings, {
      answers: referenced?.id ?? null,
      details: gotBy === undefined ? (win.details ?? null) : { ...win.details, bonusAward: gotBy },
    }),
    roundOf(win, { won: win.amount }),
  );
}

/** A stake that was taken before its award was kept with it tells by its progress, where it made any. */
const awardBehind = (bet: JournalFacts | null): string | null =>
  bet?.details?.bonusAward ?? bet?.details?.wagering?.awardId ?? null;

function bonusShareOf(state: WalletState, bet: JournalFacts | null, nowMs: number): post.BonusShare {
  const live = isAwardLive(state, nowMs);
  const behind = awardBehind(bet);
  if (behind === null) return live ? 'bonus' : 'cash';
  // Out of time, it is about to be forfeited, unless all of it was staked: then it is about to convert.
  if (state.award?.id === behind) return live || state.award.wageringLeft === 0n ? 'bonus' : 'nobody';
  return bet?.awardForfeited === true ? 'nobody' : 'cash';
}

/** What of a journal the player got. */
const paidTo = (lines: readonly (Posting | OriginalPosting)[]): Units =>
  lines.reduce((sum, line) => (isOfPlayer(line) ? sum + line.amount : sum), 0n);
const bonusOf = (lines: readonly Posting[]): Units =>
  lines.reduce(
    (sum, line) => (line.side === 'player' && line.account === 'bonus' ? sum + line.amount : sum),
    0n,
  );
const isOfPlayer = (line: Posting | OriginalPosting): boolean =>
  'side' in line ? line.side === 'player' : line.ofPlayer;

const least = (one: Units, other: Units): Units => (one < other ? one : other);

/** Limits count what a player wins and loses with money of his own, so free winnings leave their usage alone. */
function freeWin(
  state: WalletState,
  win: WinCommand,
  free: FreeWin,
  bet: JournalFacts | null,
  nowMs: number,
): Decision {
  const outcome = decideFreeWin(state, win.amount, free, nowMs);
  const { wagering } = outcome;
  const details = wagering
    ? { ...win.details, wagering: { awardId: wagering.awardId, units: wagering.units.toString() } }
    : (win.details ?? null);
  const links = { answers: bet?.id ?? null, details };
  const { jackpotWin } = win;
  const postings = jackpotWin ? payFromPool(outcome.postings, bonusCost, jackpotWin) : outcome.postings;
  const decision = accept(
    { ...state, award: outcome.award },
    journalOf(win, 'free.win', win.amount, postings, links),
    roundOf(win, { won: win.amount }),
  );
  return { ...decision, openedAward: outcome.opened };
}

/** How the bet's stake was split over the pools. */
function stakeOf(bet: JournalFacts | null): post.StakeSplit | null {
  if (!bet) return null;
  const taken = (pool: string): Units =>
    bet.postings.reduce(
      (sum, line) => (line.ofPlayer && line.account === pool ? sum - line.amount : sum),
      0n,
    );
  return { cash: taken('cash'), bonus: taken('bonus') };
}

function decideRollback(state: WalletState, rollback: RollbackCommand, context: DecisionContext): Decision {
  const { referenced, nowMs } = context;
  const empty = journalOf(rollback, 'bet.rollback', 0n, []);
  if (!referenced) {
    // The permanent mark under the original's own key is what refuses it when it arrives late.
    const tombstone: DecidedJournal = {
      ...empty,
      externalId: rollback.originalExternalId,
      code: 'bet.tombstone',
    };
    const isOwnMark = rollback.originalExternalId === rollback.key.externalId;
    // What it undoes is unknown, the round that it ends is not.
    const round = rollback.roundClosed ? roundOf(rollback, {}) : null;
    return accept(state, isOwnMark ? tombstone : [empty, tombstone], round);
  }
  if (referenced.playerId !== state.playerId || referenced.asset !== state.asset) {
    return refuse('duplicate-transaction', 'The rollback names a transaction of another player.');
  }
  const { code } = referenced;
  // A rollback is never refused for what it names: what is undone already, or is no bet and no win, stays as it is.
  if (referenced.reversed || (code !== 'bet.place' && code !== 'bet.win' && code !== 'free.win')) {
    return accept(state, empty, roundOf(rollback, {}));
  }
  const { amount } = referenced;
  const usage = rollUsage(state.usage, nowMs);
  const wagering = undoWagering(state, referenced);
  const undone = { ...state, award: wagering.award };
  const links = { reverses: referenced.id };
  const beside = undoJackpots(referenced.postings);
  const share = undoneShareOf(state, referenced, nowMs);
  if (code === 'free.win') {
    const postings = post.betRollback(state.balances, referenced.postings, share, bonusCost, beside);
    const journal = journalOf(rollback, 'free.rollback', amount, postings, links);
    return accept(undone, journal, roundOf(rollback, { won: -amount }), wagering.completed);
  }
  const wasBet = code === 'bet.place';
  // The id was made with the time that the original was decided and counted at.
  const madeAtMs = instantMsOf(referenced.id);
  const postings = post.betRollback(state.balances, referenced.postings, share, casinoGaming, beside);
  return accept(
    {
      ...undone,
      usage: wasBet
        ? addUsage(usage, -amount, -amount, madeAtMs)
        : addUsage(usage, 0n, paidTo(referenced.postings), madeAtMs),
    },
    journalOf(rollback, 'bet.rollback', amount, postings, links),
    roundOf(rollback, wasBet ? { staked: -amount } : { won: -amount }),
  );
}

/**
 * Where bonus money of a stake goes back to, and where that of a win is taken from: the award that it was of, and never
 * another one. A win's became real money when its award converted, and went back to the house when that was forfeited.
 */
function undoneShareOf(state: WalletState, original: JournalFacts, nowMs: number): post.BonusShare {
  const behind = awardBehind(original);
  if (original.code === 'bet.place')
    return isAwardLive(state, nowMs) && (behind === null || state.award?.id === behind) ? 'bonus' : 'nobody';
  if (behind === null) return 'nobody';
  if (state.award?.id === behind) return 'bonus';
  return original.awardForfeited === true ? 'nobody' : 'cash';
}

/**
 * Takes back what the original did to the wagering of the award that is still wagered: progress of a bet, or the
 * stakes that a free win asked for. Once all was staked the award converts, and a late rollback changes only money.
 */
function undoWagering(
  { award }: WalletState,
  { code, details }: JournalFacts,
): { readonly award: WalletState['award']; readonly completed: string | null } {
  const given = details?.wagering;
  if (!given || award?.id !== given.awardId || award.wageringLeft === 0n) return { award, completed: null };
  const units = BigInt(given.units);
  if (code === 'bet.place')
    return { award: { ...award, wageringLeft: award.wageringLeft + units }, completed: null };
  const left = award.wageringLeft > units ? award.wageringLeft - units : 0n;
  return { award: { ...award, wageringLeft: left }, completed: left === 0n ? award.id : null };
}

function decideBook(state: WalletState, command: BookCommand, { nowMs }: DecisionContext): Decision {
  const planned = planBook(state, command, nowMs);
  if (!planned.ok) return { kind: 'refuse', failure: planned.failure };
  const { next, code, amount, postings, answers } = planned.value;
  return accept(next, journalOf(command, code, amount, postings, { answers }), null);
}

const roundOf = (command: GameCommand, change: Partial<RoundChange>): RoundChange => ({
  staked: 0n,
  won: 0n,
  closes: command.roundClosed,
  guardMs: command.guardMs,
  ...change,
});
