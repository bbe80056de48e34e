/** Plays a number of seeded rounds against the wallet, with the accidents that were ordered. */
import { randomUUID } from 'node:crypto';
import { createPlayReport, type PlayReport } from './play-report.ts';
import type { Round, RoundBook, WalletTransaction } from './round-book.ts';
import { createOutcomeSource, type OutcomeSource } from './slot-outcomes.ts';
import type { PlayOrder } from './studio-orders.schema.ts';
import type { WalletCalls } from './wallet-calls.ts';

interface PlayParts {
  book: RoundBook;
  calls: WalletCalls;
}

export async function playRounds(order: PlayOrder, { book, calls }: PlayParts) {
  const report = createPlayReport();
  const outcomes = createOutcomeSource(order.seed);
  const before = await calls.balance(order, report);
  const rolledBackIndex = order.rollback ? Math.floor(order.rounds * 0.3) : -1;
  const lateBetIndex = order.rollbackBeforeBet ? Math.floor(order.rounds * 0.6) : -1;

  for (let index = 0; index < order.rounds; index += 1) {
    const round = book.openRound(order);
    if (index === lateBetIndex) await rollbackBeforeBet(round, order.stake, { book, calls }, report);
    else if (index === rolledBackIndex) await betThenRollback(round, order.stake, { book, calls }, report);
    else if (index >= order.rounds - order.leaveOpen)
      await leaveOpen(round, order.stake, outcomes, { book, calls }, report);
    else
      await playRound(
        round,
        order.stake,
        outcomes,
        order.duplicate && index % 10 === 0,
        { book, calls },
        report,
      );
  }
  report.balance(before, await calls.balance(order, report));
  return { seed: order.seed, rounds: order.rounds, ...report.toJson() };
}

/** One ordinary round; also what the spin button of the game page does. */
export async function playRound(
  round: Round,
  stake: bigint,
  outcomes: OutcomeSource,
  sendTwice: boolean,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<{ taken: boolean; win: bigint }> {
  const win = (stake * outcomes.multiplierHundredths()) / 100n;
  // Some losing rounds end with their bet, the others with a win of zero.
  const endsWithBet = win === 0n && outcomes.draw(2) === 0;
  const bet = book.decide(round, 'bet', stake, null, endsWithBet);
  if (!(await calls.bet(round, bet, report))) return { taken: false, win: 0n };
  if (sendTwice) await sendAgain(round, bet, calls, report);
  if (!endsWithBet) {
    const parts = win > 1n && outcomes.draw(10) === 0 ? [win / 2n, win - win / 2n] : [win];
    for (const [index, amount] of parts.entries()) {
      const transaction = book.decide(round, 'win', amount, bet.uuid, index === parts.length - 1);
      const { status } = await calls.win(round, transaction, report);
      report.expect('a win of an accepted bet', 'RS_OK', status);
      if (sendTwice) await sendAgain(round, transaction, calls, report);
    }
  }
  book.setRoundStatus(round.id, 'finished');
  return { taken: true, win };
}

/** The same call again, and the same money in a new call. */
async function sendAgain(
  round: Round,
  transaction: WalletTransaction,
  calls: WalletCalls,
  report: PlayReport,
): Promise<void> {
  const same = await calls.send(round, transaction, report, 'same call again');
  report.expect(`the same ${transaction.kind} call again`, 'RS_OK', same.status);
  const renamed = await calls.send(
    round,
    { ...transaction, requestUuid: randomUUID() },
    report,
    'same money in a new call',
  );
  report.expect(`the same ${transaction.kind} in a new call`, 'RS_OK', renamed.status);
}

async function betThenRollback(
  round: Round,
  stake: bigint,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<void> {
  const bet = book.decide(round, 'bet', stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  const { status } = await calls.rollback(round, bet, report);
  report.expect('the rollback of an accepted bet', 'RS_OK', status);
}

async function rollbackBeforeBet(
  round: Round,
  stake: bigint,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<void> {
  const bet = book.decide(round, 'bet', stake, null, false);
  const { status } = await calls.rollback(round, bet, report);
  report.expect('a rollback before its bet', 'RS_OK', status);
  const late = await calls.send(round, bet, report, 'late bet');
  report.expect('the late bet', 'RS_ERROR_TRANSACTION_ROLLED_BACK', late.status);
  if (late.status === 'RS_OK') report.accepted(bet);
  book.settle(bet, late.status === 'RS_OK' ? 'accepted' : 'refused', late.status ?? null, 1);
}

async function leaveOpen(
  round: Round,
  stake: bigint,
  outcomes: OutcomeSource,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<void> {
  const bet = book.decide(round, 'bet', stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  // Never a loss: the money that is missing is the point.
  const multiplier = outcomes.multiplierHundredths() || 200n;
  book.decide(round, 'win', (stake * multiplier) / 100n, bet.uuid, true);
  book.setRoundStatus(round.id, 'finished');
  report.openRound(round.id);
}
