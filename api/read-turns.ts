/** Reads of the back office take turns, so that reports can occupy neither the database's connections nor the process. */
import type { MiddlewareHandler } from 'hono';
import { fail, FailureError } from '#domain/failures.ts';
import type { ApiEnv } from './context.ts';

export type ReadTurns = {
  /** Reads at once in this process: less than the pool has, so that players always find a connection. */
  readonly atOnceMax: number;
  /** Beyond this many waiting ones a read is refused at once. */
  readonly waitingMax: number;
  readonly waitMsMax: number;
};

export const readTurns: ReadTurns = { atOnceMax: 8, waitingMax: 64, waitMsMax: 2_000 };

/** Lets a GET pass when it is its turn; `overloaded`, with the time to come back, when its turn does not come. */
export function takeTurns({ atOnceMax, waitingMax, waitMsMax }: ReadTurns): MiddlewareHandler<ApiEnv> {
  let running = 0;
  const waiting = new Set<() => void>();

  const turn = async (): Promise<boolean> => {
    if (running < atOnceMax) {
      running += 1;
      return true;
    }
    if (waiting.size >= waitingMax) return false;
    return new Promise((resolve) => {
      const called = () => {
        clearTimeout(tooLate);
        resolve(true);
      };
      const tooLate = setTimeout(() => {
        waiting.delete(called);
        resolve(false);
      }, waitMsMax);
      waiting.add(called);
    });
  };
  /** Hands the turn to whoever waits longest, without letting a newcomer in between. */
  const yieldTurn = (): void => {
    const [next] = waiting;
    if (!next) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return async (c, next) => {
    if (c.req.method !== 'GET') return next();
    if (!(await turn())) {
      throw new FailureError(
        fail('overloaded', 'Too many reports are being read; nothing was done.', { retryAfterS: 2 }).failure,
      );
    }
    try {
      await next();
    } finally {
      yieldTurn();
    }
  };
}
