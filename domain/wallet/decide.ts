/** The pure reducer of the wallet: state and command in, postings or a refusal out. Every path to money runs it. */
import { assert, assertNever, fail, type Failure } from '../failures.ts';
import type { Units } from '../money.ts';
import type {
  BetCommand,
  GameCommand,
  RollbackCommand,
  TransferCommand,
  WalletCommand,
  WinCommand,
} from './commands.ts';
import type { BookCommand } from './book-commands.ts';
import { planBook } from './decide-book.ts';
import { strayAccount } from './flows.ts';
import { addUsage, refuseStake, rollUsage } from './play-rules.ts';
import * as post from './postings.ts';
import type { JournalCode, OriginalPosting, Posting } from './postings.ts';
import { isAwardLive, type WalletState } from './state.ts';

/** A journal that exists already, as far as a decision needs to know it. */
export type JournalFacts = {
  readonly id: string;
  readonly externalId: string;
  readonly code: JournalCode;
  readonly playerId: string | null;
  readonly asset: string;
  readonly amount: Units;
  readonly fingerprint: string;
  readonly reversed: boolean;
  readonly postings: readonly OriginalPosting[];
};

export type RoundChange = {
  readonly staked: Units;
  readonly won: Units;
  readonly closes: boolean;
  readonly rolledBack: boolean;
  readonly guardMs: number;
};

export type DecidedJournal = {
  readonly externalId: string;
  readonly code: JournalCode;
  readonly amount: Units;
  readonly postings: readonly Posting[];
  readonly fingerprint: string;
  readonly reverses: string | null;
  readonly answers: string | null;
};

export type Decision =
  | { readonly kind: 'refuse'; readonly failure: Failure }
  /** The key was processed before with the same content: nothing moves, the caller gets the first answer. */
  | { readonly kind: 'repeat'; readonly journalId: string }
  | {
      readonly kind: 'post';
      readonly state: WalletState;
      readonly journals: readonly DecidedJournal[];
      readonly round: RoundChange | null;
      /** The award whose wagering this command completed. */
      readonly wageredAwardId: string | null;
    };

export type DecisionContext = {
  /** The database's clock. */
  readonly nowMs: number;
  /** The journal that holds the command's own key, if any. */
  readonly existing: JournalFacts | null;
  /** The journal that the command refers to, if any. */
  readonly referenced: JournalFacts | null;
};

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
      return decideTransfer(state, command);
    case 'book-stake':
    case 'book-pay':
      return decideBook(state, command, context);
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

function decideTransfer(state: WalletState, command: TransferCommand): Decision {
  const { transfer, amount } = command;
  const { balances } = state;
  assert(
    amount > 0n || transfer.code === 'bonus.convert' || transfer.code === 'bonus.forfeit',
    'a transfer moves a positive amount',
  );
  const accepted = (next: WalletState, moved: Units, postings: Posting[]): Decision =>
    accept(next, journalOf(command, transfer.code, moved, postings), null);

  switch (transfer.code) {
    case 'deposit.capture':
      return accepted(state, amount, post.depositCapture(balances, amount, transfer.psp));
    case 'withdrawal.reserve':
      if (balances.cash < amount)
        return refuse('insufficient-funds', 'The withdrawable balance is too small.');
      return accepted(state, amount, post.withdrawalReserve(amount));
    case 'withdrawal.settle':
      if (balances.held < amount) return refuse('insufficient-funds', 'The hold does not cover the payout.');
      return accepted(state, amount, post.withdrawalSettle(amount, transfer.psp));
    case 'withdrawal.release':
      if (balances.held < amount) return refuse('insufficient-funds', 'The hold does not cover the release.');
      return accepted(state, amount, post.withdrawalRelease(balances, amount));
    case 'bonus.award': {
      if (state.award) return refuse('award-active', 'One award is wagered at a time.');
      const { awardId: id, wagering: wageringLeft, betMax, expiresAtMs } = transfer;
      return accepted(
        { ...state, award: { id, wageringLeft, betMax, expiresAtMs } },
        amount,
        post.bonusAward(amount),
      );
    }
    case 'bonus.convert':
      if (state.award?.id !== transfer.awardId || state.award.wageringLeft > 0n) {
        return refuse('award-not-active', 'The award is not active or its wagering is not complete.');
      }
      return accepted({ ...state, award: null }, balances.bonus, post.bonusConvert(balances));
    case 'bonus.forfeit':
      if (state.award?.id !== transfer.awardId) return refuse('award-not-active', 'The award is not active.');
      return accepted({ ...state, award: null }, balances.bonus, post.bonusForfeit(balances));
    default:
      return assertNever(transfer);
  }
}

function decideBook(state: WalletState, command: BookCommand, { nowMs }: DecisionContext): Decision {
  const planned = planBook(state, command, nowMs);
  if (!planned.ok) return { kind: 'refuse', failure: planned.failure };
  const { next, code, amount, postings, answers } = planned.value;
  return accept(next, journalOf(command, code, amount, postings, { answers }), null);
}

const refuse = (code: Failure['code'], detail: string): Decision => ({
  kind: 'refuse',
  failure: fail(code, detail).failure,
});

function journalOf(
  command: WalletCommand,
  code: JournalCode,
  amount: Units,
  postings: readonly Posting[],
  links: { reverses?: string | null; answers?: string | null } = {},
): DecidedJournal {
  return {
    externalId: command.key.externalId,
    code,
    amount,
    postings,
    fingerprint: command.fingerprint,
    reverses: links.reverses ?? null,
    answers: links.answers ?? null,
  };
}

const roundOf = (command: GameCommand, change: Partial<RoundChange>): RoundChange => ({
  staked: 0n,
  won: 0n,
  rolledBack: false,
  closes: command.roundClosed,
  guardMs: command.guardMs,
  ...change,
});

function accept(
  state: WalletState,
  journal: DecidedJournal | readonly DecidedJournal[],
  round: RoundChange | null,
  wageredAwardId: string | null = null,
): Decision {
  const journals: readonly DecidedJournal[] = Array.isArray(journal) ? journal : [journal as DecidedJournal];
  let balances = state.balances;
  for (const { code, postings } of journals) {
    assert(post.sumOfPostings(postings) === 0n, `the postings of ${code} sum to zero`);
    assert(strayAccount(code, postings) === null, `${code} touches only the accounts of its flow`);
    balances = post.applyPostings(balances, postings);
  }
  assert(balances.cash >= 0n && balances.bonus >= 0n && balances.held >= 0n, 'no pool goes below zero');
  assert(balances.receivable <= 0n, 'a debt never becomes a credit');
  return { kind: 'post', state: { ...state, balances }, journals, round, wageredAwardId };
}
