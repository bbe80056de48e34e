/** The home folder of one platform: its data, logs, secrets and run.json; one supervisor at a time. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '#workers/config.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import { identityOf } from './process-identity.ts';

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
    writeFileSync(join(home, '.writable'), '');
    rmSync(join(home, '.writable'));
  } catch {
    throw new BringUpFailure(
      `The home folder ${home} cannot be written by this user: choose another one with PITBOSS_HOME.`,
    );
  }
}

/** Returns the release. A lock left by a killed supervisor counts for nothing. */
export function lockHome(home: string): () => void {
  const file = join(home, 'supervisor.json');
  const mine = JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      writeFileSync(file, mine, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch {
      const holder = readHolder(file);
      if (holder !== undefined && identityOf(holder.pid) === holder.identity)
        throw new BringUpFailure(
          `A platform is already running in ${home} (process ${holder.pid}${runningAddress(home)}): use that one, or start another with its own PITBOSS_HOME and PORT.`,
        );
      rmSync(file, { force: true });
    }
  }
  throw new BringUpFailure(`Another start is taking hold of ${home} right now: try again.`);
}

function readHolder(file: string): { pid: number; identity: string } | undefined {
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
