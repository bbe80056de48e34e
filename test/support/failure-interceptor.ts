/** Turns expected failures of activities into what workflows may catch, as the worker's own interceptor does. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { FailureError, type FailureCode } from '#domain/failures.ts';

const worthRepeating: ReadonlySet<FailureCode> = new Set(['dependency-unavailable', 'overloaded', 'too-many-requests']);

export const failureToApplicationFailure: ActivityInterceptorsFactory = () => ({
  inbound: {
    execute: async (input, next) => {
      try {
        return await next(input);
      } catch (error) {
        if (!(error instanceof FailureError)) throw error;
        throw ApplicationFailure.create({
          type: error.failure.code,
          message: error.failure.detail,
          nonRetryable: !worthRepeating.has(error.failure.code),
          cause: error,
        });
      }
    },
  },
});
