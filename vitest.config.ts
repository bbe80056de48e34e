/** The test projects, cut by what they need to run, so that the quick ones stay quick. */
import { defineConfig } from 'vitest/config';

/** What is polled for comes in milliseconds on a quiet machine; one that does everything at once takes its time. */
const patience = { expect: { poll: { timeout: 10_000 } } };
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

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          ...patience,
          include: ['**/*.test.ts'],
          exclude: [...never, ...databaseTests, ...workflowTests, ...endToEndTests, ...replayTests],
          isolate: false,
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'database',
          ...patience,
          include: databaseTests,
          exclude: [...never, ...workflowTests, ...endToEndTests],
          ...services,
          pool: 'forks',
          // To load the application costs two to three seconds of processor time, which is more than most files need
          // for their tests. No module of ours keeps state that a file could leave behind; its database is its own.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'workflows',
          ...patience,
          include: workflowTests,
          exclude: [...never, ...endToEndTests],
          ...services,
          // A process for each file: workers that a test in a time-out leaves behind would ask for ever for the tasks
          // of a server that is gone, and hinder every file after it.
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'e2e',
          ...patience,
          include: endToEndTests,
          exclude: never,
          ...services,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'replay',
          include: replayTests,
          exclude: never,
          ...services,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
