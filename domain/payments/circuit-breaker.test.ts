/** The rules of the breaker, by example and for random days of a PSP. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit, closedBreaker, hear, isAnswer, type Breaker } from './circuit-breaker.ts';

const after = (answers: readonly boolean[], from: Breaker = closedBreaker, nowMs = 0): Breaker =>
  answers.reduce((breaker, answer) => hear(breaker, breaker.turn, answer, nowMs), from);

test('a breaker opens after five calls without an answer, and not before', () => {
  expect(after([false, false, false, false]).state).toBe('closed');
  expect(after([false, false, false, false, false]).state).toBe('open');
});

test('failures that are fewer than half of the calls open nothing', () => {
  const mostlyWell = Array.from({ length: 60 }, (_, index) => index % 3 !== 0);
  expect(after(mostlyWell).state).toBe('closed');
});

test('an open breaker holds calls back, then admits one probe, and closes with its answer', () => {
  const open = after([false, false, false, false, false]);
  expect(admit(open, 4_999).turn).toBeNull();
  const probed = admit(open, 5_000);
  expect(probed.turn).not.toBeNull();
  expect(probed.breaker.state).toBe('half-open');
  expect(admit(probed.breaker, 5_001).turn).toBeNull();
  expect(hear(probed.breaker, probed.breaker.turn, true, 5_200)).toMatchObject({
    state: 'closed',
    openings: 0,
  });
});

test('each probe in vain makes the pause longer, up to a minute', () => {
  let breaker = after([false, false, false, false, false]);
  const pauses: number[] = [];
  let nowMs = 0;
  for (let probe = 0; probe < 6; probe += 1) {
    pauses.push(breaker.untilMs - nowMs);
    nowMs = breaker.untilMs;
    const probed = admit(breaker, nowMs).breaker;
    breaker = hear(probed, probed.turn, false, nowMs);
  }
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});

test('a probe that never tells anything is followed by another', () => {
  const probed = admit(after([false, false, false, false, false]), 5_000).breaker;
  expect(admit(probed, 49_999).turn).toBeNull();
  expect(admit(probed, 50_000).turn).not.toBeNull();
});

test('a late failure of a call from before does not lengthen the pause', () => {
  const open = after([false, false, false, false, false]);
  expect(hear(open, closedBreaker.turn, false, 3_000)).toEqual(open);
});

test('an answer of a call from before it opened closes nothing, while it is open, half-open, or closed again', () => {
  const left = closedBreaker.turn;
  const open = after([false, false, false, false, false]);
  expect(hear(open, left, true, 4_000)).toEqual(open);
  const probed = admit(open, 5_000).breaker;
  expect(hear(probed, left, true, 5_100)).toEqual(probed);
  expect(hear(probed, left, false, 5_100)).toEqual(probed);
  const closed = hear(probed, probed.turn, true, 5_200);
  expect(hear(closed, left, false, 5_300)).toEqual(closed);
});

test('the answer of a probe that was given up does not stand for the one under way', () => {
  const first = admit(after([false, false, false, false, false]), 5_000).breaker;
  const second = admit(first, 50_000).breaker;
  expect(hear(second, first.turn, true, 50_100)).toEqual(second);
  expect(hear(second, second.turn, true, 50_200).state).toBe('closed');
});

test('a request that the PSP refused for its content is an answer, a refused connection is none', () => {
  expect(isAnswer({ kind: 'not_sent', reason: 'request refused', isAnswered: true })).toBe(true);
  expect(isAnswer({ kind: 'not_sent', reason: 'connection refused' })).toBe(false);
  expect(isAnswer({ kind: 'unknown', reason: 'status 503' })).toBe(false);
  expect(isAnswer({ kind: 'pending', pspReference: null })).toBe(true);
});

test('whatever happens, a PSP is never left alone for longer than a minute, and one answer brings it back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 90_000 })), { maxLength: 200 }),
      (day) => {
        let breaker = closedBreaker;
        let nowMs = 0;
        for (const [answer, pauseMs] of day) {
          nowMs += pauseMs;
          const admitted = admit(breaker, nowMs);
          breaker =
            admitted.turn === null ? admitted.breaker : hear(admitted.breaker, admitted.turn, answer, nowMs);
          expect(breaker.untilMs - nowMs).toBeLessThanOrEqual(60_000);
          expect(breaker.answers.length).toBeLessThanOrEqual(20);
          if (admitted.turn !== null && answer) expect(breaker.state).toBe('closed');
        }
      },
    ),
  );
});
