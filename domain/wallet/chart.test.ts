/** The chart is the whole of the accounts: what the flows admit is in it, and nothing else. */
import { expect, test } from 'vitest';
import {
  adjustmentContent,
  adjustmentDirections,
  adjustmentReasonOf,
  adjustmentReasons,
  adjustmentStates,
} from './adjustments.ts';
import {
  accountForms,
  accountName,
  adjustments,
  bankOf,
  playerFees,
  bonusCost,
  casinoGaming,
  chart,
  clearingOf,
  disputedOf,
  fxPosition,
  jackpotCost,
  jackpotOf,
  pools,
  pspOf,
  sportsbookGaming,
  suspenseOf,
  seizedFor,
  taxPayableOf,
} from './chart.ts';
import { journalCodes } from './postings.ts';
import { roundMoveOf } from './round-moves.ts';

const sample = (account: string): string =>
  account
    .replace('{psp}', 'alpha')
    .replace('{account}', 'MT84MALT011')
    .replace('{provider}', 'alpha')
    .replace('{jurisdiction}', 'MT')
    .replace('{vertical}', 'casino');

test('every form of a house account names exactly one line of the chart', () => {
  for (const [name, form] of Object.entries(accountForms)) {
    expect(chart.filter(({ account }) => form.test(sample(account))).length, name).toBe(1);
  }
});

test('every pool is in the chart, and no account twice', () => {
  const names = chart.map(({ account }) => account);
  for (const pool of pools) expect(names).toContain(accountName(pool, '{id}'));
  expect(new Set(names).size).toBe(names.length);
});

test('a PSP is read back from its accounts and from no others', () => {
  expect(pspOf(clearingOf('alpha'))).toBe('alpha');
  expect(pspOf(disputedOf('alpha'))).toBe('alpha');
  expect(pspOf('house:fx')).toBeNull();
});

test('reasons of corrections have codes of their own and at least one direction', () => {
  expect(new Set(adjustmentReasons.map(({ code }) => code)).size).toBe(adjustmentReasons.length);
  for (const reason of adjustmentReasons) {
    expect(reason.directions.length).toBeGreaterThan(0);
    expect(adjustmentReasonOf(reason.code)).toEqual(reason);
  }
  expect(adjustmentReasonOf('because')).toBeNull();
});

test('the text that a decision is bound to changes with every part of it', () => {
  const base = {
    id: 'i',
    playerId: 'p',
    asset: 'EUR',
    direction: 'credit',
    amount: 1n,
    reasonCode: 'goodwill',
    note: 'n',
  } as const;
  const texts = [
    base,
    { ...base, id: 'j' },
    { ...base, playerId: 'q' },
    { ...base, asset: 'USD' },
    { ...base, direction: 'debit' as const },
    { ...base, amount: 2n },
    { ...base, reasonCode: 'fraud-recovery' },
    { ...base, note: 'm' },
  ].map(adjustmentContent);
  expect(new Set(texts).size).toBe(texts.length);
});

/** How an accountant reads the books: what each kind of account is, and which of them may stand on the wrong side. */
const books: readonly [account: string, kind: 'owes' | 'is owed', mayTurn: boolean][] = [
  ['player:{id}:cash', 'owes', false],
  ['player:{id}:bonus', 'owes', false],
  ['player:{id}:held', 'owes', false],
  ['player:{id}:receivable', 'is owed', false],
  ['psp:{psp}:clearing', 'is owed', true],
  ['psp:{psp}:disputed', 'owes', false],
  ['house:{vertical}:gaming', 'owes', true],
  ['house:bonus-cost', 'is owed', false],
  ['house:psp-fees', 'is owed', false],
  ['bank:{account}', 'is owed', true],
  ['house:player-fees', 'owes', false],
  ['house:adjustments', 'is owed', true],
  ['suspense:{provider}', 'owes', true],
  ['tax:{jurisdiction}:payable', 'owes', false],
  ['authority:{jurisdiction}:payable', 'owes', false],
  ['house:fx', 'owes', true],
  ['jackpot:{pool}', 'owes', true],
  ['house:jackpot-cost', 'is owed', false],
];

test('costs and claims are debits, debts and revenue are credits, and few accounts may turn', () => {
  const asRead = new Map(
    books.map(([account, kind, mayTurn]) => [account, [kind === 'owes' ? 'credit' : 'debit', mayTurn]]),
  );
  const asKept = new Map(
    chart.map(({ account, normalSide, belowZero }) => [account, [normalSide, belowZero]]),
  );
  expect(asKept).toEqual(asRead);
});

test('every account tells in words of its own what it means', () => {
  const meanings = chart.map(({ meaning }) => meaning);
  expect(meanings.filter((meaning) => meaning.length < 10)).toEqual([]);
  expect(new Set(meanings).size).toBe(chart.length);
});

test('accounts that are made of a name are lines of the chart', () => {
  const made = {
    'psp:{psp}:clearing': clearingOf('alpha'),
    'psp:{psp}:disputed': disputedOf('alpha'),
    'suspense:{provider}': suspenseOf('alpha'),
    'tax:{jurisdiction}:payable': taxPayableOf('MT'),
    'authority:{jurisdiction}:payable': seizedFor('MT'),
    'jackpot:{pool}': jackpotOf('alpha'),
    'house:{vertical}:gaming': casinoGaming,
    'bank:{account}': bankOf('MT84MALT011'),
    'house:player-fees': playerFees,
    'house:bonus-cost': bonusCost,
    'house:adjustments': adjustments,
    'house:fx': fxPosition,
    'house:jackpot-cost': jackpotCost,
  };
  for (const [line, account] of Object.entries(made)) {
    expect(chart.map((row) => row.account)).toContain(line);
    expect(account).toBe(sample(line).replace('{pool}', 'alpha'));
  }
  expect(sportsbookGaming).toBe('house:sportsbook:gaming');
});

test('a player’s account is named with the player, a house account as it is', () => {
  expect(accountName('cash', 'p')).toBe('player:p:cash');
  expect(accountName('house:fx', null)).toBe('house:fx');
});

test('a PSP is read from whole names only', () => {
  for (const account of [
    'xpsp:alpha:clearing',
    'psp:alpha:clearing2',
    'psp:alpha:fees',
    'psp::clearing',
    'psp:Alpha:clearing',
    'psp:a:b:clearing',
  ])
    expect(pspOf(account), account).toBeNull();
  expect(pspOf('psp:alpha-2:disputed')).toBe('alpha-2');
});

test('a correction that favours the player leaves no debt, and each reason has a title for the statement', () => {
  const rules = adjustmentReasons.map(({ code, directions, mayOwe }) => [code, directions.join(' '), mayOwe]);
  expect(rules).toEqual([
    ['goodwill', 'credit', false],
    ['error-correction', 'credit debit', true],
    ['game-correction', 'credit debit', true],
    ['payment-correction', 'credit', false],
    ['complaint-settlement', 'credit', false],
    ['debt-write-off', 'credit', false],
    ['residue-write-off', 'debit', false],
    ['fraud-recovery', 'debit', true],
  ]);
  const titles = adjustmentReasons.map(({ title }) => title);
  expect(titles.filter((title) => !/^[A-Z].{5,}/.test(title))).toEqual([]);
  expect(new Set(titles).size).toBe(titles.length);
  expect(adjustmentStates).toEqual(['requested', 'posted', 'refused']);
  expect(adjustmentDirections).toEqual(['credit', 'debit']);
});

test('a journal of a round is a stake, a win, or takes one back; all others leave its sums alone', () => {
  const moves = journalCodes.map((code) => [code, roundMoveOf(code)]).filter(([, move]) => move !== 'none');
  expect(moves).toEqual([
    ['bet.place', 'stake'],
    ['bet.win', 'win'],
    ['bet.rollback', 'undo'],
    ['free.win', 'win'],
    ['free.rollback', 'undo'],
  ]);
  expect(['toString', 'constructor', '', 'bet'].map(roundMoveOf)).toEqual(['none', 'none', 'none', 'none']);
});
