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
  /** Counts its changes of state and its probes. A call that left in an earlier turn tells of a PSP as it was then. */
  readonly turn: number;
};

export const closedBreaker: Breaker = { state: 'closed', answers: [], untilMs: 0, openings: 0, turn: 0 };

/** So few calls, and so many of them without an answer, that one slow issuer cannot shut a PSP off. */
const callsRemembered = 20;
const failuresMin = 5;

const pauseMsMin = 5_000;
const pauseMsMax = 60_000;
/** Longer than the longest call. */
const probeMsMax = 45_000;

const pauseMs = (openings: number): number =>
  Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(openings - 1, 10));

/** The turn in which a call may leave now, null while none may; the breaker that admits a probe remembers it. */
export function admit(
  breaker: Breaker,
  nowMs: number,
): { readonly breaker: Breaker; readonly turn: number | null } {
  if (breaker.state === 'closed') return { breaker, turn: breaker.turn };
  if (nowMs < breaker.untilMs) return { breaker, turn: null };
  const turn = breaker.turn + 1;
  return { breaker: { ...breaker, state: 'half-open', untilMs: nowMs + probeMsMax, turn }, turn };
}

/**
 * The breaker after a call that it had admitted in `turn`. An answer that comes late, of a call that had left before it
 * opened or of a probe that was given up, says nothing of the PSP now: only the probe under way closes it.
 */
export function hear(breaker: Breaker, turn: number, isAnswered: boolean, nowMs: number): Breaker {
  if (turn !== breaker.turn) return breaker;
  if (breaker.state !== 'closed')
    return isAnswered ? { ...closedBreaker, turn: turn + 1 } : opened(breaker, nowMs);
  const answers = [...breaker.answers, isAnswered].slice(-callsRemembered);
  const failures = answers.filter((answered) => !answered).length;
  const next = { ...breaker, answers };
  return failures >= failuresMin && failures * 2 >= answers.length ? opened(next, nowMs) : next;
}

function opened(breaker: Breaker, nowMs: number): Breaker {
  const openings = breaker.openings + 1;
  return { state: 'open', answers: [], untilMs: nowMs + pauseMs(openings), openings, turn: breaker.turn + 1 };
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
