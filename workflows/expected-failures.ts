/** Failures that callers expect, between updates and activities: how one is made, and how one is taken out of its wrapping. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { FailureCode } from '#domain/failures.ts';

/** What an update's validator throws: the caller reads the code. */
export const refuse = (type: FailureCode, message: string): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: true });

/**
 * What an update throws for an activity that failed: the activity's own failure. Only ApplicationFailure fails an update;
 * anything else would fail the workflow task for ever.
 */
export const unwrapped = (error: unknown): unknown =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : error;
