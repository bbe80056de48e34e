/** What every trick is handed, and the few moves that most of them are made of. */
import type { PlayReport } from './play-report.ts';
import type { Player, Round, RoundBook, WalletTransaction } from './round-book.ts';
import type { HostileOrder } from './studio-orders.schema.ts';
import type { WalletCalls } from './wallet-calls.ts';
import type { WalletAnswer } from './wallet-client.ts';
import type { WalletWire } from './wallet-wire.ts';

export interface TrickParts {
  order: HostileOrder & { stake: bigint };
  wire: WalletWire;
  book: RoundBook;
  calls: WalletCalls;
  report: PlayReport;
  /** Whose balance is read at the end. */
  player: { current: Player };
}

export type Performance = (parts: TrickParts) => Promise<void>;

export const times = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Writes down what became of transactions that were sent once, and counts the money of those that were taken. */
export function note(
  { wire, book, report }: TrickParts,
  sent: readonly WalletTransaction[],
  answer: WalletAnswer,
) {
  for (const transaction of sent) {
    const verdict = wire.verdict(transaction.kind, answer.status);
    book.settle(transaction, verdict, answer.status ?? null, transaction.attempts + 1);
    if (verdict === 'accepted') report.accepted(transaction);
  }
}

/** Nobody plays this round any more; the wallet hears of it where there is a call for it. */
export async function close(parts: TrickParts, round: Round, status: 'finished' | 'void'): Promise<void> {
  await parts.calls.finish(round, parts.report);
  parts.book.setRoundStatus(round.id, status);
}

/** Takes the bet back and says so. */
export async function takeBack(parts: TrickParts, round: Round, target: WalletTransaction, what: string) {
  const answer = await parts.calls.rollback(round, target, parts.report);
  parts.report.expect(what, parts.wire.ok, answer.status);
  return answer;
}
