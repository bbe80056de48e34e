/** Free stakes move nothing, their winnings become what the reward's terms say, and jackpots pay their own part. */
import { describe, expect, test } from 'vitest';
import { decideFreeWin, isFreeStake, type FreeWinTerms } from './free-play.ts';
import { jackpotContribution, payFromPool, undoJackpots } from './jackpots.ts';
import type { Posting } from './postings.ts';
import type { LiveAward, WalletState } from './state.ts';

const nowMs = Date.UTC(2026, 10, 25, 12);
const zero = { day: 0n, week: 0n, month: 0n };
const wallet = (award: LiveAward | null = null, owed = 0n): WalletState => ({
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 0n, bonus: 0n, held: 0n, receivable: -owed },
  playBlockedUntilMs: null,
  playBlockReason: null,
  sessionsValidFromMs: 0,
  limits: [],
  usage: { atMs: nowMs, stake: zero, loss: zero },
  award,
  jurisdiction: 'MT',
  stakeMax: null,
});
const terms: FreeWinTerms = { awardId: 'new', wageringTimes: 20, betMax: 5n, expiresAtMs: nowMs + 1 };
const live: LiveAward = { id: 'old', wageringLeft: 30n, betMax: null, expiresAtMs: nowMs + 1 };
const told = (postings: readonly Posting[]): string =>
  postings
    .map(({ side, account, amount }) => {
      expect(side).toBe(account.includes(':') ? 'house' : 'player');
      return `${account} ${amount > 0n ? '+' : ''}${amount}`;
    })
    .join(', ');

describe('free winnings', () => {
  const asCash = (state: WalletState, amount = 10n, changes: Partial<FreeWinTerms> | null = {}) => {
    const outcome = decideFreeWin(state, amount, { terms: changes && { ...terms, ...changes } }, nowMs);
    expect(outcome).toMatchObject({ award: state.award, opened: null, wagering: null });
    return told(outcome.postings);
  };

  test('are real money at the house’s bonus cost when the reward has no terms', () => {
    expect(asCash(wallet(), 10n, null)).toBe('cash +10, house:bonus-cost -10');
    expect(asCash(wallet(live), 10n, null)).toBe('cash +10, house:bonus-cost -10');
    expect(asCash(wallet(null, 4n), 10n, null)).toBe('receivable +4, cash +6, house:bonus-cost -10');
    expect(asCash(wallet(null, 10n), 10n, null)).toBe('receivable +10, house:bonus-cost -10');
  });

  test('are nothing when nothing was won, and open no award', () => {
    expect(asCash(wallet(), 0n)).toBe('');
    expect(asCash(wallet(live), 0n)).toBe('');
  });

  test('are real money when their terms have run out', () => {
    expect(asCash(wallet(), 10n, { expiresAtMs: nowMs })).toBe('cash +10, house:bonus-cost -10');
  });

  test('are real money while another award is about to end, wagered or out of time', () => {
    expect(asCash(wallet({ ...live, wageringLeft: 0n }))).toBe('cash +10, house:bonus-cost -10');
    expect(asCash(wallet({ ...live, expiresAtMs: nowMs }))).toBe('cash +10, house:bonus-cost -10');
  });

  test('open an award of their own under their terms', () => {
    const outcome = decideFreeWin(wallet(), 10n, { terms }, nowMs);
    expect(told(outcome.postings)).toBe('bonus +10, house:bonus-cost -10');
    const award = { id: 'new', wageringLeft: 200n, betMax: 5n, expiresAtMs: nowMs + 1 };
    expect(outcome.award).toEqual(award);
    expect(outcome.opened).toEqual({ ...award, amount: 10n });
    expect(outcome.wagering).toEqual({ awardId: 'new', units: 200n });
  });

  test('join the award that is wagered, with the wagering of their own terms', () => {
    const outcome = decideFreeWin(wallet(live), 10n, { terms }, nowMs);
    expect(told(outcome.postings)).toBe('bonus +10, house:bonus-cost -10');
    expect(outcome.award).toEqual({ ...live, wageringLeft: 230n });
    expect(outcome.opened).toBeNull();
    expect(outcome.wagering).toEqual({ awardId: 'old', units: 200n });
  });
});

test('a stake is free when no line of it is the player’s', () => {
  expect(isFreeStake([])).toBe(true);
  expect(isFreeStake([{ account: 'house:casino:gaming', ofPlayer: false, amount: 1n }])).toBe(true);
  expect(
    isFreeStake([
      { account: 'house:casino:gaming', ofPlayer: false, amount: 1n },
      { account: 'cash', ofPlayer: true, amount: -1n },
    ]),
  ).toBe(false);
});

describe('a jackpot', () => {
  test('gets its share of real stakes, rounded down, at a cost of the house’s own', () => {
    const share = { pool: 'mega', contributionBps: 150 };
    expect(told(jackpotContribution(share, 1_000n))).toBe('house:jackpot-cost -15, jackpot:mega +15');
    expect(told(jackpotContribution(share, 199n))).toBe('house:jackpot-cost -2, jackpot:mega +2');
    expect(jackpotContribution(share, 66n)).toEqual([]);
    expect(told(jackpotContribution(share, 67n))).toBe('house:jackpot-cost -1, jackpot:mega +1');
  });

  const win: Posting[] = [
    { side: 'player', account: 'cash', amount: 10n },
    { side: 'house', account: 'house:casino:gaming', amount: -10n },
  ];

  test('pays its part of a win, and the game pays the rest', () => {
    const paid = (amount: bigint, pool: string | null = 'mega') =>
      told(payFromPool(win, 'house:casino:gaming', { pool, amount }));
    expect(paid(4n)).toBe('cash +10, house:casino:gaming -6, jackpot:mega -4');
    expect(paid(10n)).toBe('cash +10, jackpot:mega -10');
    expect(paid(0n)).toBe(told(win));
    expect(paid(4n, null)).toBe(told(win));
  });

  test('has back what an original moved in and out of it, and nothing else is touched', () => {
    const lines = [
      { account: 'cash', ofPlayer: true, amount: -100n },
      { account: 'jackpot:mine', ofPlayer: true, amount: 7n },
      { account: 'house:casino:gaming', ofPlayer: false, amount: 100n },
      { account: 'my-jackpot:mega', ofPlayer: false, amount: 7n },
      { account: 'house:jackpot-cost', ofPlayer: false, amount: -1n },
      { account: 'jackpot:mega', ofPlayer: false, amount: 1n },
    ];
    expect(told(undoJackpots(lines))).toBe('house:jackpot-cost +1, jackpot:mega -1');
  });
});
