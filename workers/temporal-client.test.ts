/** Which errors of Temporal say "not now". */
import { expect, test } from 'vitest';
import { isTemporalUnavailable } from './temporal-client.ts';

const answered = (code: number, message: string) =>
  Object.assign(new Error(message), { code, details: message, metadata: {} });

test('a server that does not know its namespace yet is away; a workflow that is not there is not', () => {
  expect(isTemporalUnavailable(answered(5, 'Namespace pitboss is not found.'))).toBe(true);
  expect(
    isTemporalUnavailable(new Error('failed', { cause: answered(5, 'Namespace pitboss is not found.') })),
  ).toBe(true);
  expect(isTemporalUnavailable(answered(14, 'tcp connect error'))).toBe(true);
  expect(isTemporalUnavailable(answered(5, 'workflow execution not found'))).toBe(false);
  expect(isTemporalUnavailable(answered(3, 'Namespace is not set'))).toBe(false);
});
