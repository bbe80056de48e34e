/**
 * The time-skipping server sometimes answers an update-with-start with an error of its own when the machine is busy: it
 * looks for an update whose workflow it has not stored yet. The real server does not; asking again is what a caller does.
 */
import type { WorkflowClientInterceptor } from '@temporalio/client';

const attemptsMax = 4;
const unknownError = 2;

const isOwnFault = (error: unknown): boolean =>
  error instanceof Error &&
  typeof error.cause === 'object' &&
  error.cause !== null &&
  'code' in error.cause &&
  error.cause.code === unknownError;

export const patientStarts: WorkflowClientInterceptor = {
  async startUpdateWithStart(input, next) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await next(input);
      } catch (error) {
        if (!isOwnFault(error) || attempt === attemptsMax) throw error;
      }
    }
  },
};
