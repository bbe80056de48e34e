/** Windows of limits against the calendar itself, and the edges of everything that a stake must obey. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addUsage, refuseStake, rollUsage, windowNumber } from './play-rules.ts';
import {
  isAwardLive,
  limitWindows,
  playableBalance,
  type LiveAward,
  type PlayUsage,
  type WalletState,
} from './state.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 25, 12);
const counters = (day: bigint, week: bigint, month: bigint) => ({ day, week, month });
const usage = (atMs: number, stake = counters(1n, 2n, 3n), loss = counters(4n, 5n, 6n)): PlayUsage => ({
  atMs,
  stake,
  loss,
});

const wallet = (changes: Partial<WalletState> = {}): WalletState => ({
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 100n, bonus: 0n, held: 0n, receivable: 0n },
  playBlockedUntilMs: null,
  playBlockReason: null,
  sessionsValidFromMs: nowMs - 10,
  limits: [],
  usage: usage(nowMs, counters(0n, 0n, 0n), counters(0n, 0n, 0n)),
  award: null,
  jurisdiction: 'MT',
  stakeMax: null,
  ...changes,
});
const stake = (amount: bigint, changes: Partial<Parameters<typeof refuseStake>[2]> = {}) => ({
  amount,
  sessionIssuedAtMs: nowMs - 10,
  sessionExpiresAtMs: nowMs + 1,
  ...changes,
});
const refusal = (state: WalletState, asked: ReturnType<typeof stake>, atMs = nowMs): string | null => {
  const failure = refuseStake(state, state.usage, asked, atMs);
  if (failure) expect(failure.detail).toMatch(/^[A-Z].+\.$/);
  return failure?.code ?? null;
};
const award = (changes: Partial<LiveAward> = {}): LiveAward => ({
  id: 'a',
  wageringLeft: 10n,
  betMax: 5n,
  expiresAtMs: nowMs + 1,
  ...changes,
});

describe('windows of limits', () => {
  const instants = fc.integer({ min: Date.UTC(1969, 0, 1), max: Date.UTC(2200, 0, 1) });
  /** What a calendar calls the window: its first day. */
  const firstDay = (window: (typeof limitWindows)[number], atMs: number): string => {
    const day = new Date(atMs);
    day.setUTCHours(0, 0, 0, 0);
    if (window === 'month') day.setUTCDate(1);
    while (window === 'week' && day.getUTCDay() !== 1) day.setUTCDate(day.getUTCDate() - 1);
    return day.toISOString();
  };

  test('two instants share a window exactly when they share its first day, and a later one never has a smaller number', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 0, max: 40 * dayMs }), (earlier, gap) => {
        for (const window of limitWindows) {
          const [first, second] = [windowNumber(window, earlier), windowNumber(window, earlier + gap)];
          expect(first <= second).toBe(true);
          expect(first === second, window).toBe(
            firstDay(window, earlier) === firstDay(window, earlier + gap),
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('begin at midnight, on Monday and on the first', () => {
    const starts = {
      day: Date.UTC(2026, 10, 25),
      week: Date.UTC(2026, 10, 23),
      month: Date.UTC(2026, 10, 1),
    };
    for (const window of limitWindows) {
      const startMs = starts[window];
      expect(windowNumber(window, startMs - 1)).toBe(windowNumber(window, startMs) - 1);
      expect(windowNumber(window, startMs)).toBe(windowNumber(window, nowMs));
    }
    expect(windowNumber('month', Date.UTC(2027, 0, 1))).toBe(
      windowNumber('month', Date.UTC(2026, 11, 31)) + 1,
    );
  });

  test('a wallet that never played is before every window', () => {
    for (const window of limitWindows)
      for (const never of [Number.NEGATIVE_INFINITY, Number.NaN])
        expect(windowNumber(window, never)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('usage', () => {
  test('of windows that have ended starts again at zero, and the others keep theirs', () => {
    expect(rollUsage(usage(nowMs - 1), nowMs)).toEqual(usage(nowMs));
    expect(rollUsage(usage(nowMs - dayMs), nowMs)).toEqual(
      usage(nowMs, counters(0n, 2n, 3n), counters(0n, 5n, 6n)),
    );
    expect(rollUsage(usage(nowMs - 3 * dayMs), nowMs)).toEqual(
      usage(nowMs, counters(0n, 0n, 3n), counters(0n, 0n, 6n)),
    );
    expect(rollUsage(usage(nowMs - 30 * dayMs), nowMs)).toEqual(
      usage(nowMs, counters(0n, 0n, 0n), counters(0n, 0n, 0n)),
    );
    expect(rollUsage(usage(Number.NEGATIVE_INFINITY), nowMs)).toEqual(
      usage(nowMs, counters(0n, 0n, 0n), counters(0n, 0n, 0n)),
    );
  });

  test('never goes back in time: a late look at an earlier instant changes nothing', () => {
    const later = usage(nowMs + 40 * dayMs);
    expect(rollUsage(later, nowMs)).toEqual(later);
  });

  test('grows in every window, and what it grew from stays as it was', () => {
    const before = usage(nowMs);
    expect(addUsage(before, 10n, -20n)).toEqual(
      usage(nowMs, counters(11n, 12n, 13n), counters(-16n, -15n, -14n)),
    );
    expect(before).toEqual(usage(nowMs));
    expect(rollUsage(before, nowMs + dayMs)).not.toEqual(before);
    expect(before).toEqual(usage(nowMs));
  });
});

describe('a stake', () => {
  test('is refused while a brake holds, with the word for its reason, even a free one', () => {
    for (const isFree of [false, true]) {
      const asked = stake(0n, { isFree });
      const until = (playBlockedUntilMs: number | null, playBlockReason: string | null) =>
        refusal(wallet({ playBlockedUntilMs, playBlockReason }), asked);
      expect(until(nowMs + 1, 'self-exclusion')).toBe('self-excluded');
      expect(until(nowMs + 1, 'cool-off')).toBe('player-blocked');
      expect(until(Number.POSITIVE_INFINITY, null)).toBe('player-blocked');
      expect(until(nowMs, 'self-exclusion')).toBeNull();
      expect(until(null, 'self-exclusion')).toBeNull();
    }
  });

  test('needs a session that was issued after the fence and has not ended', () => {
    expect(refusal(wallet(), stake(1n))).toBeNull();
    expect(refusal(wallet(), stake(1n, { sessionExpiresAtMs: nowMs }))).toBe('session-expired');
    expect(refusal(wallet(), stake(1n, { sessionIssuedAtMs: nowMs - 11 }))).toBe('session-expired');
    expect(refusal(wallet(), stake(1n, { isFree: true, sessionExpiresAtMs: nowMs }))).toBe('session-expired');
  });

  test('is held against the limit of its own kind and window, up to the last unit', () => {
    for (const kind of ['stake', 'loss'] as const) {
      for (const window of limitWindows) {
        const used = { ...counters(0n, 0n, 0n), [window]: 7n };
        const none = counters(0n, 0n, 0n);
        const state = wallet({
          limits: [{ kind, window, amount: 10n }],
          usage: kind === 'stake' ? usage(nowMs, used, none) : usage(nowMs, none, used),
        });
        expect(refusal(state, stake(3n))).toBeNull();
        expect(refusal(state, stake(4n))).toBe('play-limit-exceeded');
        expect(refusal(state, stake(4n, { isFree: true }))).toBeNull();
        const failure = refuseStake(state, state.usage, stake(4n), nowMs);
        expect(failure?.detail).toBe(`The ${window}'s ${kind} limit is reached.`);
      }
    }
  });

  test('obeys every limit, not only the first', () => {
    const limits = [
      { kind: 'stake', window: 'month', amount: 50n },
      { kind: 'loss', window: 'day', amount: 5n },
    ] as const;
    expect(refusal(wallet({ limits }), stake(6n))).toBe('play-limit-exceeded');
    expect(refusal(wallet({ limits: limits.toReversed() }), stake(6n))).toBe('play-limit-exceeded');
    expect(refusal(wallet({ limits }), stake(5n))).toBeNull();
  });

  test('obeys the award’s largest bet only while bonus money is there and the award lives', () => {
    const state = (more: Partial<LiveAward> = {}, bonus = 1n) =>
      wallet({ balances: { cash: 100n, bonus, held: 0n, receivable: 0n }, award: award(more) });
    expect(refusal(state(), stake(6n))).toBe('bonus-bet-too-large');
    expect(refusal(state(), stake(5n))).toBeNull();
    expect(refusal(state({}, 0n), stake(6n))).toBeNull();
    expect(refusal(state({ betMax: null }), stake(6n))).toBeNull();
    expect(refusal(state({ expiresAtMs: nowMs }), stake(6n))).toBeNull();
    expect(refusal({ ...state(), award: null }, stake(6n))).toBeNull();
  });

  test('obeys the caps of the player and of the game, each with its own words', () => {
    const caps = [{ jurisdiction: 'MT', asset: 'EUR', amount: 5n }];
    expect(refusal(wallet({ stakeMax: 5n }), stake(6n))).toBe('stake-too-large');
    expect(refusal(wallet({ stakeMax: 5n }), stake(5n))).toBeNull();
    expect(refusal(wallet(), stake(6n, { stakeCaps: caps }))).toBe('stake-too-large');
    expect(refusal(wallet(), stake(5n, { stakeCaps: caps }))).toBeNull();
    expect(refusal(wallet({ jurisdiction: 'GB' }), stake(6n, { stakeCaps: caps }))).toBeNull();
    expect(refusal(wallet({ asset: 'USD' }), stake(6n, { stakeCaps: caps }))).toBeNull();
    const words = [wallet({ stakeMax: 5n }), wallet()].map(
      (state) => refuseStake(state, state.usage, stake(6n, { stakeCaps: caps }), nowMs)?.detail,
    );
    expect(new Set(words).size).toBe(2);
  });
});

test('what can be staked is cash, and bonus money while its award lives', () => {
  const state = wallet({ balances: { cash: 3n, bonus: 4n, held: 9n, receivable: 0n } });
  expect(playableBalance(state, nowMs)).toBe(3n);
  expect(playableBalance({ ...state, award: award() }, nowMs)).toBe(7n);
  expect(playableBalance({ ...state, award: award() }, nowMs + 1)).toBe(3n);
  expect(isAwardLive(state, nowMs)).toBe(false);
  expect(isAwardLive({ ...state, award: award() }, nowMs)).toBe(true);
  expect(isAwardLive({ ...state, award: award() }, nowMs + 1)).toBe(false);
});
