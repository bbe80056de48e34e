/**
 * Whom PostgreSQL runs as, and where it can: it refuses to run as root, and the account it runs under
 * must be able to enter every folder on the way to its binaries and its data.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

export interface DatabaseAccount {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined for an ordinary user: the database then runs as that user. */
export function databaseAccount(): DatabaseAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return (
    findAccount('postgres') ??
    createAccount('postgres') ??
    findAccount('nobody') ?? { uid: 65_534, gid: 65_534 }
  );
}

/** Whether the account can pass through every folder above `path` and, where it exists, read `path` itself. */
export function mayEnter(account: DatabaseAccount | undefined, path: string): boolean {
  if (account === undefined) return true;
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat !== undefined && !grants(account, stat, 0o1)) return false;
    if (folder === dirname(folder)) return true;
  }
}

export function mayRead(account: DatabaseAccount | undefined, path: string): boolean {
  if (account === undefined) return true;
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && grants(account, stat, stat.isDirectory() ? 0o5 : 0o4);
}

/** A folder the account can enter, standing in for one it cannot; the same `path` always gives the same folder. */
export function standInFolder(path: string): string {
  const digest = createHash('sha256').update(resolve(path)).digest('hex').slice(0, 12);
  const name = `${basename(path)}-${digest}`;
  for (const parent of ['/var/lib/pitboss', join(tmpdir(), 'pitboss')]) {
    if (canHold(parent)) return join(parent, name);
  }
  return join(tmpdir(), name);
}

function canHold(parent: string): boolean {
  try {
    mkdirSync(parent, { recursive: true });
    chmodSync(parent, 0o755);
    accessSync(parent, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function grants(
  account: DatabaseAccount,
  stat: { mode: number; uid: number; gid: number },
  wanted: number,
): boolean {
  if (stat.uid === account.uid) return ((stat.mode >> 6) & wanted) === wanted;
  if (stat.gid === account.gid) return ((stat.mode >> 3) & wanted) === wanted;
  return (stat.mode & wanted) === wanted;
}

function findAccount(name: string): DatabaseAccount | undefined {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
  } catch {
    return undefined;
  }
}

function createAccount(name: string): DatabaseAccount | undefined {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', name], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  return findAccount(name);
}
