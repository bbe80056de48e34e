/** Runs an outside program with its output in a log, ended when it takes too long. */
import { spawn } from 'node:child_process';
import type { Environment } from '#workers/config.ts';
import { logSince, sizeBytes, withLog } from './log-file.ts';

export interface CommandResult {
  readonly ok: boolean;
  /** One line on why it failed. */
  readonly reason: string;
}

export interface BoundedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd?: string;
  readonly logFile: string;
  readonly timeoutMs: number;
  /** Called every second; returning true ends the program early. */
  readonly isStalled?: () => boolean;
}

export function runBounded(run: BoundedCommand): Promise<CommandResult> {
  const logFrom = sizeBytes(run.logFile);
  const child = withLog(run.logFile, (log) =>
    spawn(run.command, run.args, {
      env: { ...run.env },
      stdio: ['ignore', log, log],
      // Its own group, so that compilers and other helpers it started end with it.
      detached: true,
      ...(run.cwd === undefined ? {} : { cwd: run.cwd }),
    }),
  );
  return new Promise((resolve) => {
    const startedMs = performance.now();
    let ended = '';
    const end = (why: string) => {
      ended = why;
      killGroup(child.pid);
    };
    const watch = setInterval(() => {
      if (performance.now() - startedMs > run.timeoutMs)
        end(`ended after ${Math.round(run.timeoutMs / 1000)} s`);
      else if (run.isStalled?.() === true) end('ended because it made no progress');
    }, 1_000);
    const onExit = () => killGroup(child.pid);
    process.once('exit', onExit);
    const settle = (ok: boolean, reason: string) => {
      clearInterval(watch);
      process.off('exit', onExit);
      resolve({ ok, reason });
    };
    child.once('error', (error) => settle(false, error.message));
    child.once('exit', (code) => {
      const last = logSince(run.logFile, logFrom, 1)[0] ?? `exit code ${code}`;
      settle(code === 0, ended === '' ? last.slice(0, 200) : ended);
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has already ended.
  }
}
