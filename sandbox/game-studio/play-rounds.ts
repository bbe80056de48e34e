/** Plays a number of seeded rounds against the wallet, with the accidents that were ordered. */
import { createPlayReport, type PlayReport } from './play-report.ts';
import type { Player, Round, RoundBook, WalletTransaction } from './round-book.ts';
import { createOutcomeSource, type OutcomeSource } from './slot-outcomes.ts';
import type { PlayOrder } from './studio-orders.schema.ts';
import { inNewCall, type WalletCalls } from './wallet-calls.ts';

interface PlayParts {
  book: RoundBook;
  calls: WalletCalls;
}

const roundsPerToken = 25;

export async function playRounds(order: PlayOrder, { book, calls }: PlayParts) {
  const report = createPlayReport();
  const outcomes = createOutcomeSource(order.seed);
  const stake = order.stake ?? calls.wireOf(order).oneUnit;
  const before = await calls.balance(order, report);
  await calls.meet(order, report);
  const parts = { book, calls };
  let player: Player = order;
  const rolledBackIndex = order.rollback ? Math.floor(order.rounds * 0.3) : -1;
  const lateBetIndex = order.rollbackBeforeBet ? Math.floor(order.rounds * 0.6) : -1;

  for (let index = 0; index < order.rounds; index += 1) {
    // Where tokens rotate, a sitting begins with a fresh one and changes it now and then.
    if (index % roundsPerToken === 0) player = await calls.check(player, report);
    const round = book.openRound(player);
    if (index === lateBetIndex) await rollbackBeforeBet(round, stake, parts, report);
    else if (index === rolledBackIndex) await betThenRollback(round, stake, parts, report);
    else if (index >= order.rounds - order.leaveOpen) await leaveOpen(round, stake, outcomes, parts, report);
    else await playRound(round, stake, outcomes, order.duplicate && index % 10 === 0, parts, report);
  }
  if (order.jackpot) await playJackpot(book.openRound(player), stake, parts, report);
  if (order.promo && !calls.wireOf(player).takesBatches)
    await givePromo(book.openRound(player), stake, parts, report);
  report.balance(before, await calls.balance(player, report));
  return { dialect: order.dialect, seed: order.seed, rounds: order.rounds, ...report.toJson() };
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
  const wire = calls.wireOf(round);
  const bet = book.decide(round, 'bet', stake, null, endsWithBet);
  const inOneCall = wire.takesBatches && !endsWithBet && outcomes.draw(2) === 0;
  const first = inOneCall ? [bet, book.decide(round, 'win', win, bet.uuid, true)] : [bet];
  if (!(await calls.bet(round, first, report))) return { taken: false, win: 0n };
  if (sendTwice) await sendAgain(round, first, calls, report);
  if (!endsWithBet && !inOneCall) {
    const parts = win > 1n && outcomes.draw(10) === 0 ? [win / 2n, win - win / 2n] : [win];
    for (const [index, amount] of parts.entries()) {
      const transaction = book.decide(round, 'win', amount, bet.uuid, index === parts.length - 1);
      const { status } = await calls.win(round, transaction, report);
      report.expect('a win of an accepted bet', wire.ok, status);
      if (sendTwice) await sendAgain(round, [transaction], calls, report);
    }
  }
  if (!wire.closesInCall) await calls.finish(round, report);
  book.setRoundStatus(round.id, 'finished');
  return { taken: true, win };
}

/** A hundredth of the stake goes to the pool, and most of the win comes from it. */
async function playJackpot(
  round: Round,
  stake: bigint,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<void> {
  const bet = book.decide(round, 'bet', stake, null, false, { jackpot: stake / 100n });
  if (!(await calls.bet(round, bet, report))) return;
  const win = book.decide(round, 'win', stake * 50n, bet.uuid, true, { jackpot: stake * 40n });
  const { status } = await calls.win(round, win, report);
  report.expect('a win of a jackpot', calls.wireOf(round).ok, status);
  await calls.finish(round, report);
  book.setRoundStatus(round.id, 'finished');
}

/** A win without a bet, which only a promotion may be. The a8r dialects have no such call. */
async function givePromo(
  round: Round,
  amount: bigint,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<void> {
  const { ok } = calls.wireOf(round);
  const win = book.decide(round, 'win', amount, null, true, { promo: `promo-${round.id}` });
  report.expect('a win of a promotion', ok, (await calls.win(round, win, report)).status);
  book.setRoundStatus(round.id, 'finished');
}

/** The same call again, and the same money in a new call. */
async function sendAgain(
  round: Round,
  batch: readonly WalletTransaction[],
  calls: WalletCalls,
  report: PlayReport,
): Promise<void> {
  const { ok } = calls.wireOf(round);
  const kinds = batch.map(({ kind }) => kind).join(' and ');
  const same = await calls.send(round, batch, report, 'same call again');
  report.expect(`the same ${kinds} call again`, ok, same.status);
  const renamed = await calls.send(round, batch.map(inNewCall), report, 'same money in a new call');
  report.expect(`the same ${kinds} in a new call`, ok, renamed.status);
  report.expect('the ids in both answers', same.receipt ?? 'none', renamed.receipt);
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
  report.expect('the rollback of an accepted bet', calls.wireOf(round).ok, status);
}

async function rollbackBeforeBet(
  round: Round,
  stake: bigint,
  { book, calls }: PlayParts,
  report: PlayReport,
): Promise<void> {
  const bet = book.decide(round, 'bet', stake, null, false);
  const { status } = await calls.rollback(round, bet, report);
  const { ok, words } = calls.wireOf(round);
  report.expect('a rollback before its bet', ok, status);
  const late = await calls.send(round, bet, report, 'late bet');
  report.expect('the late bet', words.lateBet, late.status);
  // Whatever the word for it, no money has moved.
  book.settle(bet, 'refused', late.status ?? null, 1);
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
