/** Many calls at once, and answers that nobody waits for: crowds, races, lost replies, batches against each other. */
import { close, note, takeBack, times, type Performance } from './trick-parts.ts';

/** Many bets of one player at once: together they may not spend more than there is. */
export const burst: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  await Promise.all(
    times(order.count).map(async () => {
      const round = book.openRound(order);
      const bet = book.decide(round, 'bet', order.stake, null, true);
      const answer = await calls.send(round, bet, report);
      report.expect('one bet of a burst', [wire.ok, ...wire.words.notEnough], answer.status);
      note(parts, [bet], answer);
      if (wire.closesInCall) book.setRoundStatus(round.id, bet.state === 'accepted' ? 'finished' : 'void');
      else if (bet.state === 'accepted') await close(parts, round, 'finished');
    }),
  );
};

/** A bet and its rollback at the same time, each first in turn: whichever arrives first, no money moves in the end. */
export const race: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  for (const index of times(order.count)) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, false);
    const rollback = book.decide(round, 'rollback', order.stake, bet.uuid, true);
    const inOrder = index % 2 === 0 ? [bet, rollback] : [rollback, bet];
    const answers = await Promise.all(
      inOrder.map(async (sent) => ({ kind: sent.kind, ...(await calls.send(round, sent, report)) })),
    );
    for (const { kind, status } of answers) {
      if (kind === 'rollback') report.expect('a rollback that races its bet', wire.ok, status);
      else
        report.expect(
          'a bet that races its rollback',
          [wire.ok, ...wire.words.lateBet, ...wire.words.notEnough],
          status,
        );
      if (kind === 'bet' && status === wire.ok) report.accepted(bet);
    }
    report.accepted(rollback);
    report.rolledBack(bet);
    book.settle(rollback, 'accepted', wire.ok, 1);
    await close(parts, round, 'void');
  }
};

/** The socket is destroyed after the call has left; the same call is sent again as a caller would, or taken back. */
export const droppedReplies: Performance = async (parts) => {
  const { order, book, calls, report } = parts;
  for (const index of times(order.count)) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, false);
    await calls.send(round, bet, report, 'answer dropped', { dropReplyAfterMs: index % 3 });
    if (index % 2 === 0) {
      await calls.bet(round, bet, report);
      if (bet.state === 'accepted') {
        const win = book.decide(round, 'win', order.stake, bet.uuid, true);
        await calls.send(round, win, report, 'answer dropped', { dropReplyAfterMs: index % 3 });
        const { status } = await calls.win(round, win, report);
        report.expect('a win whose first answer was lost', parts.wire.ok, status);
      }
      await close(parts, round, bet.state === 'accepted' ? 'finished' : 'void');
    } else {
      await takeBack(parts, round, bet, 'the rollback of a bet whose answer was lost');
    }
  }
};

/** The same transactions in opposite order at once, and a batch against the rollback of its own, last first. */
export const opposingBatches: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  for (const _ of times(order.count)) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, false);
    const win = book.decide(round, 'win', order.stake, bet.uuid, true);
    const answers = await Promise.all([
      calls.send(round, [bet, win], report, 'bet, then win'),
      calls.send(round, [win, bet], report, 'win, then bet'),
    ]);
    for (const { status } of answers) report.expect('one of two opposing batches', wire.ok, status);
    if (answers.some(({ status }) => status === wire.ok))
      for (const each of [bet, win]) report.accepted(each);
    await close(parts, round, 'finished');

    const undone = book.openRound(order);
    const bets = times(3).map(() => book.decide(undone, 'bet', order.stake, null, false));
    const rollbacks = bets
      .toReversed()
      .map((target) => book.decide(undone, 'rollback', target.amount, target.uuid, true));
    const [played, rolled] = await Promise.all([
      calls.send(undone, bets, report, 'against its own rollback'),
      calls.send(undone, rollbacks, report, 'against its own batch'),
    ]);
    report.expect('a batch that races its rollback', [wire.ok, ...wire.words.notEnough], played.status);
    report.expect('a rollback that races its batch', wire.ok, rolled.status);
    if (played.status === wire.ok) for (const each of bets) report.accepted(each);
    for (const each of rollbacks) report.accepted(each);
    for (const each of bets) report.rolledBack(each);
    await close(parts, undone, 'void');
  }
};

/** A batch is all or nothing, and a win pays for what follows it, never for what went before. */
export const brokenBatches: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const balance = (await calls.balance(order, report)) ?? 0n;
  const round = book.openRound(order);
  const tooMuch = balance + order.stake;
  const decideBoth = () => ({
    win: book.decide(round, 'win', order.stake, null, false),
    bet: book.decide(round, 'bet', tooMuch, null, false),
  });

  const beyond = book.decide(round, 'bet', tooMuch + order.stake, null, false);
  const before = decideBoth();
  const aborted = await calls.send(round, [before.win, beyond], report, 'the last one cannot be paid');
  report.expect('a batch whose last bet cannot be paid', wire.words.notEnough, aborted.status);
  const early = decideBoth();
  const unpaid = await calls.send(round, [early.bet, early.win], report, 'the bet before the win');
  report.expect('a bet that only the win after it could pay', wire.words.notEnough, unpaid.status);
  report.expect('the balance in between', String(balance), String(await calls.balance(order, report)));

  const paid = decideBoth();
  const answer = await calls.send(round, [paid.win, paid.bet], report, 'the win before the bet');
  report.expect('a bet that the win before it pays', wire.ok, answer.status);
  note(parts, [paid.win, paid.bet], answer);
  report.expect('the balance when all is staked', '0', String(answer.balance));
  await takeBack(parts, round, paid.bet, 'the rollback of that bet');
  await takeBack(parts, round, paid.win, 'the rollback of that win');
  await close(parts, round, 'void');
};
