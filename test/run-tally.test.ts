import { expect, test } from 'vitest';
import { countTests } from './run-tally.ts';

const file = (status: string, ...tests: readonly string[]) => ({
  name: '/x/a.test.ts',
  status,
  message: 'Cannot find module',
  assertionResults: tests.map((one, index) => ({ fullName: `test ${index}`, status: one })),
});
const shorten = (path: string): string => path.replace('/x/', '');

test('tests are summed over files, skipped and unfinished ones apart', () => {
  const report = {
    testResults: [file('passed', 'passed', 'passed', 'skipped'), file('failed', 'failed', 'todo')],
  };
  expect(countTests(report, 1, shorten)).toEqual({
    passed: 2,
    failed: 1,
    skipped: 2,
    failures: ['a.test.ts: test 0'],
  });
});

test('a file that does not load counts as one failure', () => {
  expect(countTests({ testResults: [file('failed')] }, 1, shorten)).toMatchObject({
    failed: 1,
    failures: ['a.test.ts: Cannot find module'],
  });
});

test('a run that fails outside every test is not a success', () => {
  expect(countTests({ testResults: [file('passed', 'passed')] }, 1, shorten)).toMatchObject({
    passed: 1,
    failed: 1,
  });
  expect(countTests(null, 137, shorten)).toMatchObject({ passed: 0, failed: 1 });
  expect(countTests({ testResults: [] }, 0, shorten)).toMatchObject({ passed: 0, failed: 1 });
});
