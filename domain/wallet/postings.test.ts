/** What each kind of journal moves, line by line, with numbers that a bookkeeper would write down. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HouseAccount } from './chart.ts';
import * as post from './postings.ts';
import type { OriginalPosting, PoolBalances, Posting } from './postings.ts';

const balances = (cash: bigint, bonus = 0n, held = 0n, owed = 0n): PoolBalances => ({
  cash,
  bonus,
  held,
  receivable: -owed,
});
/** `cash +5, house:fx -5`: a player's pools have no colon in their names. */
const told = (postings: readonly Posting[]): string =>
  postings
    .map(({ side, account, amount }) => {
      expect(side).toBe(account.includes(':') ? 'house' : 'player');
      return `${account} ${amount > 0n ? '+' : ''}${amount}`;
    })
    .join(', ');
const original = (text: string): OriginalPosting[] =>
  text.split(', ').map((line) => {
    const [account = '', amount = ''] = line.split(' ');
    return { account, ofPlayer: !account.includes(':'), amount: BigInt(amount) };
  });

test('a credit repays the debt first, and only what is left becomes spendable', () => {
  expect(told(post.depositCapture(balances(0n), 10n, 'alpha'))).toBe('cash +10, psp:alpha:clearing -10');
  expect(told(post.depositCapture(balances(0n, 0n, 0n, 4n), 10n, 'alpha'))).toBe(
    'receivable +4, cash +6, psp:alpha:clearing -10',
  );
  expect(told(post.depositCapture(balances(0n, 0n, 0n, 10n), 10n, 'alpha'))).toBe(
    'receivable +10, psp:alpha:clearing -10',
  );
  expect(told(post.depositCapture(balances(0n, 0n, 0n, 15n), 10n, 'alpha'))).toBe(
    'receivable +10, psp:alpha:clearing -10',
  );
});

test('withdrawals and holds set cash aside, and let it go to its target or back to the player', () => {
  expect(told(post.withdrawalReserve(5n))).toBe('cash -5, held +5');
  expect(told(post.withdrawalSettle(5n, 'alpha'))).toBe('held -5, psp:alpha:clearing +5');
  expect(told(post.withdrawalRelease(balances(1n, 0n, 5n), 5n))).toBe('held -5, cash +5');
  expect(told(post.withdrawalRelease(balances(0n, 0n, 5n, 2n), 5n))).toBe('held -5, receivable +2, cash +3');
  expect(told(post.holdPlace(5n))).toBe('cash -5, held +5');
  expect(told(post.holdCapture(5n, 'suspense:court'))).toBe('held -5, suspense:court +5');
  expect(told(post.holdRelease(balances(1n, 0n, 5n), 5n))).toBe('held -5, cash +5');
  expect(told(post.holdRelease(balances(0n, 0n, 5n, 9n), 5n))).toBe('held -5, receivable +5');
});

test('money that goes back to a PSP is taken from cash, and what is spent of it is owed', () => {
  expect(told(post.depositRefund(balances(9n), 5n, 'alpha'))).toBe('cash -5, psp:alpha:clearing +5');
  expect(told(post.depositRefund(balances(5n), 5n, 'alpha'))).toBe('cash -5, psp:alpha:clearing +5');
  expect(told(post.depositRefund(balances(2n), 5n, 'alpha'))).toBe(
    'cash -2, receivable -3, psp:alpha:clearing +5',
  );
  expect(told(post.chargebackOpen(balances(0n), 5n, 'alpha'))).toBe('receivable -5, psp:alpha:disputed +5');
  expect(told(post.chargebackLose(5n, 'alpha'))).toBe('psp:alpha:disputed -5, psp:alpha:clearing +5');
  expect(told(post.chargebackWin(balances(0n, 0n, 0n, 5n), 5n, 'alpha'))).toBe(
    'receivable +5, psp:alpha:disputed -5',
  );
  expect(told(post.chargebackWin(balances(1n), 5n, 'alpha'))).toBe('cash +5, psp:alpha:disputed -5');
});

test('corrections, exchanges and jackpots have a house account of their own on the other side', () => {
  expect(told(post.adjustmentCredit(balances(0n, 0n, 0n, 1n), 5n))).toBe(
    'receivable +1, cash +4, house:adjustments -5',
  );
  expect(told(post.adjustmentDebit(balances(4n), 5n))).toBe('cash -4, receivable -1, house:adjustments +5');
  expect(told(post.exchangeSell(5n))).toBe('cash -5, house:fx +5');
  expect(told(post.exchangeBuy(balances(0n, 0n, 0n, 1n), 5n))).toBe('receivable +1, cash +4, house:fx -5');
  expect(told(post.exchangeBuy(balances(0n), 5n))).toBe('cash +5, house:fx -5');
  expect(told(post.jackpotContribute(5n, 'mega'))).toBe('house:jackpot-cost -5, jackpot:mega +5');
});

test('a bonus is given at the house’s cost, becomes cash when it is wagered, and goes back when it is forfeited', () => {
  expect(told(post.bonusAward(5n))).toBe('bonus +5, house:bonus-cost -5');
  expect(told(post.bonusConvert(balances(1n, 5n)))).toBe('bonus -5, cash +5');
  expect(told(post.bonusConvert(balances(0n, 5n, 0n, 2n)))).toBe('bonus -5, receivable +2, cash +3');
  expect(told(post.bonusForfeit(balances(1n, 5n)))).toBe('bonus -5, house:bonus-cost +5');
  expect(told(post.bonusConvert(balances(1n)))).toBe('');
  expect(told(post.bonusForfeit(balances(1n)))).toBe('');
});

test('sports money is real, and a correction may leave a debt', () => {
  expect(told(post.bookStake(5n))).toBe('cash -5, house:sportsbook:gaming +5');
  expect(told(post.bookPay(balances(0n, 0n, 0n, 2n), 5n))).toBe(
    'receivable +2, cash +3, house:sportsbook:gaming -5',
  );
  expect(told(post.bookPay(balances(9n), 5n))).toBe('cash +5, house:sportsbook:gaming -5');
  expect(told(post.bookPay(balances(2n), -5n))).toBe('cash -2, receivable -3, house:sportsbook:gaming +5');
});

describe('a stake', () => {
  test('is paid with real money first', () => {
    expect(post.splitStake(balances(10n, 10n), 10n, true)).toEqual({ cash: 10n, bonus: 0n });
    expect(post.splitStake(balances(10n, 10n), 11n, true)).toEqual({ cash: 10n, bonus: 1n });
    expect(post.splitStake(balances(10n, 10n), 20n, true)).toEqual({ cash: 10n, bonus: 10n });
  });

  test('is not covered by more than there is, nor by a bonus whose award has ended', () => {
    expect(post.splitStake(balances(10n, 10n), 21n, true)).toBeNull();
    expect(post.splitStake(balances(10n, 10n), 11n, false)).toBeNull();
    expect(post.splitStake(balances(10n, 10n), 10n, false)).toEqual({ cash: 10n, bonus: 0n });
  });

  test('is revenue of the game, whatever pays it', () => {
    expect(told(post.betPlace({ cash: 3n, bonus: 2n }))).toBe('cash -3, bonus -2, house:casino:gaming +5');
    expect(told(post.betPlace({ cash: 3n, bonus: 0n }))).toBe('cash -3, house:casino:gaming +3');
    expect(told(post.betPlace({ cash: 0n, bonus: 0n }))).toBe('');
  });
});

describe('a win', () => {
  test('goes to the pools that paid the stake, the bonus share rounded down', () => {
    expect(told(post.betWin(balances(0n), 10n, { cash: 2n, bonus: 1n }, 'bonus'))).toBe(
      'cash +7, bonus +3, house:casino:gaming -10',
    );
    expect(told(post.betWin(balances(0n, 0n, 0n, 5n), 10n, { cash: 0n, bonus: 1n }, 'bonus'))).toBe(
      'bonus +10, house:casino:gaming -10',
    );
  });

  test('is real money without a bet, without a stake, and once the award has converted', () => {
    const real = 'cash +10, house:casino:gaming -10';
    expect(told(post.betWin(balances(0n), 10n, null, 'bonus'))).toBe(real);
    expect(told(post.betWin(balances(0n), 10n, { cash: 0n, bonus: 0n }, 'bonus'))).toBe(real);
    expect(told(post.betWin(balances(0n), 10n, { cash: 2n, bonus: 1n }, 'cash'))).toBe(real);
    expect(told(post.betWin(balances(0n, 0n, 0n, 4n), 10n, null, 'bonus'))).toBe(
      'receivable +4, cash +6, house:casino:gaming -10',
    );
  });

  test('whose award was forfeited pays its real share and no more', () => {
    const paid = (amount: bigint, cash: bigint, bonus: bigint) =>
      told(post.betWin(balances(0n), amount, { cash, bonus }, 'nobody'));
    expect(paid(10n, 2n, 1n)).toBe('cash +7, house:casino:gaming -7');
    expect(paid(10n, 2n, 0n)).toBe('cash +10, house:casino:gaming -10');
    expect(paid(10n, 0n, 1n)).toBe('');
  });

  test('is shared within one unit of exact proportion', () => {
    const units = fc.bigInt({ min: 0n, max: 10n ** 30n });
    fc.assert(
      fc.property(units, units, units, (amount, cash, bonus) => {
        fc.pre(cash + bonus > 0n);
        const lines = post.betWin(balances(0n), amount, { cash, bonus }, 'bonus');
        const share = lines.find(({ account }) => account === 'bonus')?.amount ?? 0n;
        const exact = amount * bonus;
        expect(share * (cash + bonus) <= exact && exact < (share + 1n) * (cash + bonus)).toBe(true);
        expect(post.sumOfPostings(lines)).toBe(0n);
      }),
    );
  });
});

describe('a rollback', () => {
  const undo = (
    now: PoolBalances,
    text: string,
    share: post.BonusShare = 'bonus',
    counter?: HouseAccount,
    beside?: readonly Posting[],
  ) => told(post.betRollback(now, original(text), share, counter, beside));

  test('of a bet gives each pool what it paid, and a debt is repaid first', () => {
    const bet = 'cash -3, bonus -2, house:casino:gaming 5';
    expect(undo(balances(0n), bet)).toBe('cash +3, bonus +2, house:casino:gaming -5');
    expect(undo(balances(0n, 0n, 0n, 1n), bet)).toBe(
      'receivable +1, cash +2, bonus +2, house:casino:gaming -5',
    );
  });

  test('of a bet whose award has ended gives its bonus money to nobody', () => {
    const bet = 'cash -3, bonus -2, house:casino:gaming 5';
    expect(undo(balances(0n), bet, 'nobody')).toBe('cash +3, house:casino:gaming -3');
    expect(undo(balances(0n), 'bonus -2, house:casino:gaming 2', 'nobody')).toBe('');
  });

  test('of a win takes back what is there: spent real money is owed, spent bonus money is gone', () => {
    const win = 'cash 7, bonus 3, house:casino:gaming -10';
    expect(undo(balances(9n, 9n), win)).toBe('cash -7, bonus -3, house:casino:gaming +10');
    expect(undo(balances(7n, 3n), win)).toBe('cash -7, bonus -3, house:casino:gaming +10');
    expect(undo(balances(5n, 1n), win)).toBe('cash -5, receivable -2, bonus -1, house:casino:gaming +8');
    expect(undo(balances(9n, 9n), win, 'nobody')).toBe('cash -7, house:casino:gaming +7');
    expect(undo(balances(9n, 9n), win, 'cash')).toBe('cash -9, receivable -1, house:casino:gaming +10');
  });

  test('of a win that repaid a debt takes that part back as well', () => {
    expect(undo(balances(6n), 'receivable 4, cash 6, house:casino:gaming -10')).toBe(
      'cash -6, receivable -4, house:casino:gaming +10',
    );
  });

  test('puts the rest on the account that it is told, after the lines beside', () => {
    expect(undo(balances(9n), 'cash 5, house:bonus-cost -5', 'bonus', 'house:bonus-cost')).toBe(
      'cash -5, house:bonus-cost +5',
    );
    const beside: Posting[] = [{ side: 'house', account: 'jackpot:mega', amount: 2n }];
    expect(
      undo(balances(9n), 'cash 5, house:bonus-cost -3, jackpot:mega -2', 'bonus', 'house:bonus-cost', beside),
    ).toBe('cash -5, jackpot:mega +2, house:bonus-cost +3');
  });

  test('of lines of the house alone moves nothing of the player', () => {
    expect(undo(balances(9n), 'house:casino:gaming 5, jackpot:mega -5')).toBe('');
    const disguised = [{ account: 'cash', ofPlayer: false, amount: 5n }];
    expect(post.betRollback(balances(9n), disguised, 'bonus')).toEqual([]);
  });
});

test('postings of the house leave the player’s pools alone, and the balances before stay as they were', () => {
  const before = balances(10n, 20n, 30n, 40n);
  const lines: Posting[] = [
    { side: 'player', account: 'cash', amount: -1n },
    { side: 'player', account: 'held', amount: 2n },
    { side: 'house', account: 'house:fx', amount: 7n },
    { side: 'player', account: 'cash', amount: -3n },
  ];
  expect(post.applyPostings(before, lines)).toEqual({ cash: 6n, bonus: 20n, held: 32n, receivable: -40n });
  expect(before).toEqual(balances(10n, 20n, 30n, 40n));
  expect(post.sumOfPostings(lines)).toBe(5n);
  expect(post.sumOfPostings([])).toBe(0n);
});

test('movements without a player: fees, payouts and what nobody has claimed yet', () => {
  expect(told(post.pspFee(3n, 'alpha'))).toBe('house:psp-fees -3, psp:alpha:clearing +3');
  expect(told(post.pspFeeBack(3n, 'alpha'))).toBe('house:psp-fees +3, psp:alpha:clearing -3');
  expect(told(post.pspPayout(90n, 'alpha', 'main'))).toBe('psp:alpha:clearing +90, bank:main -90');
  expect(told(post.suspenseOpen(5n, 'alpha'))).toBe('suspense:alpha +5, psp:alpha:clearing -5');
  expect(told(post.suspenseRelease(5n, 'alpha', 'house:adjustments'))).toBe(
    'suspense:alpha -5, house:adjustments +5',
  );
});
