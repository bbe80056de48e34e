/** The Temporal SDK as tests want it: silent but for errors, leaving no server behind, its reports unheard. */
import { spawnSync } from 'node:child_process';
import { DefaultLogger, makeTelemetryFilterString, Runtime, type InjectedSinks } from '@temporalio/worker';
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
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}
