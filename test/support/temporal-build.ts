/** What workflow tests share in one run: the time-skipping server's program, one bundle, one data converter. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataConverter } from '@temporalio/common';
import { bundleWorkflowCode } from '@temporalio/worker';
import { bundleOptions, buildWorkflowBundle } from '#workers/bundle.ts';
import { isBundleCurrent, readWorkflowBundle } from '#workers/bundle-on-disk.ts';
import { createDataConverter } from '#workers/payload-codec.ts';

/** The product's own bundle, made anew where the working tree has changed; a copy, since somebody may build meanwhile. */
export async function copyWorkflowBundle(path: string): Promise<string> {
  if (!(await isBundleCurrent())) await buildWorkflowBundle();
  await copyFile((await readWorkflowBundle()).codePath, path);
  return path;
}

/** Bundles other workflows as production does its own. */
export async function buildTestWorkflows(path: string, workflowsPath: string): Promise<string> {
  const { code } = await bundleWorkflowCode(bundleOptions(workflowsPath, 'ERROR'));
  writeFileSync(path, code);
  return path;
}

export const bundleIn = (runFolder: string): string => join(runFolder, 'test-workflows.js');

/** Sealed under a key that is no secret, so that the recorded histories can be replayed everywhere. */
export const testDataConverter: DataConverter = createDataConverter(
  createHash('sha256').update('pitboss test payload key').digest(),
);
