/** Starts what a whole test run shares, once, and hands the addresses to the test files. */
import type { TestProject } from 'vitest/node';
import { givenGround, startGround, type RunGround } from './run-ground.ts';

declare module 'vitest' {
  export interface ProvidedContext extends RunGround {}
}

type SharedRun = RunGround & { readonly stop: () => Promise<void> };

const sharedKey = Symbol.for('pitboss.test-run');
const shared = globalThis as { [sharedKey]?: { readonly run: Promise<SharedRun>; users: number } };

/** Each vitest project calls this; the first starts everything and the last to end stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const use = (shared[sharedKey] ??= { run: openRun(), users: 0 });
  use.users += 1;
  const { testPostgres, runFolder, temporalTestServer, workflowBundle, stop } = await use.run;
  project.provide('testPostgres', testPostgres);
  project.provide('runFolder', runFolder);
  project.provide('temporalTestServer', temporalTestServer);
  project.provide('workflowBundle', workflowBundle);
  return async () => {
    use.users -= 1;
    if (use.users > 0) return;
    delete shared[sharedKey];
    await stop();
  };
}

async function openRun(): Promise<SharedRun> {
  const given = givenGround();
  return given === null ? startGround() : { ...given, stop: async () => {} };
}
