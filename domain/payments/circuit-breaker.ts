/**
 * When a PSP is left alone: after many calls without a usable answer its breaker opens, later one call at a time tries
 * whether it is back. A call that an open breaker holds back was provably never sent. Pure; times are the caller's.
 */
import type { PspOutcome } from './outcome.ts';

export type Breaker = {
  readonly state: 'closed' | 'open' | 'half-open';
  /** Of the latest calls, newest last: true where the PSP gave a usable answer. */
  readonly answers: readonly boolean[];
  /** While open: when the next probe may leave. While half-open: when a probe that told nothing is given up. */
  readonly untilMs: number;
  /** Openings since the last answer: each makes the pause longer. */
  readonly openings: number;
};

export const closedBreaker: Breaker = { state: 'closed', answers: [], untilMs: 0, openings: 0 };

/** So few calls, and so many of them without an answer, that one slow issuer cannot shut a PSP off. */
const callsRemembered = 20;
const failuresMin = 5;

const pauseMsMin = 5_000;
const pauseMsMax = 60_000;
/** Longer than the longest call. */
const probeMsMax = 45_000;

const pauseMs = (openings: number): number =>
  Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(openings - 1, 10));

/** Whether a call may leave now; the breaker that admits a probe remembers it. */
export function admit(
  breaker: Breaker,
  nowMs: number,
): { readonly breaker: Breaker; readonly isAdmitted: boolean } {
  if (breaker.state === 'closed') return { breaker, isAdmitted: true };
  if (nowMs < breaker.untilMs) return { breaker, isAdmitted: false };
  return { breaker: { ...breaker, state: 'half-open', untilMs: nowMs + probeMsMax }, isAdmitted: true };
}

/** The breaker after a call that it had admitted. */
export function hear(breaker: Breaker, isAnswered: boolean, nowMs: number): Breaker {
  if (breaker.state !== 'closed') {
    // Calls that had left before it opened may end now; only good news counts.
    if (isAnswered) return closedBreaker;
    return breaker.state === 'half-open' ? opened(breaker, nowMs) : breaker;
  }
  const answers = [...breaker.answers, isAnswered].slice(-callsRemembered);
  const failures = answers.filter((answered) => !answered).length;
  const next = { ...breaker, answers };
  return failures >= failuresMin && failures * 2 >= answers.length ? opened(next, nowMs) : next;
}

function opened(breaker: Breaker, nowMs: number): Breaker {
  const openings = breaker.openings + 1;
  return { state: 'open', answers: [], untilMs: nowMs + pauseMs(openings), openings };
}

/**
 * Whether an outcome shows that the PSP is there. A request that it refused for its content is an answer, else whoever
 * sends nonsense could shut it off for others.
 */
export function isAnswer(outcome: PspOutcome): boolean {
  switch (outcome.kind) {
    case 'unknown':
      return false;
    case 'not_sent':
      return outcome.isAnswered === true;
    case 'approved':
    case 'authorised':
    case 'declined':
    case 'action':
    case 'pending':
    case 'cancelled':
    case 'not_found':
      return true;
  }
}
