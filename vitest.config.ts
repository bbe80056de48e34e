/** The test projects, cut by what they need to run, so that the quick ones stay quick. */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What is polled for comes in milliseconds on a quiet machine; one that does everything at once takes its time. */
const patience = { expect: { poll: { timeout: 10_000 } } };
/**
 * Node loads the tests as it loads the product: it strips the types itself and keeps what it has compiled, where Vite's
 * runner transforms and compiles every module anew in every process. Modules are mocked nowhere.
 */
const native = {
  experimental: { viteModuleRunner: false, nodeLoader: false },
  // What a test makes is dead before it is copied: a sixth of the processor time of its process.
  execArgv: ['--max-semi-space-size=64', '--min-semi-space-size=32'],
};
const services = { globalSetup: ['test/support/global-setup.ts'] };
const never = ['**/node_modules/**', 'web/**', 'dist/**', '.pitboss/**'];
const databaseTests = ['test/**/*.db.test.ts', '{activities,api,analytics,workers,db,bench}/**/*.db.test.ts'];
const workflowTests = ['workflows/**/*.test.ts', 'test/workflows/**/*.test.ts', 'test/**/*.workflow.test.ts'];
const endToEndTests = [
  'test/e2e/**/*.test.ts',
  'test/**/*.e2e.test.ts',
  // They wait more than they work: beside the others they cost no time.
  'test/conformance/**/*.test.ts',
];
const replayTests = ['test/replay/**/*.test.ts'];

/** Begun last, one of them would go on when nothing else is left. */
const longest = [
  'platform.e2e',
  'psp-connectors',
  'compose-stack',
  'vault-connector',
  'bad-input.db',
  'crypto-payout.db',
  'relay.db',
  'crypto-watcher.db',
  'ledger-audit.db',
  'histories-of-run',
  'committed-histories',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some((name) => moduleId.includes(`/${name}.`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    reporters: ['default'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          ...patience,
          ...native,
          include: ['**/*.test.ts'],
          exclude: [...never, ...databaseTests, ...workflowTests, ...endToEndTests, ...replayTests],
          isolate: false,
          maxWorkers: 3,
          testTimeout: 20_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'database',
          ...patience,
          ...native,
          include: databaseTests,
          exclude: [...never, ...workflowTests, ...endToEndTests],
          ...services,
          pool: 'forks',
          // To load the application costs two to three seconds of processor time, which is more than most files need
          // for their tests. No module of ours keeps state that a file could leave behind; its database is its own.
          isolate: false,
          maxWorkers: 3,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'workflows',
          ...patience,
          ...native,
          include: workflowTests,
          exclude: [...never, ...endToEndTests],
          ...services,
          pool: 'forks',
          // As above, and the engine has by then compiled what runs often. Workers that a test in a time-out leaves behind
          // end with its environment (`createWorkflowEnvironment`).
          isolate: false,
          // They come first and wait more than they work, as do the end-to-end tests beside them; those that only work
          // come last, when nothing else is there to fill the time of the waiting ones.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'e2e',
          ...patience,
          ...native,
          include: endToEndTests,
          exclude: never,
          ...services,
          pool: 'forks',
          // As for the tests above: a process that has loaded the application has it for the next file.
          isolate: false,
          // Beside the two or three of the other tests: each waits so much that two cores are busy with all of them.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'replay',
          ...native,
          include: replayTests,
          exclude: never,
          ...services,
          pool: 'forks',
          maxWorkers: 3,
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
