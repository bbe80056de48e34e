/** Counts what vitest reported so that nothing broken can count as nothing: a file that does not load is a failure. */

export type Tally = { passed: number; failed: number; skipped: number; readonly failures: string[] };

/** The part of vitest's JSON report that is read here. */
export type VitestReport = {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
};

/** `exitCode` is vitest's own: when it says that something failed and no test did, that counts as one failure. */
export function countTests(
  report: VitestReport | null,
  exitCode: number,
  shorten: (path: string) => string,
): Tally {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };
  for (const file of report?.testResults ?? []) {
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    tally.passed += file.assertionResults.filter(({ status }) => status === 'passed').length;
    tally.failed += failed.length;
    tally.skipped += file.assertionResults.filter(
      ({ status }) => status !== 'passed' && status !== 'failed',
    ).length;
    for (const { fullName } of failed) tally.failures.push(`${shorten(file.name)}: ${fullName}`);
    if (file.status === 'failed' && failed.length === 0) {
      tally.failed += 1;
      tally.failures.push(
        `${shorten(file.name)}: ${file.message?.split('\n')[0] || 'the file failed outside its tests'}`,
      );
    }
  }
  if (report === null || (exitCode !== 0 && tally.failed === 0)) {
    tally.failed += 1;
    tally.failures.push(
      `tests: vitest ended with exit code ${exitCode}${report === null ? ' and without a report' : ''}`,
    );
  } else if (tally.passed === 0 && tally.failed === 0) {
    tally.failed += 1;
    tally.failures.push('tests: none was found');
  }
  return tally;
}
