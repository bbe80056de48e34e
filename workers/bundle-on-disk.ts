/** The workflow bundle as it lies on disk: where, made of what, and whether it still is that. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const bundleUrl = new URL('dist/workflows.js', root);
const buildIdUrl = new URL('dist/workflows.build-id', root);
const sourceFolders = ['workflows/', 'domain/'];
const sourceFiles = [
  'workers/bundle.ts',
  'workers/workflow-interceptors.ts',
  'workers/failure-converter.ts',
  'package-lock.json',
];

export type WorkflowBundle = { readonly codePath: string; readonly buildId: string };

/** Writes `dist/workflows.js`; the build id is a hash of the code. */
export async function writeWorkflowBundle(code: string): Promise<WorkflowBundle> {
  const buildId = createHash('sha256').update(code).digest('hex').slice(0, 16);
  await mkdir(new URL('dist/', root), { recursive: true });
  await replaceFile(bundleUrl, code);
  await replaceFile(buildIdUrl, `${buildId}\n`);
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

/** True when the bundle is newer than everything it was made of. */
export async function isBundleCurrent(): Promise<boolean> {
  const built = await stat(buildIdUrl).catch(() => undefined);
  if (built === undefined || !(await stat(bundleUrl).catch(() => undefined))) return false;
  const folders = await Promise.all(sourceFolders.map(sourcesOf));
  const sources = [...folders.flat(), ...sourceFiles.map((name) => new URL(name, root))];
  const times = await Promise.all(sources.map(async (source) => (await stat(source)).mtimeMs));
  return times.every((timeMs) => timeMs <= built.mtimeMs);
}

async function sourcesOf(folder: string): Promise<URL[]> {
  const at = new URL(folder, root);
  const names = await readdir(at, { recursive: true });
  return names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => new URL(name, at));
}

/** A worker that starts meanwhile sees the old file or the new one, never half of one. */
async function replaceFile(target: URL, content: string): Promise<void> {
  const draft = new URL(`${target.href}.${process.pid}`);
  await writeFile(draft, content);
  await rename(draft, target);
}
