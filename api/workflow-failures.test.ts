/** What a caller is told when a workflow cannot answer. */
import { ServiceError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { failureBehind } from './workflow-failures.ts';

const grpc = (code: number, message: string): Error => Object.assign(new Error(message), { code });

test('an update that finds its workflow between two workers is a dependency that is away, not a bug', () => {
  const refused = grpc(
    9,
    'Unable to perform workflow execution update due to Workflow Task in failed state.',
  );
  expect(failureBehind(refused)?.failure.code).toBe('dependency-unavailable');
  const wrapped = new ServiceError('Update-with-Start could not be executed.', { cause: refused });
  expect(failureBehind(wrapped)?.failure.code).toBe('dependency-unavailable');
});

test('another refusal of the server stays what it is', () => {
  expect(failureBehind(grpc(9, 'The namespace is not ready.'))).toBeUndefined();
  expect(failureBehind(new Error('Workflow Task in failed state'))).toBeUndefined();
});
