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
    call(answer: WalletAnswer, transactions: readonly WalletTransaction[] = [], note?: string): void {
      const [first] = transactions;
      statuses[answer.status ?? String(answer.http)] =
        (statuses[answer.status ?? String(answer.http)] ?? 0) + 1;
      calls.push({
        path: answer.path,
        http: answer.http,
        status: answer.status ?? null,
        balance: answer.balance === undefined ? null : String(answer.balance),
        ms: answer.ms,
        ...(first === undefined
          ? {}
          : {
              round: first.roundId,
              transactionUuid: transactions.map(({ uuid }) => uuid).join(','),
              requestUuid: first.requestUuid,
              amount: transactions.map(({ amount }) => String(amount)).join(','),
            }),
        ...(note === undefined ? {} : { note }),
      });
    },
    /** Counted once per transaction, however often it was sent. */
    accepted(transaction: WalletTransaction, amount = transaction.amount): void {
      accepted[transaction.kind].set(transaction.uuid, amount);
    },
    rolledBack(target: WalletTransaction): void {
      rolledBack.add(target.uuid);
    },
    /** Money that is told as a sum, such as the result of free rounds. */
    paid(id: string, amount: bigint): void {
      accepted.win.set(id, amount);
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
      // A rollback undoes what was really moved: what had been accepted.
      const undone = (amounts: Map<string, bigint>) =>
        sum(new Map([...amounts].filter(([uuid]) => rolledBack.has(uuid))));
      const returned = undone(accepted.bet);
      const takenBack = undone(accepted.win);
      const net = wins - takenBack + returned - bets;
      const expectedAfter = balanceBefore === undefined ? undefined : balanceBefore + net;
      return {
        ok: expectations.every((expectation) => expectation.ok),
        totals: {
          acceptedBets: String(bets),
          acceptedWins: String(wins),
          rolledBackBets: String(returned),
          rolledBackWins: String(takenBack),
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
