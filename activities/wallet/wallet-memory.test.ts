/** The writer's clock: how far an answer that came late may put it back. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DatabaseClock } from './wallet-memory.ts';

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
