/** The chart is the whole of the accounts: what the flows admit is in it, and nothing else. */
import { expect, test } from 'vitest';
import { adjustmentContent, adjustmentReasonOf, adjustmentReasons } from './adjustments.ts';
import { accountForms, accountName, chart, disputedOf, clearingOf, pools, pspOf } from './chart.ts';

const sample = (account: string): string =>
  account
    .replace('{psp}', 'alpha')
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
