/** What a play did: every call, what was expected where that is certain, and the totals as exact text (units times 100 000). */
import type { TransactionKind, WalletTransaction } from './round-book.ts';
import type { WalletAnswer } from './wallet-client.ts';

interface ReportedCall {
  path: string;
  round?: string;
  transactionUuid?: string;
  requestUuid?: string;
  amount?: string;
  http: WalletAnswer['http'];
  status: string | null;
  balance: string | null;
  ms: number;
  note?: string;
}

interface Expectation {
  what: string;
  expected: string;
  got: string;
  ok: boolean;
}

export type PlayReport = ReturnType<typeof createPlayReport>;

export function createPlayReport() {
  const calls: ReportedCall[] = [];
  const expectations: Expectation[] = [];
  const accepted: Record<TransactionKind, Map<string, bigint>> = {
    bet: new Map(),
    win: new Map(),
    rollback: new Map(),
  };
  const statuses: Record<string, number> = {};
  const openRounds: string[] = [];
  const rolledBack = new Set<string>();
  let balanceBefore: bigint | undefined;
  let balanceAfter: bigint | undefined;

  const sum = (amounts: Map<string, bigint>) =>
    [...amounts.values()].reduce((total, amount) => total + amount, 0n);

  return {
    call(answer: WalletAnswer, transaction?: WalletTransaction, note?: string): void {
      statuses[answer.status ?? String(answer.http)] =
        (statuses[answer.status ?? String(answer.http)] ?? 0) + 1;
      calls.push({
        path: answer.path,
        http: answer.http,
        status: answer.status ?? null,
        balance: answer.balance === undefined ? null : String(answer.balance),
        ms: answer.ms,
        ...(transaction === undefined
          ? {}
          : {
              round: transaction.roundId,
              transactionUuid: transaction.uuid,
              requestUuid: transaction.requestUuid,
              amount: String(transaction.amount),
            }),
        ...(note === undefined ? {} : { note }),
      });
    },
    /** Counted once per transaction, however often it was sent. */
    accepted(transaction: WalletTransaction): void {
      accepted[transaction.kind].set(transaction.uuid, transaction.amount);
    },
    rolledBack(bet: WalletTransaction): void {
      rolledBack.add(bet.uuid);
    },
    expect(what: string, expected: string | readonly string[], got: string | undefined): void {
      const wanted = typeof expected === 'string' ? [expected] : expected;
      expectations.push({
        what,
        expected: wanted.join(' or '),
        got: got ?? 'no answer',
        ok: got !== undefined && wanted.includes(got),
      });
    },
    openRound: (id: string) => void openRounds.push(id),
    balance(before: bigint | undefined, after: bigint | undefined): void {
      balanceBefore = before;
      balanceAfter = after;
    },
    toJson() {
      const bets = sum(accepted.bet);
      const wins = sum(accepted.win);
      // A rollback gives back what was really taken: the bets that had been accepted.
      const returned = sum(new Map([...accepted.bet].filter(([uuid]) => rolledBack.has(uuid))));
      const net = wins + returned - bets;
      const expectedAfter = balanceBefore === undefined ? undefined : balanceBefore + net;
      return {
        ok: expectations.every((expectation) => expectation.ok),
        totals: {
          acceptedBets: String(bets),
          acceptedWins: String(wins),
          rolledBackBets: String(returned),
          net: String(net),
          betCount: accepted.bet.size,
          winCount: accepted.win.size,
          rollbackCount: accepted.rollback.size,
        },
        balance: {
          before: balanceBefore === undefined ? null : String(balanceBefore),
          after: balanceAfter === undefined ? null : String(balanceAfter),
          expectedAfter: expectedAfter === undefined ? null : String(expectedAfter),
          /** Only meaningful while nothing else moves this player's money. */
          matches: balanceAfter !== undefined && balanceAfter === expectedAfter,
        },
        expectations,
        statuses,
        openRounds,
        callCount: calls.length,
        calls,
      };
    },
  };
}
