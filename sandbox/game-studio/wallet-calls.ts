/** Bets, wins and rollbacks the way a provider makes them: three retries, then a rollback; wins and rollbacks until they complete. */
import { randomUUID } from 'node:crypto';
import type { DueWork } from '../support/due-work.ts';
import type { PlayReport } from './play-report.ts';
import type { Player, Round, RoundBook, WalletTransaction } from './round-book.ts';
import type { CallOptions, WalletAnswer, WalletClient } from './wallet-client.ts';
import type { DialectName, WalletWire, WireRequest } from './wallet-wire.ts';

export interface CallerHabits {
  timeoutMs: number;
  retries: number;
  retryPauseMs: number;
  /** Callers differ about a bet whose answer never came: it is rolled back, or it counts as failed and nobody says so. */
  rollbackLostBets: boolean;
}

interface CallParts {
  client: WalletClient;
  wires: ReadonlyMap<DialectName, WalletWire>;
  book: RoundBook;
  due: () => DueWork;
  habits: () => CallerHabits;
}

export type WalletCalls = ReturnType<typeof createWalletCalls>;

type Sent = WalletTransaction | readonly WalletTransaction[];

/** Longer than a call with all its retries. */
const guardMs = 10_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const batchOf = (sent: Sent): readonly WalletTransaction[] => ('uuid' in sent ? [sent] : sent);

export function createWalletCalls({ client, wires, book, due, habits }: CallParts) {
  function wireOf({ dialect }: Pick<Player, 'dialect'>): WalletWire {
    const wire = wires.get(dialect);
    if (wire === undefined) throw new Error(`The studio was given no wallet that speaks ${dialect}`);
    return wire;
  }

  /** Any call at all, once. */
  async function ask(
    player: Pick<Player, 'dialect'>,
    request: WireRequest,
    report: PlayReport,
    note?: string,
    more: Partial<CallOptions> = {},
  ): Promise<WalletAnswer> {
    const answer = await client(wireOf(player), request, { timeoutMs: habits().timeoutMs, ...more });
    report.call(answer, [], note);
    return answer;
  }

  /** One attempt, as it is; several transactions only where the dialect takes batches. */
  async function send(
    round: Round,
    sent: Sent,
    report: PlayReport,
    note?: string,
    more: Partial<CallOptions> = {},
  ): Promise<WalletAnswer> {
    const wire = wireOf(round);
    const transactions = batchOf(sent);
    const answer = await client(wire, wire.transactions(round, transactions), {
      timeoutMs: habits().timeoutMs,
      ...more,
    });
    report.call(answer, transactions, note);
    return answer;
  }

  /** Retries while there is no readable answer. */
  async function untilHeard(attempt: (note?: string) => Promise<WalletAnswer>): Promise<WalletAnswer> {
    const { retries, retryPauseMs } = habits();
    let answer = await attempt();
    for (let retry = 1; retry <= retries && answer.status === undefined; retry += 1) {
      await pause(retryPauseMs);
      answer = await attempt(`retry ${retry}`);
    }
    return answer;
  }

  /** Accepted and refused are final; anything else is tried again later, with growing pauses. */
  function conclude(
    round: Round,
    transaction: WalletTransaction,
    answer: WalletAnswer,
    report: PlayReport,
  ): void {
    const verdict = wireOf(round).verdict(transaction.kind, answer.status);
    book.settle(transaction, verdict, answer.status ?? null, transaction.attempts + 1);
    if (verdict === 'accepted') report.accepted(transaction);
    if (verdict !== 'unknown') return;
    due().schedule(
      'settle',
      transaction.uuid,
      Math.min(60_000, 1000 * 2 ** Math.min(transaction.attempts - 1, 6)),
    );
  }

  /** Written before the first attempt, so that a process killed in between takes it up again. */
  const guard = (transaction: WalletTransaction) => due().schedule('settle', transaction.uuid, guardMs);

  const calls = {
    wireOf,
    ask,
    send,

    async balance(player: Player, report: PlayReport): Promise<bigint | undefined> {
      return (await ask(player, wireOf(player).balance(player), report)).balance;
    },

    /** A sitting begins with a look at who plays, where the dialect has a call for it. */
    async meet(player: Player, report: PlayReport): Promise<void> {
      const wire = wireOf(player);
      const request = wire.info?.(player);
      if (request === undefined) return;
      report.expect('who the player is', wire.ok, (await ask(player, request, report)).status);
    },

    /** Asks for a new token; the player goes on with it, and rounds that are open keep theirs. */
    async check(player: Player, report: PlayReport): Promise<Player> {
      const request = wireOf(player).check?.(player);
      if (request === undefined) return player;
      const { token } = await ask(player, request, report);
      report.expect('a new token from the check', 'a token', token === undefined ? undefined : 'a token');
      if (token === undefined) return player;
      book.replaceToken(player.token, token);
      return { ...player, token };
    },

    /** Ends the round where a call of its own does that; an answer that never comes changes nothing. */
    async finish(round: Round, report: PlayReport): Promise<void> {
      const request = wireOf(round).finish?.(round);
      if (request !== undefined) await untilHeard((note) => ask(round, request, report, note));
    },

    /** True when the stakes were taken. A bet without a usable answer is rolled back. */
    async bet(round: Round, sent: Sent, report: PlayReport): Promise<boolean> {
      const bets = batchOf(sent);
      const answer = await untilHeard((note) => send(round, bets, report, note));
      const verdict = wireOf(round).verdict('bet', answer.status);
      for (const bet of bets) {
        book.settle(bet, verdict, answer.status ?? null, 1);
        if (verdict === 'accepted') report.accepted(bet, round.reward === null ? bet.amount : 0n);
      }
      if (verdict === 'accepted') return true;
      book.setRoundStatus(round.id, 'void');
      const isForgotten = answer.status === undefined && !habits().rollbackLostBets;
      if (verdict === 'unknown' && !isForgotten)
        for (const bet of bets) await calls.rollback(round, bet, report);
      return false;
    },

    async win(round: Round, win: WalletTransaction, report: PlayReport): Promise<WalletAnswer> {
      guard(win);
      const answer = await untilHeard((note) => send(round, win, report, note));
      conclude(round, win, answer, report);
      return answer;
    },

    async rollback(round: Round, target: WalletTransaction, report: PlayReport): Promise<WalletAnswer> {
      const rollback = book.decide(round, 'rollback', target.amount, target.uuid, true);
      book.setRoundStatus(round.id, 'void');
      guard(rollback);
      const answer = await untilHeard((note) => send(round, rollback, report, note));
      conclude(round, rollback, answer, report);
      if (rollback.state === 'accepted') report.rolledBack(target);
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
      conclude(round, transaction, await send(round, transaction, report), report);
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

/** The same money in another call. */
export const inNewCall = (transaction: WalletTransaction): WalletTransaction => ({
  ...transaction,
  requestUuid: randomUUID(),
});
