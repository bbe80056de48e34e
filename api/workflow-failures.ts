/** Reads the platform's own failure out of what the Temporal client throws, so that a refused update has its code. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { fail, FailureError, failureCodes, type FailureCode } from '#domain/failures.ts';

const isFailureCode = (text: string): text is FailureCode => failureCodes.some((code) => code === text);

/**
 * The expected failure behind an error of an update or an activity below it; undefined for a bug.
 * An activity that ran out of time is a dependency that is away.
 */
export function failureBehind(error: unknown): FailureError | undefined {
  if (error instanceof FailureError) return error;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof ApplicationFailure && at.type && isFailureCode(at.type)) {
      return new FailureError(fail(at.type, at.message).failure);
    }
    if (at instanceof TimeoutFailure || isTaskFailing(at)) {
      const detail = 'What this needs does not answer right now; a repeat with the same key is safe.';
      return new FailureError(fail('dependency-unavailable', detail).failure);
    }
  }
  return undefined;
}

/**
 * Temporal refuses an update while the workflow's last task failed or timed out, as one does whose worker has just died:
 * a new worker takes the task up again.
 */
const isTaskFailing = (error: Error): boolean =>
  'code' in error &&
  error.code === failedPrecondition &&
  error.message.includes('Workflow Task in failed state');

/** The number of gRPC. */
const failedPrecondition = 9;

/** True when the workflow has ended: the database knows the outcome. */
export const isWorkflowOver = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError;

/** False when the workflow has ended; failures of the workflow come out as ours. */
export async function unlessOver(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (isWorkflowOver(error)) return false;
    throw failureBehind(error) ?? error;
  }
}
