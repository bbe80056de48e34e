/** Starts processes, watches over them, restarts what dies, and leaves a trail so that the next start can clear up. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BringUpFailure } from './bring-up-failure.ts';
import { compileCache } from './compile-cache.ts';
import type { DatabaseAccount } from './database-account.ts';
import { logSince, sizeBytes, withLog } from './log-file.ts';
import { hasNoRoom } from './room-on-disk.ts';
import { endProcess, identityOf, signalQuietly } from './process-identity.ts';

export interface ProcessPlan {
  readonly name: string;
  /** How sentences call it. */
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly account?: DatabaseAccount | undefined;
  readonly isReady: (pid: number) => Promise<boolean>;
  readonly readyTimeoutMs: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
}

export interface Supervisor {
  /** Resolves when the process answers; a start that fails is one sentence with the end of its log. */
  start(plan: ProcessPlan): Promise<void>;
  /** Sends a signal; what dies of it comes back as after any other death. */
  kill(name: string, signal: NodeJS.Signals): void;
  restart(name: string): Promise<void>;
  /** Takes a process down until `resume`. */
  halt(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  stopAll(order: readonly (readonly string[])[]): Promise<void>;
  killAll(): void;
  pids(): Record<string, number>;
  /** Hears of each process that came back by itself: it has another id now. */
  onRevival(listener: () => void): void;
  logFile(name: string): string;
}

interface Managed {
  readonly plan: ProcessPlan;
  child: ChildProcess | undefined;
  wanted: boolean;
  logFrom: number;
  deathsMs: number[];
}

const deathsPerMinuteMax = 5;
const backoffMsMin = 250;
const backoffMsMax = 10_000;
/** Probes are slower the longer a start takes: a dozen processes that load would otherwise share the cores with them. */
const pollMsMin = 40;
const pollMsMax = 250;
const pollGrowth = 1.15;

export function createSupervisor(home: string, tell: (line: string) => void): Supervisor {
  const logs = join(home, 'logs');
  const trail = join(home, 'pids');
  mkdirSync(logs, { recursive: true });
  mkdirSync(trail, { recursive: true });
  const processes = new Map<string, Managed>();
  let closed = false;
  let revived = (): void => {};
  const logFile = (name: string) => join(logs, `${name}.log`);

  const launch = (managed: Managed): number => {
    const { plan } = managed;
    // A start that failed in one place must not go on in another.
    if (closed) throw new BringUpFailure(`${plan.label} is not started any more.`);
    const file = logFile(plan.name);
    managed.logFrom = sizeBytes(file);
    const child = withLog(file, (log) =>
      spawn(plan.command, plan.args, {
        env: { ...compileCache(), ...plan.env },
        cwd: process.cwd(),
        stdio: ['ignore', log, log],
        // Out of reach of the terminal's Ctrl-C: the order of stopping is ours.
        detached: true,
        ...plan.account,
      }),
    );
    managed.child = child;
    child.once('error', () => {});
    child.once('exit', (code, signal) => onExit(managed, child, code, signal));
    if (child.pid === undefined) {
      managed.child = undefined;
      throw new BringUpFailure(`${plan.label} could not be started: ${plan.command} cannot be run.`);
    }
    writeFileSync(
      join(trail, plan.name),
      JSON.stringify({ pid: child.pid, identity: identityOf(child.pid), signal: plan.stopSignal }),
    );
    return child.pid;
  };

  const onExit = (
    managed: Managed,
    child: ChildProcess,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): void => {
    if (managed.child !== child) return;
    managed.child = undefined;
    rmSync(join(trail, managed.plan.name), { force: true });
    if (!managed.wanted) return;
    revive(managed, code === null ? `signal ${signal}` : `exit code ${code}`).catch((error: unknown) => {
      tell(
        `${managed.plan.label} did not come back: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  };

  const revive = async (managed: Managed, cause: string): Promise<void> => {
    const nowMs = Date.now();
    managed.deathsMs = [...managed.deathsMs.filter((ms) => nowMs - ms < 60_000), nowMs];
    const deaths = managed.deathsMs.length;
    const waitMs =
      deaths > deathsPerMinuteMax ? 60_000 : Math.min(backoffMsMax, backoffMsMin * 2 ** (deaths - 1));
    tell(
      deaths > deathsPerMinuteMax
        ? `${managed.plan.label} ended ${deaths} times within a minute (${cause}); trying again in a minute, its log is ${logFile(managed.plan.name)}.`
        : `${managed.plan.label} ended with ${cause}; ${hasNoRoom(home) ? `the disk of ${home} is full, ` : ''}starting it again.`,
    );
    await delay(waitMs, undefined, { ref: false });
    if (!managed.wanted || managed.child !== undefined || closed) return;
    try {
      launch(managed);
    } catch (error) {
      // Such as a machine that has no more processes to give: that passes, and giving up would not.
      if (!(error instanceof BringUpFailure)) throw error;
      return revive(managed, 'a start that failed');
    }
    revived();
  };

  const untilReady = async (managed: Managed, isOver = () => false): Promise<void> => {
    const { plan } = managed;
    const deadline = performance.now() + plan.readyTimeoutMs;
    for (let pollMs = pollMsMin; !isOver(); pollMs = Math.min(pollMsMax, pollMs * pollGrowth)) {
      const pid = managed.child?.pid;
      if (pid !== undefined && (await plan.isReady(pid).catch(() => false))) return;
      if (performance.now() > deadline)
        throw startFailure(managed, `was not ready after ${Math.round(plan.readyTimeoutMs / 1000)} s`);
      await delay(pollMs);
    }
  };

  const startFailure = (managed: Managed, what: string): BringUpFailure =>
    new BringUpFailure(
      `${managed.plan.label} ${what}; its log is ${logFile(managed.plan.name)}.`,
      logSince(logFile(managed.plan.name), managed.logFrom),
    );

  const firstStart = async (managed: Managed): Promise<void> => {
    launch(managed);
    const { child } = managed;
    let dead = false;
    const diedEarly = new Promise<never>((_, reject) => {
      child?.once('exit', (code, signal) => {
        dead = true;
        reject(
          startFailure(managed, `ended while starting (${code === null ? signal : `exit code ${code}`})`),
        );
      });
    });
    diedEarly.catch(() => {});
    await Promise.race([diedEarly, untilReady(managed, () => dead)]);
    if (dead) await diedEarly;
    // A start that is being given up meanwhile wants none of its processes back.
    managed.wanted = !closed;
  };

  const takeDown = async (managed: Managed): Promise<void> => {
    managed.wanted = false;
    const pid = managed.child?.pid;
    if (pid === undefined) return;
    const { stopSignal, stopGraceMs } = managed.plan;
    const identity = identityOf(pid);
    await endProcess(pid, {
      signal: stopSignal,
      graceMs: stopGraceMs,
      ...(identity === undefined ? {} : { identity }),
    });
    await exited(managed);
  };

  const bringBack = async (managed: Managed): Promise<void> => {
    managed.wanted = true;
    if (managed.child === undefined) launch(managed);
    await untilReady(managed);
  };

  const find = (name: string): Managed => {
    const managed = processes.get(name);
    if (managed === undefined)
      throw new BringUpFailure(`There is no process ${name}; there are ${[...processes.keys()].join(', ')}.`);
    return managed;
  };

  return {
    start: async (plan) => {
      const managed: Managed = { plan, child: undefined, wanted: false, logFrom: 0, deathsMs: [] };
      processes.set(plan.name, managed);
      await firstStart(managed);
    },
    kill: (name, signal) => {
      const pid = find(name).child?.pid;
      if (pid !== undefined) signalQuietly(pid, signal);
    },
    restart: async (name) => {
      const managed = find(name);
      await takeDown(managed);
      await bringBack(managed);
    },
    halt: (name) => takeDown(find(name)),
    resume: (name) => bringBack(find(name)),
    stopAll: async (order) => {
      closed = true;
      for (const managed of processes.values()) managed.wanted = false;
      for (const names of order) {
        const group = [...processes.values()].filter(({ plan }) => names.includes(plan.name));
        await Promise.all(group.map(takeDown));
      }
      const others = [...processes.values()].filter(({ child }) => child !== undefined);
      await Promise.all(others.map(takeDown));
    },
    killAll: () => {
      closed = true;
      for (const managed of processes.values()) {
        managed.wanted = false;
        // SIGKILL would cost PostgreSQL a recovery and nothing else; it still gets its own fast way out.
        const pid = managed.child?.pid;
        if (pid !== undefined) signalQuietly(pid, managed.plan.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
      }
    },
    pids: () => {
      const running = [...processes.values()].filter(({ child }) => child?.pid !== undefined);
      return Object.fromEntries(running.map(({ plan, child }) => [plan.name, child?.pid ?? 0]));
    },
    onRevival: (listener) => {
      revived = listener;
    },
    logFile,
  };
}

/** Ends what a killed supervisor of this home left running, the dependents first; processes of other homes stay. */
export async function clearLeftovers(home: string, order: readonly (readonly string[])[]): Promise<string[]> {
  const trail = join(home, 'pids');
  mkdirSync(trail, { recursive: true });
  const left = readdirSync(trail).flatMap((name) => {
    const noted = readNote(join(trail, name));
    const alive = noted !== undefined && identityOf(noted.pid) === noted.identity;
    if (!alive) rmSync(join(trail, name), { force: true });
    return alive ? [{ name, ...noted }] : [];
  });
  const rank = (name: string) => order.findIndex((names) => names.includes(name));
  for (const one of left.toSorted((a, b) => rank(a.name) - rank(b.name))) {
    await endProcess(one.pid, { identity: one.identity, signal: one.signal, graceMs: 10_000 });
    rmSync(join(trail, one.name), { force: true });
  }
  return left.map(({ name }) => name);
}

function readNote(file: string): { pid: number; identity: string; signal: NodeJS.Signals } | undefined {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8'));
    return typeof note.pid === 'number' && typeof note.identity === 'string' ? note : undefined;
  } catch {
    return undefined;
  }
}

async function exited(managed: Managed): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (managed.child !== undefined && performance.now() < deadline) await delay(10);
}
