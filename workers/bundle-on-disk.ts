/** The workflow bundle as it lies on disk: where, made of what, and whether it still is that. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { digestOfSources, replaceFile } from './built-files.ts';

const dist = new URL('../dist/', import.meta.url);
const bundleUrl = new URL('workflows.js', dist);
const buildIdUrl = new URL('workflows.build-id', dist);
const stampUrl = new URL('workflows.made-from', dist);

/** State of all that a bundle is made of; asked before it is built, since a source may change meanwhile. */
export const digestOfBundle = (): string =>
  digestOfSources({
    folders: ['workflows', 'domain'],
    files: [
      'package-lock.json',
      'workers/bundle.ts',
      'workers/failure-converter.ts',
      'workers/workflow-interceptors.ts',
    ],
  });

export type WorkflowBundle = { readonly codePath: string; readonly buildId: string };

/** Writes `dist/workflows.js`; the build id is a hash of the code. */
export async function writeWorkflowBundle(code: string, madeFrom: string): Promise<WorkflowBundle> {
  const buildId = createHash('sha256').update(code).digest('hex').slice(0, 16);
  await mkdir(dist, { recursive: true });
  await replaceFile(bundleUrl, code);
  await replaceFile(buildIdUrl, `${buildId}\n`);
  await replaceFile(stampUrl, madeFrom);
  return { codePath: fileURLToPath(bundleUrl), buildId };
}

/** The bundle on disk. Throws one sentence when there is none: a worker never bundles on its own. */
export async function readWorkflowBundle(): Promise<WorkflowBundle> {
  try {
    const [buildId] = await Promise.all([readFile(buildIdUrl, 'utf8'), stat(bundleUrl)]);
    return { codePath: fileURLToPath(bundleUrl), buildId: buildId.trim() };
  } catch (error) {
    throw new Error('dist/workflows.js is missing; build it with: npx node workers/bundle.ts', {
      cause: error,
    });
  }
}

/** True when the bundle is made of the sources as they are now. */
export async function isBundleCurrent(): Promise<boolean> {
  const [madeFrom, ...files] = await Promise.all([
    readFile(stampUrl, 'utf8').catch(() => undefined),
    ...[bundleUrl, buildIdUrl].map((url) => stat(url).catch(() => undefined)),
  ]);
  return !files.includes(undefined) && madeFrom === digestOfBundle();
}
