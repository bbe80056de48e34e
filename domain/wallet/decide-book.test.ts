/** Stakes of the sportsbook obey what stakes of games obey, and their payments come whatever happened to the player. */
import { describe, expect, test } from 'vitest';
import type { BookPayCommand, BookStakeCommand } from './book-commands.ts';
import { referencedExternalId } from './commands.ts';
import { decide, type Decision } from './decide.ts';
import type { WalletState } from './state.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const zero = { day: 0n, week: 0n, month: 0n };
const wallet = (changes: Partial<WalletState> = {}): WalletState => ({
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 100n, bonus: 0n, held: 0n, receivable: 0n },
  playBlockedUntilMs: null,
  playBlockReason: null,
  sessionsValidFromMs: Number.NEGATIVE_INFINITY,
  limits: [],
  usage: { atMs: nowMs, stake: zero, loss: zero },
  award: null,
  jurisdiction: 'MT',
  stakeMax: null,
  ...changes,
});

const facts = { playerId: 'p', asset: 'EUR', fingerprint: 'ab', subject: 'bet:1' };
const stake = (amount: bigint, changes: Partial<BookStakeCommand> = {}): BookStakeCommand => ({
  ...facts,
  kind: 'book-stake',
  key: { integration: 'pitboss', externalId: 'bet:1:stake' },
  amount,
  sessionIssuedAtMs: nowMs,
  sessionExpiresAtMs: nowMs + 1_000,
  ...changes,
});
const pay = (
  delta: bigint,
  code: BookPayCommand['code'],
  placedAtMs = nowMs,
  settledAtMs: number | null = null,
  changes: Partial<BookPayCommand> = {},
): BookPayCommand => ({
  ...facts,
  kind: 'book-pay',
  key: { integration: 'pitboss', externalId: 'bet:1:settle:v1' },
  code,
  delta,
  stake: 10n,
  placedAtMs,
  settledAtMs,
  wasVoid: false,
  isVoid: code === 'book.void',
  answers: 'j',
  ...changes,
});
const run = (state: WalletState, command: BookStakeCommand | BookPayCommand): Decision =>
  decide(state, command, { nowMs, existing: null, referenced: null });
const codeOf = (decision: Decision): string =>
  decision.kind === 'refuse' ? decision.failure.code : decision.kind;

describe('a sports stake', () => {
  test('is refused by brakes, ended sessions, limits and funds', () => {
    expect(codeOf(run(wallet({ playBlockedUntilMs: Infinity, playBlockReason: 'lock' }), stake(1n)))).toBe(
      'player-blocked',
    );
    expect(
      codeOf(run(wallet({ playBlockedUntilMs: Infinity, playBlockReason: 'self-exclusion' }), stake(1n))),
    ).toBe('self-excluded');
    expect(codeOf(run(wallet(), stake(1n, { sessionExpiresAtMs: nowMs })))).toBe('session-expired');
    const limits = [{ kind: 'loss', window: 'week', amount: 9n }] as const;
    expect(codeOf(run(wallet({ limits }), stake(10n)))).toBe('play-limit-exceeded');
    expect(codeOf(run(wallet(), stake(101n)))).toBe('insufficient-funds');
    expect(codeOf(run(wallet({ stakeMax: 9n }), stake(10n)))).toBe('stake-too-large');
    expect(codeOf(run(wallet({ stakeMax: 10n }), stake(10n)))).toBe('post');
  });

  test('takes real money only, and an award neither pays for it nor binds it', () => {
    const state = wallet({
      balances: { cash: 50n, bonus: 50n, held: 0n, receivable: 0n },
      award: { id: 'a', wageringLeft: 100n, betMax: 5n, expiresAtMs: nowMs + 1_000 },
    });
    expect(codeOf(run(state, stake(51n)))).toBe('insufficient-funds');
    const decision = run(state, stake(50n));
    expect(decision).toMatchObject({
      kind: 'post',
      state: { balances: { cash: 0n, bonus: 50n }, award: { wageringLeft: 100n } },
      round: null,
      wageredAwardId: null,
    });
  });
});

test('a sports command looks for no other journal: it brings the one that it answers', () => {
  expect(referencedExternalId(stake(1n))).toBeNull();
  expect(referencedExternalId(pay(1n, 'book.settle'))).toBeNull();
});

describe('what a sports bet writes', () => {
  const dayBefore = nowMs - 86_400_000;
  const used = { day: 5n, week: 5n, month: 5n };
  const later = wallet({ usage: { atMs: dayBefore, stake: used, loss: used } });

  test('a stake is one journal that answers nothing, and counts in every window of now', () => {
    expect(run(later, stake(10n))).toMatchObject({
      journals: [
        {
          externalId: 'bet:1:stake',
          code: 'book.place',
          amount: 10n,
          answers: null,
          reverses: null,
          postings: [
            { account: 'cash', amount: -10n },
            { account: 'house:sportsbook:gaming', amount: 10n },
          ],
        },
      ],
      state: {
        usage: {
          atMs: nowMs,
          stake: { day: 10n, week: 15n, month: 15n },
          loss: { day: 10n, week: 15n, month: 15n },
        },
      },
    });
    expect(() => run(wallet(), stake(0n))).toThrow('a stake is greater than zero');
    expect(() => run(wallet(), stake(-1n))).toThrow('a stake is greater than zero');
    expect(codeOf(run(wallet(), stake(100n)))).toBe('post');
    const refused = run(wallet(), stake(101n));
    expect(refused.kind === 'refuse' && refused.failure.detail).toMatch(/^[A-Z].+\.$/);
  });

  test('a payment answers the stake, lowers losses of now and leaves stakes and rounds alone', () => {
    for (const code of ['book.settle', 'book.cash-out', 'book.correct'] as const) {
      expect(run(later, pay(20n, code))).toMatchObject({
        kind: 'post',
        journals: [{ externalId: 'bet:1:settle:v1', code, amount: 20n, answers: 'j', reverses: null }],
        state: {
          balances: { cash: 120n },
          usage: {
            atMs: nowMs,
            stake: { day: 0n, week: 5n, month: 5n },
            loss: { day: -20n, week: -15n, month: -15n },
          },
        },
        round: null,
        wageredAwardId: null,
      });
    }
  });

  test('a correction may take back more than there is, and the loss counts again', () => {
    expect(run(wallet(), pay(-130n, 'book.correct'))).toMatchObject({
      journals: [{ code: 'book.correct', amount: -130n }],
      state: { balances: { cash: 0n, receivable: -30n }, usage: { loss: { day: 130n, month: 130n } } },
    });
    for (const code of ['book.void', 'book.cash-out'] as const)
      expect(() => run(wallet(), pay(-1n, code))).toThrow('only a correction takes back');
    expect(() => run(wallet(), pay(0n, 'book.settle'))).toThrow('a payment moves something');
  });
});

describe('a sports payment', () => {
  test('reaches an excluded player and repays his debt first', () => {
    const state = wallet({
      playBlockedUntilMs: Infinity,
      playBlockReason: 'self-exclusion',
      balances: { cash: 0n, bonus: 0n, held: 0n, receivable: -15n },
    });
    expect(run(state, pay(20n, 'book.settle'))).toMatchObject({
      kind: 'post',
      state: { balances: { cash: 5n, receivable: 0n } },
    });
  });

  test('of a void bet frees the limits of the windows that counted the stake, and no others', () => {
    const used = { day: 10n, week: 10n, month: 10n };
    const state = wallet({ usage: { atMs: nowMs, stake: used, loss: used } });
    expect(run(state, pay(10n, 'book.void'))).toMatchObject({
      state: { usage: { stake: { day: 0n, week: 0n, month: 0n }, loss: { day: 0n } } },
    });
    const dayBefore = nowMs - 86_400_000;
    expect(run(state, pay(10n, 'book.void', dayBefore))).toMatchObject({
      state: {
        usage: { stake: { day: 10n, week: 0n, month: 0n }, loss: { day: 10n, week: 0n, month: 0n } },
      },
    });
    expect(run(state, pay(10n, 'book.settle'))).toMatchObject({ state: { usage: { stake: used } } });
  });

  test('taken back is lost again in the windows that had counted it as won, and in no others', () => {
    const used = { day: 1n, week: 1n, month: 1n };
    const state = wallet({ usage: { atMs: nowMs, stake: used, loss: used } });
    const dayBefore = nowMs - 86_400_000;
    expect(run(state, pay(-10n, 'book.correct', dayBefore, dayBefore))).toMatchObject({
      state: { usage: { stake: used, loss: { day: 1n, week: 11n, month: 11n } } },
    });
    // More money is a win of the day on which it should have come.
    expect(run(state, pay(10n, 'book.correct', dayBefore, dayBefore))).toMatchObject({
      state: { usage: { stake: used, loss: { day: 1n, week: -9n, month: -9n } } },
    });
  });

  test('takes back only as a correction, and nothing only where the bet was void or becomes it', () => {
    expect(() => run(wallet(), pay(-1n, 'book.settle'))).toThrow(/only a correction/);
    expect(() => run(wallet(), pay(0n, 'book.correct'))).toThrow(/moves something/);
    const bothVoid = { wasVoid: true, isVoid: true };
    expect(() => run(wallet(), pay(0n, 'book.correct', nowMs, nowMs, bothVoid))).toThrow(/moves something/);
  });

  test('of a bet that was void and paid its stake all the same moves no money and counts the stake', () => {
    const noLonger = { wasVoid: true, isVoid: false };
    expect(run(wallet(), pay(0n, 'book.correct', nowMs, nowMs, noLonger))).toMatchObject({
      kind: 'post',
      journals: [{ code: 'book.correct', amount: 0n, postings: [] }],
      state: { balances: { cash: 100n }, usage: { stake: { day: 10n, month: 10n }, loss: { day: 0n } } },
    });
    const becomes = { wasVoid: false, isVoid: true };
    expect(run(wallet(), pay(0n, 'book.correct', nowMs, nowMs, becomes))).toMatchObject({
      state: { usage: { stake: { day: -10n, month: -10n }, loss: { day: 0n } } },
    });
  });
});
