/** What goes wrong between a game provider and a wallet, on purpose: crowds, races, lost answers, forged and odd calls. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createPlayReport, type PlayReport } from './play-report.ts';
import type { RoundBook } from './round-book.ts';
import type { HostileOrder, Trick } from './studio-orders.schema.ts';
import type { WalletCalls } from './wallet-calls.ts';

interface TrickParts {
  order: HostileOrder;
  book: RoundBook;
  calls: WalletCalls;
  report: PlayReport;
}

const times = (count: number) => Array.from({ length: count }, (_, index) => index);

const performances: Record<Trick, (parts: TrickParts) => Promise<void>> = {
  /** Many bets of one player at once: together they may not spend more than there is. */
  async burst({ order, book, calls, report }) {
    await Promise.all(
      times(order.count).map(async () => {
        const round = book.openRound(order);
        const bet = book.decide(round, 'bet', order.stake, null, true);
        const { status } = await calls.send(round, bet, report);
        report.expect('one bet of a burst', ['RS_OK', 'RS_ERROR_NOT_ENOUGH_MONEY'], status);
        if (status === 'RS_OK') report.accepted(bet);
        book.settle(bet, status === 'RS_OK' ? 'accepted' : 'refused', status ?? null, 1);
        book.setRoundStatus(round.id, status === 'RS_OK' ? 'finished' : 'void');
      }),
    );
  },

  /** A bet and its rollback at the same time: whichever is first, no money moves in the end. */
  async race({ order, book, calls, report }) {
    for (const _ of times(order.count)) {
      const round = book.openRound(order);
      const bet = book.decide(round, 'bet', order.stake, null, false);
      const rollback = book.decide(round, 'rollback', order.stake, bet.uuid, true);
      const [betAnswer, rollbackAnswer] = await Promise.all([
        calls.send(round, bet, report),
        calls.send(round, rollback, report),
      ]);
      report.expect(
        'a bet that races its rollback',
        ['RS_OK', 'RS_ERROR_TRANSACTION_ROLLED_BACK', 'RS_ERROR_NOT_ENOUGH_MONEY'],
        betAnswer.status,
      );
      report.expect('a rollback that races its bet', 'RS_OK', rollbackAnswer.status);
      if (betAnswer.status === 'RS_OK') report.accepted(bet);
      report.accepted(rollback);
      report.rolledBack(bet);
      book.setRoundStatus(round.id, 'void');
    }
  },

  /** The win is sent before its bet, refused, and sent again afterwards. */
  async reorder({ order, book, calls, report }) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, false);
    const win = book.decide(round, 'win', order.stake, bet.uuid, true);
    report.expect(
      'a win before its bet',
      'RS_ERROR_TRANSACTION_DOES_NOT_EXIST',
      (await calls.send(round, win, report)).status,
    );
    if (!(await calls.bet(round, bet, report))) return;
    const renamed = { ...win, requestUuid: randomUUID() };
    const { status } = await calls.send(round, renamed, report, 'after its bet');
    report.expect('the same win after its bet', 'RS_OK', status);
    if (status === 'RS_OK') report.accepted(win);
    book.settle(win, status === 'RS_OK' ? 'accepted' : 'refused', status ?? null, 2);
    book.setRoundStatus(round.id, 'finished');
  },

  /** Answers are not waited for; the same calls are sent again, or taken back. */
  async dropped_replies({ order, book, calls, report }) {
    for (const index of times(order.count)) {
      const round = book.openRound(order);
      const bet = book.decide(round, 'bet', order.stake, null, false);
      await calls.send(round, bet, report, 'answer dropped', { dropReplyAfterMs: index % 3 });
      if (index % 2 === 0) {
        await calls.bet(round, bet, report);
        book.setRoundStatus(round.id, bet.state === 'accepted' ? 'finished' : 'void');
      } else {
        const { status } = await calls.rollback(round, bet, report);
        report.expect('the rollback of a bet whose answer was lost', 'RS_OK', status);
      }
    }
  },

  /** A known transaction comes again with another amount. */
  async conflict({ order, book, calls, report }) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, false);
    if (!(await calls.bet(round, bet, report))) return;
    const other = { ...bet, requestUuid: randomUUID(), amount: bet.amount + 1n };
    report.expect(
      'a known bet with another amount',
      'RS_ERROR_DUPLICATE_TRANSACTION',
      (await calls.send(round, other, report, 'other amount')).status,
    );
    report.expect('the rollback of that bet', 'RS_OK', (await calls.rollback(round, bet, report)).status);
    const twice = await calls.rollback(round, bet, report);
    report.expect('a second rollback of that bet', 'RS_OK', twice.status);
  },

  async bad_signature({ order, book, calls, report }) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, true);
    const answer = await calls.send(round, bet, report, 'signed with another key', { key: privateKey });
    report.expect('a bet signed with another key', 'RS_ERROR_INVALID_SIGNATURE', answer.status);
    book.settle(bet, 'refused', answer.status ?? null, 1);
    book.setRoundStatus(round.id, 'void');
  },

  /** Numbers a wallet must not guess about. */
  async odd_amounts({ order, book, calls, report }) {
    const cases: [written: string, expected: readonly string[]][] = [
      ['"100000"', ['RS_ERROR_WRONG_TYPES']],
      ['1.5', ['RS_ERROR_WRONG_TYPES']],
      ['1e5', ['RS_ERROR_WRONG_TYPES']],
      ['100000.0', ['RS_ERROR_WRONG_TYPES']],
      ['-1', ['RS_ERROR_WRONG_TYPES', 'RS_ERROR_WRONG_SYNTAX', 'RS_ERROR_UNKNOWN']],
      ['1,"amount":2', ['RS_ERROR_WRONG_SYNTAX']],
      ['null', ['RS_ERROR_WRONG_TYPES', 'RS_ERROR_WRONG_SYNTAX']],
    ];
    for (const [written, expected] of cases) {
      const round = book.openRound(order);
      const bet = book.decide(round, 'bet', 0n, null, true);
      const rawBody = `{"request_uuid":${JSON.stringify(bet.requestUuid)},"token":${JSON.stringify(round.token)},"user":${JSON.stringify(round.user)},"currency":${JSON.stringify(round.currency)},"amount":${written},"transaction_uuid":${JSON.stringify(bet.uuid)},"round":${JSON.stringify(round.id)},"round_closed":true,"is_free":false,"game_code":${JSON.stringify(round.gameCode)}}`;
      const answer = await calls.send(round, bet, report, `amount written as ${written}`, { rawBody });
      report.expect(`an amount written as ${written}`, expected, answer.status);
      book.settle(bet, 'refused', answer.status ?? null, 1);
      book.setRoundStatus(round.id, 'void');
    }
  },
};

export async function performTrick(order: HostileOrder, parts: { book: RoundBook; calls: WalletCalls }) {
  const report = createPlayReport();
  const before = await parts.calls.balance(order, report);
  await performances[order.trick]({ order, report, ...parts });
  report.balance(before, await parts.calls.balance(order, report));
  return { trick: order.trick, ...report.toJson() };
}
