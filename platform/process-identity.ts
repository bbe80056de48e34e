/** Tells whether a process id written down earlier still means the same process: ids are reused, start times are not. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Process id and start time; undefined when there is no such process (a zombie counts as none). */
export function identityOf(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxIdentity(pid);
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return started === '' ? undefined : `${pid}@${started}`;
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number, identity?: string): boolean {
  const now = identityOf(pid);
  return now !== undefined && (identity === undefined || now === identity);
}

export function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** True when the process was gone in time. */
export async function waitForExit(pid: number, timeoutMs: number, identity?: string) {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid, identity)) {
    if (Date.now() > deadline) return false;
    await delay(25);
  }
  return true;
}

/** Asks with the first signal, and after `graceMs` ends the process for good. */
export async function endProcess(
  pid: number,
  options: { identity?: string; signal?: NodeJS.Signals; graceMs: number },
): Promise<void> {
  signalQuietly(pid, options.signal ?? 'SIGTERM');
  if (await waitForExit(pid, options.graceMs, options.identity)) return;
  signalQuietly(pid, 'SIGKILL');
  await waitForExit(pid, 5_000, options.identity);
}

export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal, which is what was wanted.
  }
}

function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in brackets may hold spaces; state is the first field after it, start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${pid}@${bootId()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** Start times count from the last boot, so the boot is part of the identity. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
  } catch {
    return '';
  }
}
