/** Builds the workflow bundle ahead of time, so that every worker of a version runs the very same code. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';
import { digestOfBundle, writeWorkflowBundle, type WorkflowBundle } from './bundle-on-disk.ts';
import { failureConverterPath } from './payload-codec.ts';

const root = new URL('../', import.meta.url);
const outcomeInterceptors = fileURLToPath(new URL('workers/workflow-interceptors.ts', root));

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

/** Builds `dist/workflows.js`. Throws the bundler's error. */
export async function buildWorkflowBundle(): Promise<WorkflowBundle> {
  const madeFrom = digestOfBundle();
  const { code } = await bundleWorkflowCode(bundleOptions(fileURLToPath(new URL('workflows/all.ts', root))));
  return writeWorkflowBundle(code, madeFrom);
}

if (import.meta.main) {
  const { buildId } = await buildWorkflowBundle();
  process.stdout.write(`${buildId} built\n`);
}
