/** Calls that must not be given up: a payment may wait for a database, it may not be forgotten because of one. */
import { ActivityFailure, sleep } from '@temporalio/workflow';

/** Repeats `call` for as long as it only ran out of time; an answer, also an expected failure, ends it. */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ActivityFailure) || error.retryState !== 'TIMEOUT') throw error;
      await sleep('1 min');
    }
  }
}
