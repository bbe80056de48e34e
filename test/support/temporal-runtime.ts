/** The Temporal SDK as tests want it: silent but for errors, leaving no server behind, its reports unheard. */
import { spawnSync } from 'node:child_process';
import { DefaultLogger, makeTelemetryFilterString, Runtime, type InjectedSinks } from '@temporalio/worker';
import { globalHandlers } from '@temporalio/worker/lib/workflow/vm-shared.js';
import type { OutcomeSinks } from '#workers/workflow-interceptors.ts';

/** What the workflow interceptors report is counted and traced in production; tests look at the workflow itself. */
export const unheardSinks: InjectedSinks<OutcomeSinks & { exporter: { export(): void } }> = {
  outcomes: { ended: { fn: () => {}, callDuringReplay: false } },
  exporter: { export: { fn: () => {}, callDuringReplay: false } },
};

let isInstalled = false;

/** Once per process, before anything of the SDK is used. */
export function quietRuntime(): void {
  if (isInstalled) return;
  isInstalled = true;
  // A test that fails before `close` must not leave its server running: the SDK does not tell its process id.
  process.once('exit', () => spawnSync('pkill', ['-KILL', '-P', String(process.pid)]));
  // For its query of stack traces the SDK looks at every promise of the process, and workflows run in this one here:
  // that was more than a third of what the workflow tests and the replay cost. Nobody asks that query in a test.
  Object.assign(globalHandlers, { setPromiseHook: () => {} });
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}
