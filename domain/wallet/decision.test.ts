/** The last look before anything is written: whatever a rule has thought out, a journal that breaks the ledger is not made. */
import { describe, expect, test } from 'vitest';
import { accept, journalOf, refuse, type DecidedJournal } from './decision.ts';
import type { Posting } from './postings.ts';
import type { WalletState } from './state.ts';

const state: WalletState = {
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 10n, bonus: 10n, held: 10n, receivable: -10n },
  playBlockedUntilMs: null,
  playBlockReason: null,
  sessionsValidFromMs: 0,
  limits: [],
  usage: { atMs: 0, stake: { day: 0n, week: 0n, month: 0n }, loss: { day: 0n, week: 0n, month: 0n } },
  award: null,
  jurisdiction: 'MT',
  stakeMax: null,
};
const command = { key: { integration: 'i', externalId: 'x' }, fingerprint: 'ab' };
const line = (account: string, amount: bigint): Posting =>
  ({ side: account.includes(':') ? 'house' : 'player', account, amount }) as Posting;
const journal = (
  code: DecidedJournal['code'],
  ...lines: [account: string, amount: bigint][]
): DecidedJournal =>
  journalOf(
    command,
    code,
    1n,
    lines.map(([account, amount]) => line(account, amount)),
  );

describe('a journal is not made', () => {
  test('when its lines do not sum to zero', () => {
    expect(() => accept(state, journal('withdrawal.reserve', ['cash', -5n], ['held', 4n]), null)).toThrow(
      'the postings of withdrawal.reserve sum to zero',
    );
  });

  test('when it touches an account outside its flow', () => {
    expect(() => accept(state, journal('withdrawal.reserve', ['cash', -5n], ['bonus', 5n]), null)).toThrow(
      'withdrawal.reserve touches only the accounts of its flow',
    );
  });

  test('when it would leave a pool below zero', () => {
    const reserve = (amount: bigint) =>
      accept(state, journal('withdrawal.reserve', ['cash', -amount], ['held', amount]), null);
    expect(reserve(10n).state.balances).toMatchObject({ cash: 0n, held: 20n });
    expect(() => reserve(11n)).toThrow('no pool goes below zero');
    const forfeit = (amount: bigint) =>
      accept(state, journal('bonus.forfeit', ['bonus', -amount], ['house:bonus-cost', amount]), null);
    expect(forfeit(10n).state.balances.bonus).toBe(0n);
    expect(() => forfeit(11n)).toThrow('no pool goes below zero');
    const settle = (amount: bigint) =>
      accept(state, journal('withdrawal.settle', ['held', -amount], ['psp:a:clearing', amount]), null);
    expect(settle(10n).state.balances.held).toBe(0n);
    expect(() => settle(11n)).toThrow('no pool goes below zero');
  });

  test('when it would turn a debt into a credit', () => {
    const repay = (amount: bigint) =>
      accept(state, journal('deposit.capture', ['receivable', amount], ['psp:a:clearing', -amount]), null);
    expect(repay(10n).state.balances.receivable).toBe(0n);
    expect(() => repay(11n)).toThrow('a debt never becomes a credit');
  });

  test('when one of several is broken', () => {
    const good = journal('withdrawal.reserve', ['cash', -5n], ['held', 5n]);
    expect(() => accept(state, [good, journal('hold.place', ['cash', -1n])], null)).toThrow(/hold\.place/);
    expect(() => accept(state, [good, good, good], null)).toThrow('no pool goes below zero');
  });
});

test('several journals of one decision move the balances one after the other, and the rest of the wallet stays', () => {
  const one = journal('withdrawal.reserve', ['cash', -5n], ['held', 5n]);
  const other = journal('withdrawal.settle', ['held', -15n], ['psp:a:clearing', 15n]);
  expect(accept(state, [one, other], null, 'award')).toEqual({
    kind: 'post',
    state: { ...state, balances: { cash: 5n, bonus: 10n, held: 0n, receivable: -10n } },
    journals: [one, other],
    round: null,
    wageredAwardId: 'award',
  });
  const round = { staked: 1n, won: 0n, closes: true, guardMs: 5 };
  expect(accept(state, one, round)).toMatchObject({ journals: [one], round, wageredAwardId: null });
});

test('a journal has the command’s key and print, and what it is linked to', () => {
  const lines = [line('cash', -1n), line('held', 1n)];
  expect(journalOf(command, 'hold.place', 1n, lines)).toEqual({
    externalId: 'x',
    code: 'hold.place',
    amount: 1n,
    postings: lines,
    fingerprint: 'ab',
    reverses: null,
    answers: null,
    details: null,
  });
  const own = { wagering: { awardId: 'a', units: '1' } };
  const given = { wire: { note: 'b' } };
  const links = { reverses: 'r', answers: 'q' };
  expect(journalOf({ ...command, details: given }, 'hold.place', 1n, lines, links)).toMatchObject({
    ...links,
    details: given,
  });
  expect(
    journalOf({ ...command, details: given }, 'hold.place', 1n, lines, { details: own }).details,
  ).toEqual(own);
});

test('a refusal carries its code and its sentence', () => {
  expect(refuse('insufficient-funds', 'Too little.')).toEqual({
    kind: 'refuse',
    failure: { code: 'insufficient-funds', detail: 'Too little.' },
  });
});
