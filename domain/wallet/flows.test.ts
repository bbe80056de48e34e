/** A balanced journal can still be a wrong one: each code against every account there is, and against names that only look like one. */
import { describe, expect, test } from 'vitest';
import { strayAccount } from './flows.ts';
import { journalCodes, type JournalCode, type Posting } from './postings.ts';

/** One account of each kind, by a short word. */
const accounts = {
  cash: 'cash',
  bonus: 'bonus',
  held: 'held',
  owed: 'receivable',
  clearing: 'psp:alpha-2:clearing',
  disputed: 'psp:alpha-2:disputed',
  casino: 'house:casino:gaming',
  book: 'house:sportsbook:gaming',
  gifts: 'house:bonus-cost',
  fees: 'house:psp-fees',
  charges: 'house:player-fees',
  bank: 'bank:MT84MALT011000012345MTLCAST001S',
  corrections: 'house:adjustments',
  fx: 'house:fx',
  suspense: 'suspense:peer-claims',
  tax: 'tax:CA-ON:payable',
  seized: 'authority:CA-ON:payable',
  pot: 'jackpot:mega-1',
  potCost: 'house:jackpot-cost',
} as const;
type Word = keyof typeof accounts;

/** What bookkeeping allows, code by code: no other account may stand in such a journal. */
const allowed: Record<JournalCode, string> = {
  'deposit.capture': 'cash owed clearing',
  'withdrawal.reserve': 'cash held',
  'withdrawal.settle': 'held clearing',
  'withdrawal.release': 'held cash owed',
  'withdrawal.fee': 'held charges',
  'withdrawal.return': 'cash owed clearing',
  'withdrawal.forfeit': 'held seized',
  'bet.place': 'cash bonus casino pot potCost',
  'bet.win': 'cash bonus owed casino pot',
  'bet.rollback': 'cash bonus owed casino pot potCost',
  'bet.tombstone': '',
  'bonus.award': 'bonus gifts',
  'bonus.convert': 'bonus cash owed',
  'bonus.forfeit': 'bonus gifts',
  'hold.place': 'cash held',
  'hold.capture': 'held clearing suspense tax',
  'hold.release': 'held cash owed',
  'deposit.refund': 'cash owed clearing',
  'deposit.refund-return': 'cash owed clearing',
  'chargeback.open': 'cash owed disputed',
  'chargeback.lose': 'disputed clearing',
  'chargeback.win': 'disputed cash owed',
  'adjustment.post': 'cash owed corrections',
  'fx.exchange': 'cash owed fx',
  'free.win': 'cash bonus owed gifts pot',
  'free.rollback': 'cash bonus owed gifts pot',
  'jackpot.contribute': 'potCost pot',
  'book.place': 'cash book',
  'book.settle': 'cash owed book',
  'book.void': 'cash owed book',
  'book.correct': 'cash owed book',
  'book.cash-out': 'cash owed book',
  'psp.payout': 'clearing bank',
  'psp.fee': 'fees clearing',
  'suspense.open': 'clearing suspense',
  'suspense.release': 'suspense clearing corrections',
};

const line = (account: string): Posting => ({ side: 'house', account, amount: 1n }) as unknown as Posting;

describe.each(journalCodes)('%s', (code) => {
  const may = new Set(allowed[code].split(' ').filter(Boolean));

  test('touches the accounts of its flow and no others', () => {
    for (const word of Object.keys(accounts) as Word[]) {
      const account = accounts[word];
      expect([account, strayAccount(code, [line(account)])]).toEqual([
        account,
        may.has(word) ? null : account,
      ]);
    }
  });

  test('takes no account whose name only holds an allowed one', () => {
    for (const account of Object.values(accounts)) {
      for (const alike of [`x${account}`, `${account}:x`, `${account}\n`, account.toUpperCase()])
        if (alike !== account) expect(strayAccount(code, [line(alike)])).toBe(alike);
    }
  });
});

test('names inside an account are plain: one part, small letters, digits and hyphens', () => {
  for (const wrong of ['', 'Alpha', 'a b', 'a:b', 'a_b']) {
    expect(strayAccount('deposit.capture', [line(`psp:${wrong}:clearing`)]), wrong).not.toBeNull();
    expect(strayAccount('hold.capture', [line(`psp:${wrong}:clearing`)]), wrong).not.toBeNull();
    expect(strayAccount('withdrawal.settle', [line(`psp:${wrong}:clearing`)]), wrong).not.toBeNull();
    expect(strayAccount('chargeback.open', [line(`psp:${wrong}:disputed`)]), wrong).not.toBeNull();
    expect(strayAccount('hold.capture', [line(`suspense:${wrong}`)]), wrong).not.toBeNull();
    expect(strayAccount('jackpot.contribute', [line(`jackpot:${wrong}`)]), wrong).not.toBeNull();
  }
});

test('taxes are owed to a country, or to a part of one as ISO 3166-2 writes it', () => {
  const takes = (jurisdiction: string): boolean =>
    strayAccount('hold.capture', [line(`tax:${jurisdiction}:payable`)]) === null;
  expect(['MT', 'GB-1', 'CA-ON', 'GB-ENG', 'FR-20R'].filter((place) => !takes(place))).toEqual([]);
  expect(['', 'M', 'MLT', 'mt', '12', 'CA-', 'CA-ONTA', 'CA-on', 'CAON', 'CA-ON-X'].filter(takes)).toEqual(
    [],
  );
});

test('the first stray account is named, wherever it stands', () => {
  const lines = [line('cash'), line('held'), line('bonus'), line('house:fx')];
  expect(strayAccount('withdrawal.reserve', lines)).toBe('bonus');
  expect(strayAccount('withdrawal.reserve', lines.slice(0, 2))).toBeNull();
  expect(strayAccount('bet.tombstone', [])).toBeNull();
});
