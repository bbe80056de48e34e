/** The pure reducer of the wallet: state and command in, postings or a refusal out. Every path to money runs it. */
import { assertNever } from '../failures.ts';
import type { Units } from '../money.ts';
import type { BetCommand, GameCommand, RollbackCommand, WalletCommand, WinCommand } from './commands.ts';
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
import { addUsage, refuseStake, rollUsage } from './play-rules.ts';
import * as post from './postings.ts';
import { isAwardLive, type WalletState } from './state.ts';

export type { DecidedJournal, Decision, DecisionContext, JournalFacts, RoundChange } from './decision.ts';

/** Decides one command on one wallet. Total: every expected obstacle is a refusal with a code. */
export function decide(state: WalletState, command: WalletCommand, context: DecisionContext): Decision {
  const { existing } = context;
  if (existing) {
    if (existing.playerId !== command.playerId) {
      return refuse('duplicate-transaction', 'This transaction id was used for another player.');
    }
    if (existing.code === 'bet.tombstone') {
      const tolerated = 'tolerateTombstone' in command && command.tolerateTombstone === true;
      return tolerated
        ? { kind: 'repeat', journalId: existing.id }
        : refuse('transaction-rolled-back', 'This transaction was rolled back before it arrived.');
    }
    return existing.fingerprint === command.fingerprint
      ? { kind: 'repeat', journalId: existing.id }
      : refuse('duplicate-transaction', 'This transaction id was used with other content.');
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
    default:
      return assertNever(command);
  }
}

function decideBet(state: WalletState, bet: BetCommand, { nowMs }: DecisionContext): Decision {
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
    journalOf(bet, 'bet.place', bet.amount, post.betPlace(split)),
    roundOf(bet, { staked: bet.amount }),
    wagered?.completed ? (state.award?.id ?? null) : null,
  );
}

function progressWagering(left: Units, bet: BetCommand): { left: Units; completed: boolean } {
  const counted = (bet.amount * BigInt(bet.contributionBps)) / 10_000n;
  const next = counted < left ? left - counted : 0n;
  return { left: next, completed: left > 0n && next === 0n };
}

function decideWin(state: WalletState, win: WinCommand, { nowMs, referenced }: DecisionContext): Decision {
  if (win.betExternalId !== null) {
    if (!referenced || referenced.playerId !== state.playerId || referenced.asset !== state.asset) {
      return refuse('transaction-not-found', 'The bet of this win is not known.');
    }
    if (referenced.code === 'bet.tombstone' || referenced.reversed) {
      return refuse('transaction-rolled-back', 'The bet of this win was rolled back.');
    }
    if (referenced.code !== 'bet.place')
      return refuse('transaction-not-found', 'The win refers to something that is no bet.');
  }
  const postings = post.betWin(state.balances, win.amount, stakeOf(referenced), isAwardLive(state, nowMs));
  return accept(
    { ...state, usage: addUsage(rollUsage(state.usage, nowMs), 0n, -win.amount) },
    journalOf(win, 'bet.win', win.amount, postings, { answers: referenced?.id ?? null }),
    roundOf(win, { won: win.amount }),
  );
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
    return accept(state, [empty, tombstone], null);
  }
  if (referenced.playerId !== state.playerId || referenced.asset !== state.asset) {
    return refuse('duplicate-transaction', 'The rollback names a transaction of another player.');
  }
  if (referenced.code === 'bet.tombstone' || referenced.reversed) {
    return accept(state, empty, roundOf(rollback, {}));
  }
  if (referenced.code !== 'bet.place' && referenced.code !== 'bet.win') {
    return refuse('transaction-not-found', 'Only bets and wins can be rolled back.');
  }
  const wasBet = referenced.code === 'bet.place';
  const amount = referenced.amount;
  const usage = rollUsage(state.usage, nowMs);
  return accept(
    { ...state, usage: wasBet ? addUsage(usage, -amount, -amount) : addUsage(usage, 0n, amount) },
    journalOf(
      rollback,
      'bet.rollback',
      amount,
      post.betRollback(state.balances, referenced.postings, isAwardLive(state, nowMs)),
      {
        reverses: referenced.id,
      },
    ),
    roundOf(rollback, wasBet ? { staked: -amount, rolledBack: true } : { won: -amount, rolledBack: true }),
  );
}

const roundOf = (command: GameCommand, change: Partial<RoundChange>): RoundChange => ({
  staked: 0n,
  won: 0n,
  rolledBack: false,
  closes: command.roundClosed,
  guardMs: command.guardMs,
  ...change,
});
