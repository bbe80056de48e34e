/** The same call, the same money, the same id: what must count once, and what must not pass for something else. */
import type { Round, WalletTransaction } from './round-book.ts';
import { close, takeBack, times, type Performance, type TrickParts } from './trick-parts.ts';
import { inNewCall } from './wallet-calls.ts';

/** Every call of a round again and again: after each other, at once, as the same call and as the same money in a new one. */
export const duplicates: Performance = async (parts) => {
  const { order, book, calls, report } = parts;
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  await repeat(parts, round, bet);
  const win = book.decide(round, 'win', order.stake * 2n, bet.uuid, true);
  await calls.win(round, win, report);
  await repeat(parts, round, win);
  const rollback = book.decide(round, 'rollback', win.amount, win.uuid, true);
  const undone = await calls.send(round, rollback, report);
  report.expect('the rollback of the win', parts.wire.ok, undone.status);
  report.rolledBack(win);
  book.settle(rollback, 'accepted', parts.wire.ok, 1);
  await repeat(parts, round, rollback);

  // Nobody has seen this one before: its first time is a crowd.
  const fresh = book.openRound(order);
  const crowded = book.decide(fresh, 'bet', order.stake, null, true);
  await repeat(parts, fresh, crowded);
  report.accepted(crowded);
  book.settle(crowded, 'accepted', parts.wire.ok, 1);
  for (const each of [round, fresh]) await close(parts, each, 'finished');
};

async function repeat(parts: TrickParts, round: Round, transaction: WalletTransaction): Promise<void> {
  const { order, wire, calls, report } = parts;
  const answers = await Promise.all(
    times(Math.min(order.count, 50)).map((index) =>
      index % 2 === 0
        ? calls.send(round, transaction, report, 'same call again')
        : calls.send(round, inNewCall(transaction), report, 'same money in a new call'),
    ),
  );
  answers.push(await calls.send(round, transaction, report, 'same call once more'));
  for (const { status, receipt } of answers) {
    report.expect(`the same ${transaction.kind} again`, wire.ok, status);
    report.expect('its answer', answers[0]?.receipt ?? 'none', receipt);
  }
}

/** A known id comes again and means something else: another amount, another kind. */
export const conflict: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  const dearer = { ...inNewCall(bet), amount: bet.amount + 1n };
  report.expect(
    'a known bet with another amount',
    wire.words.otherContent,
    (await calls.send(round, dearer, report, 'other amount')).status,
  );
  const elsewhere = book.openRound(order);
  report.expect(
    'a known bet in another round',
    wire.words.otherContent,
    (await calls.send(elsewhere, inNewCall(bet), report, 'other round')).status,
  );
  book.setRoundStatus(elsewhere.id, 'void');
  const asWin: WalletTransaction = { ...inNewCall(bet), kind: 'win', referenceUuid: bet.uuid };
  report.expect(
    'a win under the id of a bet',
    wire.words.otherKind,
    (await calls.send(round, asWin, report, 'other kind')).status,
  );
  const asRollback: WalletTransaction = { ...inNewCall(bet), kind: 'rollback', referenceUuid: bet.uuid };
  report.expect(
    'a rollback under the id of a bet',
    wire.words.otherKind,
    (await calls.send(round, asRollback, report, 'other kind')).status,
  );
  await takeBack(parts, round, bet, 'the rollback of that bet');
  await takeBack(parts, round, bet, 'a second rollback of that bet');
  await close(parts, round, 'void');
};

/** After the check the old token takes no bets, and still settles what it has staked. */
export const oldToken: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, false);
  if (!(await calls.bet(round, bet, report))) return;
  const player = await calls.check(order, report);
  parts.player.current = player;

  const stale = book.openRound(order);
  const staleBet = book.decide(stale, 'bet', order.stake, null, true);
  const refused = await calls.send(stale, staleBet, report, 'with the old token');
  report.expect('a bet with the old token', 'RS_ERROR_TOKEN_EXPIRED', refused.status);
  book.settle(staleBet, 'refused', refused.status ?? null, 1);
  book.setRoundStatus(stale.id, 'void');
  const again = wire.check?.(order);
  if (again !== undefined) {
    const { status } = await calls.ask(order, again, report, 'with the old token');
    report.expect('a check of the old token', 'RS_ERROR_TOKEN_EXPIRED', status);
  }
  const unknown = { ...book.openRound(player), token: `${player.token}x` };
  const unknownBet = book.decide(unknown, 'bet', order.stake, null, true);
  const nobody = await calls.send(unknown, unknownBet, report, 'with a token of nobody');
  report.expect('a bet with a token of nobody', 'RS_ERROR_INVALID_TOKEN', nobody.status);
  book.settle(unknownBet, 'refused', nobody.status ?? null, 1);
  book.setRoundStatus(unknown.id, 'void');

  const win = book.decide(round, 'win', order.stake, bet.uuid, false);
  report.expect('a win with the old token', wire.ok, (await calls.win(round, win, report)).status);
  await takeBack(parts, round, win, 'a rollback with the old token');
  await takeBack(parts, round, bet, 'a rollback of the bet with the old token');
};
