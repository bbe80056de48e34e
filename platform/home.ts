/** The home folder of one platform: its data, logs, secrets and run.json; one supervisor at a time. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '#workers/config.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import { tryFileLock } from './file-lock.ts';
import { identityOf } from './process-identity.ts';
import { DiskFailure, isFull, leastMb, newHomeMb, requireRoom } from './room-on-disk.ts';

export const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

export function resolveHome(environment: Environment): string {
  const given = environment['PITBOSS_HOME'];
  return given === undefined || given === '' ? join(checkout, '.pitboss') : resolve(given);
}

/** Other users may pass through to the database's folder; what is secret inside is closed file by file. */
export function openHome(home: string): void {
  const isNew = !existsSync(home);
  try {
    mkdirSync(home, { recursive: true });
    if (isNew) chmodSync(home, 0o755);
    const probe = join(home, `.writable-${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe, { force: true });
  } catch (error) {
    if (isFull(error))
      throw new DiskFailure(
        `The disk of ${home} is full: make room on it, or choose another home folder with PITBOSS_HOME.`,
      );
    throw new DiskFailure(
      `The home folder ${home} cannot be written by this user: choose another one with PITBOSS_HOME.`,
    );
  }
  const isBegun = existsSync(join(home, 'logs'));
  requireRoom(home, isBegun ? leastMb : newHomeMb, 'choose another home folder with PITBOSS_HOME');
}

/** Returns the release. The lock is the operating system's; the file beside it only tells who has it. */
export function lockHome(home: string): () => void {
  const unlock = lockOf(home);
  const file = join(home, 'supervisor.json');
  if (unlock === undefined) throw new BringUpFailure(whoRunsIn(home, readHolder(file)));
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) }));
  renameSync(draft, file);
  return () => {
    rmSync(file, { force: true });
    unlock();
  };
}

function lockOf(home: string): (() => void) | undefined {
  try {
    return tryFileLock(join(home, 'supervisor.lock'));
  } catch (error) {
    if (isFull(error)) throw error;
    throw new BringUpFailure(
      `The home folder ${home} cannot be locked: its supervisor.lock belongs to another user, or its file system has no locks. Choose another one with PITBOSS_HOME.`,
    );
  }
}

type Holder = { readonly pid: number; readonly identity: string };

function whoRunsIn(home: string, holder: Holder | undefined): string {
  // Whoever has just got the lock has not said who he is yet, or the one named is he who had it before.
  if (holder === undefined || identityOf(holder.pid) !== holder.identity)
    return `Another start is taking hold of ${home} right now: try again.`;
  return `A platform is already running in ${home} (process ${holder.pid}${runningAddress(home)}): use that one, or start another with its own PITBOSS_HOME and PORT.`;
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function runningAddress(home: string): string {
  try {
    return `, ${JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')).api}`;
  } catch {
    return '';
  }
}
