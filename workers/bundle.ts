/** Builds the workflow bundle ahead of time, so that every worker of a version runs the very same code. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';
import { failureConverterPath } from './payload-codec.ts';

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

const outcomeInterceptors = fileURLToPath(new URL('workers/workflow-interceptors.ts', root));

export type WorkflowBundle = { readonly codePath: string; readonly buildId: string };

/** Modules that run inside the sandbox. Always the same set: adding one later would break replay. */
function workflowInterceptorModules(): string[] {
  const require = createRequire(import.meta.url);
  return [
    require.resolve('@temporalio/interceptors-opentelemetry-v2/lib/workflow-interceptors.js'),
    outcomeInterceptors,
  ];
}

/**
 * How any bundle of ours is made; `logLevel` is the least of what the bundler says aloud.
 *
 * Each run begins by evaluating its modules, on the way of a player who waits. Modules without state are therefore
 * evaluated once for all runs and frozen, and those of the tracing library, which has state, are joined into few
 * (decision 0066). A collection at the top of a module in `workflows/` or below would be shared by all runs.
 */
export function bundleOptions(workflowsPath: string, logLevel: 'WARN' | 'ERROR' = 'WARN'): BundleOptions {
  return {
    workflowsPath,
    workflowInterceptorModules: workflowInterceptorModules(),
    failureConverterPath: failureConverterPath(),
    preloadModules: ['@temporalio/workflow', outcomeInterceptors, failureConverterPath(), workflowsPath],
    webpackConfigHook: (config) => ({
      ...config,
      optimization: { ...config.optimization, concatenateModules: true, usedExports: true },
    }),
    logger: new DefaultLogger(logLevel),
  };
}

/** Builds `dist/workflows.js`; the build id is a hash of the code. Throws the bundler's error. */
export async function buildWorkflowBundle(): Promise<WorkflowBundle> {
  const { code } = await bundleWorkflowCode(bundleOptions(fileURLToPath(new URL('workflows/all.ts', root))));
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

if (import.meta.main) {
  const current = process.argv.includes('--if-stale') && (await isBundleCurrent());
  const { buildId } = current ? await readWorkflowBundle() : await buildWorkflowBundle();
  process.stdout.write(`workflow bundle ${buildId}${current ? ' is current' : ' built'}\n`);
}
