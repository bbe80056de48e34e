/** The pure tests of the wallet's rules, and nothing that needs a server: they run once for each mutant. */
import { statSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A mutant is done with at the first test that fails, so the long random histories come last. */
class ShortFilesFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const size = ({ moduleId }: TestSpecification): number => statSync(moduleId).size;
    return Promise.resolve(files.toSorted((one, other) => size(one) - size(other)));
  }
}

export default defineConfig({
  test: {
    include: ['domain/wallet/**/*.test.ts', 'activities/wallet/log/merkle.test.ts'],
    setupFiles: ['tools/mutation/fixed-seed.ts'],
    sequence: { sequencer: ShortFilesFirst },
    // One worker for all files of a run; the next mutant gets a fresh one.
    isolate: false,
    testTimeout: 120_000,
  },
});
