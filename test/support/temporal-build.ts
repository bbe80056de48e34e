/** What workflow tests share in one run: the time-skipping server's program, one bundle, one data converter. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { bundleWorkflowCode } from '@temporalio/worker';
import { bundleOptions } from '#workers/bundle.ts';
import { createDataConverter } from '#workers/payload-codec.ts';

const allWorkflows = fileURLToPath(new URL('../../workflows/all.ts', import.meta.url));

/** Bundles as production does, from the working tree, so that no test meets yesterday's code. */
export async function buildTestWorkflows(
  path: string,
  workflowsPath: string = allWorkflows,
): Promise<string> {
  const { code } = await bundleWorkflowCode(bundleOptions(workflowsPath, 'ERROR'));
  writeFileSync(path, code);
  return path;
}

export const bundleIn = (runFolder: string): string => join(runFolder, 'test-workflows.js');

/** Sealed under a key that is no secret, so that the recorded histories can be replayed everywhere. */
export const testDataConverter: DataConverter = createDataConverter(
  createHash('sha256').update('pitboss test payload key').digest(),
);
