/** What a writer remembers: wallets, and how far an answer that came late may put its clock back. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LoadedWallet } from './loaded-wallet.ts';
import { DatabaseClock, WalletCache } from './wallet-memory.ts';

const databaseAheadMs = Date.UTC(2026, 10, 30);

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A database whose clock is read halfway through a statement of `tookMs`. */
function answerAfter(clock: DatabaseClock, tookMs: number): void {
  const askedAtMs = performance.now();
  vi.advanceTimersByTime(tookMs / 2);
  const nowMs = databaseAheadMs + performance.now();
  vi.advanceTimersByTime(tookMs / 2);
  clock.learn(nowMs, askedAtMs);
}

const lagOf = async (clock: DatabaseClock): Promise<number> =>
  databaseAheadMs + performance.now() - (await clock.nowMs());

const unread = async (): Promise<never> => {
  throw new Error('nothing is asked of the database');
};

test('the quickest answer counts: one that came a minute late does not put the clock back', async () => {
  const clock = new DatabaseClock(unread);
  answerAfter(clock, 60_000);
  expect(await lagOf(clock)).toBe(30_000);
  answerAfter(clock, 4);
  expect(await lagOf(clock)).toBe(2);
  answerAfter(clock, 60_000);
  expect(await lagOf(clock)).toBe(2);
});

test('a database whose clock was set back is followed', async () => {
  const clock = new DatabaseClock(unread);
  answerAfter(clock, 4);
  const askedAtMs = performance.now();
  clock.learn(databaseAheadMs + askedAtMs - 5_000, askedAtMs);
  expect(await lagOf(clock)).toBe(5_000);
});

const noMoney = { cash: 0n, bonus: 0n, held: 0n, receivable: 0n };
const unchained = { seq: 0n, hash: null };
const noUsage = { day: 0n, week: 0n, month: 0n };

const walletOf = (playerId: string, version: bigint): LoadedWallet => ({
  version,
  chains: { cash: unchained, bonus: unchained, held: unchained, receivable: unchained },
  state: {
    playerId,
    asset: 'EUR',
    brand: 'aurora',
    jurisdiction: 'MT',
    stakeMax: null,
    balances: noMoney,
    playBlockedUntilMs: null,
    playBlockReason: null,
    sessionsValidFromMs: Number.NEGATIVE_INFINITY,
    limits: [],
    usage: { atMs: 0, stake: noUsage, loss: noUsage },
    award: null,
  },
});

/** One of five wallets is ready and four are texts. */
function fullCache(): WalletCache {
  const cache = new WalletCache(5);
  for (const name of ['one', 'two', 'three', 'four', 'five']) cache.put(name, walletOf(name, 1n));
  return cache;
}

test('wallets that were not used lately come back as they were, and the least used one is forgotten first', () => {
  const cache = fullCache();
  expect(cache.get('one')).toEqual(walletOf('one', 1n));
  cache.put('six', walletOf('six', 1n));
  expect(cache.get('two')).toBeUndefined();
  for (const name of ['one', 'three', 'four', 'five', 'six'])
    expect(cache.get(name)).toEqual(walletOf(name, 1n));
});

test('a wallet is never an older one than was put last, and is gone when dropped', () => {
  const cache = fullCache();
  cache.put('one', walletOf('one', 2n));
  cache.put('two', walletOf('two', 2n));
  expect(cache.get('one')).toEqual(walletOf('one', 2n));
  for (const name of ['one', 'three']) cache.drop(name);
  for (const name of ['one', 'three']) expect(cache.get(name)).toBeUndefined();
  expect(cache.get('two')).toEqual(walletOf('two', 2n));
});
