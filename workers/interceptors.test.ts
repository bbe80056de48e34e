import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { fail, FailureError } from '#domain/failures.ts';
import { toApplicationFailure } from './interceptors.ts';

const failure = (code: Parameters<typeof fail>[0]) => new FailureError(fail(code, 'why').failure);

describe('what leaves an activity', () => {
  test('an answer is never retried and keeps its code as type', () => {
    expect(toApplicationFailure(failure('insufficient-funds'))).toMatchObject({
      type: 'insufficient-funds',
      nonRetryable: true,
      message: 'why',
    });
  });
  test.each(['dependency-unavailable', 'overloaded', 'too-many-requests'] as const)(
    '%s is retried',
    (code) => {
      expect(toApplicationFailure(failure(code))).toMatchObject({ type: code, nonRetryable: false });
    },
  );
  test('an absent database is retried', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(toApplicationFailure(error)).toBeInstanceOf(ApplicationFailure);
    expect(toApplicationFailure(error)).toMatchObject({
      type: 'dependency-unavailable',
      nonRetryable: false,
    });
  });
  test('a bug leaves as it is', () => {
    const bug = new TypeError('odd');
    expect(toApplicationFailure(bug)).toBe(bug);
  });
});
