/** Child processes of a test: started, waited for, killed the hard way when a test asks, and never left behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { endProcess, waitForExit } from '#platform/process-identity.ts';

export type TestProcess = {
  readonly pid: number;
  /** Everything it printed so far, both streams. */
  output(): string;
  /** Null while it runs or when a signal ended it. */
  exitCode(): number | null;
  isRunning(): boolean;
  /** As if the machine lost it: no handler of the process runs. */
  kill9(): Promise<void>;
  /** Asks with SIGTERM and insists after ten seconds. */
  stop(): Promise<void>;
};

export type ProcessPlan = {
  readonly command?: string;
  readonly args: readonly string[];
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Tried every 50 ms until it gives true. */
  readonly isReady: (output: string) => boolean | Promise<boolean>;
  readonly readyTimeoutMs?: number;
};

const stopGraceMs = 10_000;
const running = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program (this Node unless `command` says otherwise) and waits until it is ready; throws with its output. */
export async function startProcess(plan: ProcessPlan): Promise<TestProcess> {
  const child = spawn(plan.command ?? process.execPath, plan.args, {
    env: { ...process.env, ...plan.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: plan.cwd ?? new URL('../../', import.meta.url),
  });
  const name = [plan.command ?? 'node', ...plan.args].join(' ').slice(0, 120);
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8');
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const spawnFailure = new Promise<Error>((resolve) => child.once('error', resolve));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} could not be started`, { cause: await spawnFailure });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const testProcess: TestProcess = {
    pid,
    output: () => output,
    exitCode: () => child.exitCode,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill9: async () => {
      child.kill('SIGKILL');
      await waitForExit(pid, stopGraceMs);
    },
    stop: () => endProcess(pid, { graceMs: stopGraceMs }),
  };
  const deadline = Date.now() + (plan.readyTimeoutMs ?? 30_000);
  while (!(await plan.isReady(output))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (!ended && Date.now() < deadline) {
      await delay(50);
      continue;
    }
    await testProcess.kill9();
    throw new Error(
      `${name} ${ended ? 'ended before it was ready' : 'was not ready in time'}:\n${output.slice(-4_000)}`,
    );
  }
  return testProcess;
}

/** For `isReady`: true as soon as the address answers with a success. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
