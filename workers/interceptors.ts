/** What surrounds every activity: failures leave in Temporal's words, and logs say whose work it was. */
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import { isDatabaseUnavailable } from '#db/connect.ts';
import { FailureError, type FailureCode } from '#domain/failures.ts';
import type { Metrics } from './metrics.ts';
import type { OutcomeSinks } from './workflow-interceptors.ts';

/** Failures of the moment: the same call can succeed later. All other codes are answers. */
const passingCodes: ReadonlySet<FailureCode> = new Set([
  'dependency-unavailable',
  'overloaded',
  'too-many-requests',
  'withdrawals-stopped',
]);

/** An expected failure as ApplicationFailure of type = code; an absent database as a retryable one; bugs unchanged. */
export function toApplicationFailure(error: unknown): unknown {
  if (error instanceof FailureError) {
    const { code, detail, fields, retryAfterS } = error.failure;
    return ApplicationFailure.create({
      type: code,
      message: detail,
      nonRetryable: !passingCodes.has(code),
      details: [{ code, fields: fields ?? [] }],
      ...(retryAfterS === undefined ? {} : { nextRetryDelay: retryAfterS * 1_000 }),
    });
  }
  if (isDatabaseUnavailable(error)) {
    return ApplicationFailure.create({
      type: 'dependency-unavailable',
      message: 'The database does not answer right now.',
      nonRetryable: false,
      ...(error instanceof Error ? { cause: error } : {}),
    });
  }
  return error;
}

export const translateFailures: ActivityInterceptorsFactory = (context: Context) => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
  },
  outbound: {
    getLogAttributes(input, next) {
      return next({
        ...input,
        workflowId: context.info.workflowExecution?.workflowId,
        activity: context.info.activityType,
        attempt: context.info.attempt,
      });
    },
  },
});

/** Counts how runs end; replays are not counted. */
export const countOutcomes = (metrics: Metrics): InjectedSinks<OutcomeSinks> => ({
  outcomes: {
    ended: {
      fn: (_info, workflow, outcome) => metrics.workflowOutcomes.labels(workflow, outcome).inc(),
      callDuringReplay: false,
    },
  },
});
