/** Bets, wins and rollbacks the way a Hub88 caller makes them: three retries, then a rollback; wins and rollbacks until they complete. */
import { randomUUID } from 'node:crypto';
import type { DueWork } from '../support/due-work.ts';
import type { PlayReport } from './play-report.ts';
import type { Player, Round, RoundBook, WalletTransaction } from './round-book.ts';
import type { CallOptions, WalletAnswer, WalletClient } from './wallet-client.ts';

const prefix = 'RS_ERROR_';
const named = (...names: string[]) => new Set(names.map((name) => prefix + name));

/** The bet did not happen and no rollback follows. */
const betRefusals = named(
  'INVALID_TOKEN',
  'INVALID_GAME',
  'WRONG_CURRENCY',
  'NOT_ENOUGH_MONEY',
  'USER_DISABLED',
  'INVALID_SIGNATURE',
  'WRONG_SYNTAX',
  'WRONG_TYPES',
  'DUPLICATE_TRANSACTION',
  'BET_LIMIT_EXCEEDED',
  'TOKEN_EXPIRED',
  'INVALID_PARTNER',
  'LIMIT_REACHED',
  'TRANSACTION_ROLLED_BACK',
);
/** Given to a win or a rollback, these end the retries. */
const finalRefusals = named(
  'INVALID_TOKEN',
  'INVALID_GAME',
  'USER_DISABLED',
  'WRONG_CURRENCY',
  'INVALID_SIGNATURE',
  'DUPLICATE_TRANSACTION',
  'TRANSACTION_DOES_NOT_EXIST',
  'TRANSACTION_ROLLED_BACK',
);

export interface CallerHabits {
  timeoutMs: number;
  retries: number;
  retryPauseMs: number;
}

interface CallParts {
  client: WalletClient;
  book: RoundBook;
  due: () => DueWork;
  habits: () => CallerHabits;
}

export type WalletCalls = ReturnType<typeof createWalletCalls>;

/** Longer than a call with all its retries. */
const guardMs = 10_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function createWalletCalls({ client, book, due, habits }: CallParts) {
  function bodyOf(round: Round, transaction: WalletTransaction): object {
    const common = {
      request_uuid: transaction.requestUuid,
      token: round.token,
      user: round.user,
      transaction_uuid: transaction.uuid,
      game_code: round.gameCode,
      round: round.id,
      round_closed: transaction.closesRound,
    };
    const reference =
      transaction.referenceUuid === null ? {} : { reference_transaction_uuid: transaction.referenceUuid };
    // A rollback carries neither amount nor currency.
    if (transaction.kind === 'rollback') return { ...common, ...reference };
    return { ...common, ...reference, currency: round.currency, amount: transaction.amount, is_free: false };
  }

  /** One attempt, as it is. */
  async function send(
    round: Round,
    transaction: WalletTransaction,
    report: PlayReport,
    note?: string,
    more: Partial<CallOptions> = {},
  ): Promise<WalletAnswer> {
    const answer = await client(`/transaction/${transaction.kind}`, bodyOf(round, transaction), {
      timeoutMs: habits().timeoutMs,
      ...more,
    });
    report.call(answer, transaction, note);
    return answer;
  }

  /** Retries while there is no readable answer. */
  async function sendUntilHeard(
    round: Round,
    transaction: WalletTransaction,
    report: PlayReport,
  ): Promise<WalletAnswer> {
    const { retries, retryPauseMs } = habits();
    let answer = await send(round, transaction, report);
    for (let retry = 1; retry <= retries && answer.status === undefined; retry += 1) {
      await pause(retryPauseMs);
      answer = await send(round, transaction, report, `retry ${retry}`);
    }
    return answer;
  }

  /** Accepted and refused are final; anything else is tried again later, with growing pauses. */
  function conclude(transaction: WalletTransaction, answer: WalletAnswer, report: PlayReport): void {
    if (answer.status === 'RS_OK') {
      book.settle(transaction, 'accepted', answer.status, transaction.attempts + 1);
      report.accepted(transaction);
      return;
    }
    if (answer.status !== undefined && finalRefusals.has(answer.status)) {
      book.settle(transaction, 'refused', answer.status, transaction.attempts + 1);
      return;
    }
    book.settle(transaction, 'unknown', answer.status ?? null, transaction.attempts + 1);
    due().schedule(
      'settle',
      transaction.uuid,
      Math.min(60_000, 1000 * 2 ** Math.min(transaction.attempts - 1, 6)),
    );
  }

  /** Written before the first attempt, so that a process killed in between takes it up again. */
  const guard = (transaction: WalletTransaction) => due().schedule('settle', transaction.uuid, guardMs);

  const calls = {
    send,

    async balance(player: Player, report: PlayReport): Promise<bigint | undefined> {
      const body = {
        token: player.token,
        user: player.user,
        request_uuid: randomUUID(),
        game_code: player.gameCode,
      };
      const answer = await client('/user/balance', body, { timeoutMs: habits().timeoutMs });
      report.call(answer);
      return answer.balance;
    },

    /** True when the stake was taken. A bet without a usable answer is rolled back. */
    async bet(round: Round, bet: WalletTransaction, report: PlayReport): Promise<boolean> {
      const answer = await sendUntilHeard(round, bet, report);
      if (answer.status === 'RS_OK') {
        book.settle(bet, 'accepted', answer.status, 1);
        report.accepted(bet);
        return true;
      }
      book.setRoundStatus(round.id, 'void');
      if (answer.status !== undefined && betRefusals.has(answer.status)) {
        book.settle(bet, 'refused', answer.status, 1);
        return false;
      }
      book.settle(bet, 'unknown', answer.status ?? null, 1);
      await calls.rollback(round, bet, report);
      return false;
    },

    async win(round: Round, win: WalletTransaction, report: PlayReport): Promise<WalletAnswer> {
      guard(win);
      const answer = await sendUntilHeard(round, win, report);
      conclude(win, answer, report);
      return answer;
    },

    async rollback(round: Round, target: WalletTransaction, report: PlayReport): Promise<WalletAnswer> {
      const rollback = book.decide(round, 'rollback', target.amount, target.uuid, true);
      book.setRoundStatus(round.id, 'void');
      guard(rollback);
      const answer = await sendUntilHeard(round, rollback, report);
      conclude(rollback, answer, report);
      if (answer.status === 'RS_OK') report.rolledBack(target);
      // A bet whose answer never came is settled by its rollback.
      if (target.state === 'unknown' && answer.status !== undefined)
        book.settle(target, 'refused', target.status, target.attempts);
      return answer;
    },

    /** Due work: a win or rollback that the wallet has not confirmed, after a restart too. */
    async settle(uuid: string, report: PlayReport): Promise<void> {
      const transaction = book.findTransaction(uuid);
      const round = transaction === undefined ? undefined : book.findRound(transaction.roundId);
      if (
        transaction === undefined ||
        round === undefined ||
        transaction.state === 'accepted' ||
        transaction.state === 'refused'
      )
        return;
      conclude(transaction, await send(round, transaction, report), report);
    },

    /** After a restart: a round that was cut off in the middle is taken back. */
    async abandon(roundId: string, report: PlayReport): Promise<void> {
      const round = book.findRound(roundId);
      const bet = book.transactionsOf(roundId).find(({ kind }) => kind === 'bet');
      if (round?.status !== 'open' || bet === undefined) return;
      // A win that is already on its way is carried through by its own due work.
      if (book.transactionsOf(roundId).some(({ kind }) => kind === 'win'))
        book.setRoundStatus(roundId, 'finished');
      else await calls.rollback(round, bet, report);
    },
  };
  return calls;
}
