/** What workflow tests share in one run: the time-skipping server's program and one bundle of all workflows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { ensureTestServer } from '#platform/temporal-test-server.ts';

/** Bundles the workflows of the working tree, so that no test meets yesterday's code. */
export async function buildTestWorkflows(runFolder: string): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/all.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const path = join(runFolder, 'test-workflows.js');
  writeFileSync(path, code);
  return path;
}

/** Null, with the reasons on stderr, where there is none; in CI that is a failure, since nothing would be tested. */
export async function resolveTestServer(): Promise<string | null> {
  const path = await ensureTestServer(process.env);
  if (path === null && process.env['CI'] === 'true')
    throw new Error('CI=true, but the time-skipping Temporal server is missing: workflow tests may not be skipped here.');
  return path;
}
