/** What the tests of a run stand on, started once: a server with its template, the workflows' bundle, the server that skips time. */
import { rmSync } from 'node:fs';
import { ensureTestServer } from '#platform/temporal-test-server.ts';
import { makeRunFolder, startTestPostgres, type TestPostgres } from './postgres-server.ts';
import { bundleIn, copyWorkflowBundle } from './temporal-build.ts';

/** Plain text, because it crosses from process to process. */
export type RunGround = {
  readonly testPostgres: TestPostgres;
  /** Where this run keeps its bundle and the histories it makes. */
  readonly runFolder: string;
  /** Null on a machine that can have none; the run has said why by then. */
  readonly temporalTestServer: string | null;
  readonly workflowBundle: string;
};

/** Set by `npm test`, whose two vitest runs stand on one ground. */
const variable = 'PITBOSS_TEST_GROUND';

export const groundVariables = (ground: RunGround): Readonly<Record<string, string>> => ({
  [variable]: JSON.stringify(ground),
});

/** The ground that whoever started this process has laid. */
export function givenGround(): RunGround | null {
  const given = process.env[variable];
  return given === undefined ? null : (JSON.parse(given) as RunGround);
}

export async function startGround(): Promise<RunGround & { stop(): Promise<void> }> {
  const runFolder = makeRunFolder();
  const [{ stop, ...testPostgres }, workflowBundle, temporalTestServer] = await Promise.all([
    startTestPostgres(),
    copyWorkflowBundle(bundleIn(runFolder)),
    ensureTestServer(process.env),
  ]);
  return {
    testPostgres,
    runFolder,
    temporalTestServer,
    workflowBundle,
    stop: async () => {
      await stop();
      rmSync(runFolder, { recursive: true, force: true });
    },
  };
}
