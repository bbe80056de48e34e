/** The named ways to call an activity; a workflow picks one and never spells timeouts itself. */
import type { ActivityOptions } from '@temporalio/workflow';
import { failureCodes } from '#domain/failures.ts';

/** Expected failures are answers: repeating the call would only repeat them. */
const nonRetryableErrorTypes = failureCodes.filter(
  (code) => code !== 'dependency-unavailable' && code !== 'overloaded' && code !== 'too-many-requests',
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
