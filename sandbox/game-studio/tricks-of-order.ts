/** Calls in the wrong order: a win or a rollback before its bet, rollbacks of rollbacks, rollbacks long after the round. */
import { close, note, takeBack, times, type Performance } from './trick-parts.ts';
import { inNewCall } from './wallet-calls.ts';

/** A win before its bet, then again after it; a rollback before its bet, then the bet, twice. */
export const reorder: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, false);
  const win = book.decide(round, 'win', order.stake, bet.uuid, true);
  const early = await calls.send(round, win, report, 'before its bet');
  report.expect('a win before its bet', wire.words.winBeforeBet, early.status);
  if (!(await calls.bet(round, bet, report))) return;
  const later = await calls.send(round, inNewCall(win), report, 'after its bet');
  report.expect('the same win after its bet', wire.ok, later.status);
  note(parts, [win], later);
  await close(parts, round, 'finished');

  const other = book.openRound(order);
  const lateBet = book.decide(other, 'bet', order.stake, null, false);
  await takeBack(parts, other, lateBet, 'a rollback before its bet');
  for (const what of ['the late bet', 'the late bet again']) {
    const { status } = await calls.send(other, lateBet, report, what);
    report.expect(what, wire.words.lateBet, status);
  }
  const lateWin = book.decide(other, 'win', order.stake, lateBet.uuid, true);
  const answer = await calls.send(other, lateWin, report, 'of a bet that was taken back');
  report.expect('a win of a bet that was taken back', wire.words.winOfRolledBackBet, answer.status);
  note(parts, [lateWin], answer);
  if (lateWin.state === 'accepted') await takeBack(parts, other, lateWin, 'the rollback of that win');
  await close(parts, other, 'void');
};

/** A rollback of a rollback gives nothing back. */
export const rollbackOfRollback: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  const rollback = book.decide(round, 'rollback', order.stake, bet.uuid, false);
  const first = await calls.send(round, rollback, report);
  report.expect('the rollback of that bet', wire.ok, first.status);
  report.rolledBack(bet);
  const second = book.decide(round, 'rollback', order.stake, rollback.uuid, true);
  const answer = await calls.send(round, second, report, 'of the rollback');
  report.expect('a rollback of the rollback', wire.words.rollbackOfRollback, answer.status);
  for (const each of [rollback, second]) book.settle(each, 'accepted', wire.ok, 1);
  const again = await calls.send(round, inNewCall(rollback), report, 'the first one again');
  report.expect('the first rollback again', wire.ok, again.status);
  await close(parts, round, 'void');
};

/** A round long finished: first its bet is taken back, and its win stands; then the win. */
export const lateRollback: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  for (const _ of times(Math.min(order.count, 10))) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, false);
    if (!(await calls.bet(round, bet, report))) return;
    const win = book.decide(round, 'win', order.stake * 3n, bet.uuid, true);
    const won = await calls.win(round, win, report);
    report.expect('the win', wire.ok, won.status);
    await close(parts, round, 'finished');

    const undone = await takeBack(parts, round, bet, 'the late rollback of the bet');
    report.expect(
      'the balance while the win stands',
      String((won.balance ?? 0n) + order.stake),
      String(undone.balance),
    );
    await takeBack(parts, round, bet, 'a second rollback of the bet');
    await takeBack(parts, round, win, 'the late rollback of the win');
    await close(parts, round, 'void');
  }
};

/** A win is spent and then taken back: the debt is carried, nothing is shown below zero, and what comes in pays it. */
export const overdraw: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  const win = book.decide(round, 'win', order.stake * 5n, bet.uuid, true);
  const won = await calls.win(round, win, report);
  report.expect('the win', wire.ok, won.status);

  const spending = book.openRound(order);
  const everything = book.decide(spending, 'bet', won.balance ?? 0n, null, false);
  report.expect(
    'a bet of everything',
    'taken',
    (await calls.bet(spending, everything, report)) ? 'taken' : 'not taken',
  );
  const overdrawn = await takeBack(parts, round, win, 'the rollback of a win that is spent');
  report.expect('the balance shown then', '0', String(overdrawn.balance));
  const broke = book.openRound(order);
  const more = book.decide(broke, 'bet', order.stake, null, false);
  const refused = await calls.send(broke, more, report, 'with a debt');
  report.expect('a bet while in debt', wire.words.notEnough, refused.status);
  book.settle(more, 'refused', refused.status ?? null, 1);
  book.setRoundStatus(broke.id, 'void');

  const repaid = await takeBack(parts, spending, everything, 'the rollback that pays the debt');
  report.expect(
    'the balance after the debt',
    String((won.balance ?? 0n) - win.amount),
    String(repaid.balance),
  );
  await takeBack(parts, round, bet, 'the rollback of the bet');
  for (const each of [round, spending]) await close(parts, each, 'void');
};
