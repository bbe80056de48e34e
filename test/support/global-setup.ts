/** Starts what a whole test run shares, once, and hands the addresses to the test files. */
import { rmSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { ensureTestServer } from '#platform/temporal-test-server.ts';
import { makeRunFolder, startTestPostgres, type TestPostgres } from './postgres-server.ts';
import { buildTestWorkflows, bundleIn } from './temporal-build.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    testPostgres: TestPostgres;
    /** Where this run keeps its bundle and the histories it makes. */
    runFolder: string;
    /** Null on a machine that can have none; the run has said why by then. */
    temporalTestServer: string | null;
    workflowBundle: string;
  }
}

type SharedRun = {
  readonly users: { count: number };
  readonly stop: () => Promise<void>;
  readonly provide: (project: TestProject) => void;
};

const sharedKey = Symbol.for('pitboss.test-run');
const shared = globalThis as { [sharedKey]?: Promise<SharedRun> };

/** Each vitest project calls this; the first starts everything and the last to end stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starting = (shared[sharedKey] ??= startRun());
  const run = await starting;
  run.users.count += 1;
  run.provide(project);
  return async () => {
    run.users.count -= 1;
    if (run.users.count > 0) return;
    delete shared[sharedKey];
    await run.stop();
  };
}

async function startRun(): Promise<SharedRun> {
  const runFolder = makeRunFolder();
  const [postgres, workflowBundle, temporalTestServer] = await Promise.all([
    startTestPostgres(),
    buildTestWorkflows(bundleIn(runFolder)),
    ensureTestServer(process.env),
  ]);
  const { adminUrl, template, databasePrefix } = postgres;
  return {
    users: { count: 0 },
    provide: (project) => {
      project.provide('testPostgres', { adminUrl, template, databasePrefix });
      project.provide('runFolder', runFolder);
      project.provide('temporalTestServer', temporalTestServer);
      project.provide('workflowBundle', workflowBundle);
    },
    stop: async () => {
      await postgres.stop();
      rmSync(runFolder, { recursive: true, force: true });
    },
  };
}
