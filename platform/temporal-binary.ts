/** Finds a Temporal server to run: on PATH, in the cache, by the SDK's download, or built by Go. */
import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Environment } from '#workers/config.ts';
import { runBounded } from './bounded-command.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import { cacheDirectory } from './cache-directory.ts';
import { tryFileLock } from './file-lock.ts';
import type { Step } from './progress.ts';
import { isFull } from './room-on-disk.ts';

export interface TemporalBinary {
  readonly path: string;
  readonly serverVersion: string;
  /** For the person watching: where it came from. */
  readonly source: string;
}

/** The highest CLI that `go install` can build; the download takes the same, so every machine runs one server. */
const cliVersion = 'v1.5.1';
const serverVersionMin = [1, 29, 1] as const;
const goVersionMin = [1, 25] as const;
const downloadTimeoutMs = 10 * 60_000;
const downloadStallMs = 60_000;
const buildTimeoutMs = 40 * 60_000;

interface Attempt {
  readonly name: string;
  find(): Promise<TemporalBinary | string>;
}

/** First hit wins; an attempt that fails says why, and all the reasons come out when none is left. */
export async function findTemporalBinary(environment: Environment, step: Step): Promise<TemporalBinary> {
  const cache = cacheDirectory(environment);
  const cached = join(cache, 'bin', 'temporal');
  const quick: Attempt[] = [
    { name: 'temporal on PATH', find: () => onPath(environment) },
    { name: 'the cached binary', find: () => usable(cached, 'cached by an earlier start') },
  ];
  const slow: Attempt[] = [
    { name: 'download by the SDK', find: () => download(environment, cache, step) },
    { name: 'build with Go', find: () => build(environment, cache, step) },
  ];
  const reasons: string[] = ['1. TEMPORAL_ADDRESS: not set'];
  const tried = await firstHit(quick, reasons);
  if (tried !== undefined) return tried;
  // Two starts on one machine must not both download or compile: the second waits for the first's result.
  const release = await lockCache(cache, step);
  try {
    const meanwhile = await usable(cached, 'cached by another start');
    if (typeof meanwhile !== 'string') return meanwhile;
    const made = await firstHit(slow, reasons);
    if (made !== undefined) return made;
  } finally {
    release();
  }
  throw new BringUpFailure(
    `No Temporal server could be found or made; set TEMPORAL_ADDRESS to a running one, or put the temporal program on PATH. Tried:\n  ${reasons.join('\n  ')}`,
  );
}

export async function serverVersionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 20_000 });
    return /Server (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

async function firstHit(
  attempts: readonly Attempt[],
  reasons: string[],
): Promise<TemporalBinary | undefined> {
  for (const attempt of attempts) {
    const found = await attempt.find();
    if (typeof found !== 'string') return found;
    reasons.push(`${reasons.length + 1}. ${attempt.name}: ${found}`);
  }
  return undefined;
}

async function onPath(environment: Environment): Promise<TemporalBinary | string> {
  const path = findOnPath(environment, 'temporal');
  return path === undefined ? 'not there' : usable(path, `on PATH, ${path}`);
}

async function usable(path: string, source: string): Promise<TemporalBinary | string> {
  if (!existsSync(path)) return 'not there';
  const serverVersion = await serverVersionOf(path);
  if (serverVersion === undefined) return `${path} does not tell a server version`;
  if (!isAtLeast(serverVersion, serverVersionMin))
    return `its server is ${serverVersion}, and ${serverVersionMin.join('.')} is needed`;
  return { path, serverVersion, source };
}

async function download(
  environment: Environment,
  cache: string,
  step: Step,
): Promise<TemporalBinary | string> {
  const folder = join(cache, 'download');
  const outcome = await downloadWithSdk({
    environment,
    folder,
    kind: 'dev-server',
    version: cliVersion,
    step,
  });
  if (typeof outcome === 'string') return outcome;
  const installed = installInto(cache, outcome.path);
  return usable(installed, 'downloaded by the SDK');
}

/** The downloaded file, or the reason why there is none. */
export async function downloadWithSdk(request: {
  environment: Environment;
  folder: string;
  kind: 'dev-server' | 'test-server';
  version: string;
  step: Step;
}): Promise<{ path: string } | string> {
  const { environment, folder, kind, step } = request;
  if (!isInstalled('@temporalio/testing')) return '@temporalio/testing is not installed';
  mkdirSync(folder, { recursive: true });
  const stall = stallWatch(folder, (bytes) =>
    step.update(`downloading, ${(bytes / 1e6).toFixed(0)} MB so far`),
  );
  step.update('asking the Temporal download service');
  const result = await runBounded({
    command: process.execPath,
    args: [fileURLToPath(new URL('./sdk-download.ts', import.meta.url)), kind, folder, request.version],
    // Node's fetch heeds proxy variables only when told to; the SDK's own client always does.
    env: { ...environment, NODE_USE_ENV_PROXY: '1' },
    logFile: join(folder, 'download.log'),
    timeoutMs: downloadTimeoutMs,
    isStalled: stall,
  });
  // A server that was slow to start after a complete download is still a good download.
  const name = readdirSync(folder).find(
    (entry) => entry.startsWith('temporal-') && !entry.endsWith('.downloading'),
  );
  if (name === undefined) return result.reason;
  return { path: join(folder, name) };
}

async function build(environment: Environment, cache: string, step: Step): Promise<TemporalBinary | string> {
  const go = findOnPath(environment, 'go');
  if (go === undefined) return 'go is not on PATH';
  const goVersion = await goVersionOf(go);
  if (goVersion === undefined) return `${go} does not tell its version`;
  if (!isAtLeast(goVersion, goVersionMin))
    return `go is ${goVersion}, and ${goVersionMin.join('.')} is needed`;
  const draft = join(cache, `go-bin.${process.pid}`);
  mkdirSync(draft, { recursive: true });
  step.update('compiling Temporal with Go, once for this machine: some minutes');
  const result = await runBounded({
    command: go,
    args: ['install', `github.com/temporalio/cli/cmd/temporal@${cliVersion}`],
    // Without cgo no C compiler is needed.
    env: { ...environment, GOBIN: draft, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' },
    cwd: cache,
    logFile: join(cache, 'go-install.log'),
    timeoutMs: buildTimeoutMs,
  });
  const made = join(draft, 'temporal');
  if (!result.ok || !existsSync(made)) {
    rmSync(draft, { recursive: true, force: true });
    return `${result.reason} (log in ${join(cache, 'go-install.log')})`;
  }
  const installed = installInto(cache, made);
  rmSync(draft, { recursive: true, force: true });
  return usable(installed, `built with Go ${goVersion}`);
}

/** `go env` and not `go version`, because the former also honours GOTOOLCHAIN. */
async function goVersionOf(go: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(go, ['env', 'GOVERSION'], { timeout: 60_000 });
    return /^go(\d+\.\d+(?:\.\d+)?)/.exec(stdout.trim())?.[1];
  } catch {
    return undefined;
  }
}

function installInto(cache: string, made: string): string {
  const bin = join(cache, 'bin');
  mkdirSync(bin, { recursive: true });
  const draft = join(bin, `temporal.${process.pid}`);
  copyFileSync(made, draft);
  chmodSync(draft, 0o755);
  const installed = join(bin, 'temporal');
  renameSync(draft, installed);
  return installed;
}

function stallWatch(folder: string, report: (bytes: number) => void): () => boolean {
  let bytesBefore = -1;
  let movedMs = performance.now();
  return () => {
    const bytes = readdirSync(folder)
      .filter((name) => name.startsWith('temporal-'))
      .reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
    if (bytes !== bytesBefore) movedMs = performance.now();
    bytesBefore = bytes;
    if (bytes > 0) report(bytes);
    return performance.now() - movedMs > downloadStallMs;
  };
}

/** Waits for whoever fetches or builds on this machine. Exported for its test. */
export async function lockCache(cache: string, step: Step): Promise<() => void> {
  for (;;) {
    const unlock = lockIn(cache);
    if (unlock !== undefined) return unlock;
    step.update('waiting for another start that is fetching Temporal');
    await delay(1_000);
  }
}

function lockIn(cache: string): (() => void) | undefined {
  try {
    mkdirSync(cache, { recursive: true });
    return tryFileLock(join(cache, 'temporal-fetch.lock'));
  } catch (error) {
    if (isFull(error)) throw error;
    throw new BringUpFailure(
      `A Temporal server must be fetched, but its folder ${cache} cannot be written by this user: choose another one with XDG_CACHE_HOME, set TEMPORAL_ADDRESS to a running server, or put the temporal program on PATH.`,
    );
  }
}

export function findOnPath(environment: Environment, name: string): string | undefined {
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && isExecutable(path)) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

function isAtLeast(version: string, floor: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of floor.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
