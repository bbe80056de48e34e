/** The named ways to call an activity; a workflow picks one and never spells timeouts itself. */
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { failureCodes } from '#domain/failures.ts';

/** Expected failures are answers: repeating the call would only repeat them. */
const nonRetryableErrorTypes = failureCodes.filter(
  (code) =>
    code !== 'dependency-unavailable' &&
    code !== 'overloaded' &&
    code !== 'too-many-requests' &&
    code !== 'withdrawals-stopped',
);

/** Our own transactions, idempotent by key. */
export const database: ActivityOptions = {
  startToCloseTimeout: '10 s',
  scheduleToCloseTimeout: '10 min',
  retry: {
    initialInterval: '200 ms',
    backoffCoefficient: 2,
    maximumInterval: '10 s',
    nonRetryableErrorTypes,
  },
};

/** Outside parties that honour an idempotency key. */
export const provider: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '24 h',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '5 min', nonRetryableErrorTypes },
};

/** Outside calls where a second attempt could be a second effect: one attempt, then the status is asked. */
export const providerOnce: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '5 min',
  retry: { maximumAttempts: 1, nonRetryableErrorTypes },
};

/**
 * The same inside the workflow's own task, while a caller waits for its answer: no trip over a task queue. A worker
 * that dies meanwhile does it again, so it is for calls that know that they were made before.
 */
export const providerOnceAtOnce: LocalActivityOptions = {
  startToCloseTimeout: '30 s',
  retry: { maximumAttempts: 1, nonRetryableErrorTypes },
};

/** Reading much from an outside party, where the answer of tomorrow is as good: given up after two hours. */
export const providerRead: ActivityOptions = {
  startToCloseTimeout: '2 min',
  scheduleToCloseTimeout: '2 h',
  retry: { initialInterval: '5 s', backoffCoefficient: 2, maximumInterval: '5 min', nonRetryableErrorTypes },
};

/** Long work in pages of our own transactions, which tells where it is; given up by nobody but the caller. */
export const batch: ActivityOptions = {
  startToCloseTimeout: '10 min',
  scheduleToCloseTimeout: '6 h',
  heartbeatTimeout: '30 s',
  retry: {
    initialInterval: '500 ms',
    backoffCoefficient: 2,
    maximumInterval: '30 s',
    nonRetryableErrorTypes,
  },
};

/** Mail and push: ten attempts within the hour, then the message is recorded as undelivered. */
export const notify: ActivityOptions = {
  startToCloseTimeout: '15 s',
  scheduleToCloseTimeout: '1 h',
  retry: {
    initialInterval: '2 s',
    backoffCoefficient: 2,
    maximumInterval: '5 min',
    maximumAttempts: 10,
    nonRetryableErrorTypes,
  },
};
