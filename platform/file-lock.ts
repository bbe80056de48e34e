/**
 * A lock that the operating system holds for a living process: SQLite's own lock on a file of its own. It is free the moment
 * its process ends, however it ends, so nobody has to judge whether a lock was left behind and remove it under another
 * one's hands. It holds between processes and within one, for root and for an ordinary user, without a native package.
 */
import { DatabaseSync } from 'node:sqlite';

/** SQLite's word for a lock that somebody else holds. */
const sqliteBusy = 5;

/** Several who reach for a free lock at once are in each other's way for a moment; without patience none would get it. */
const patienceMs = 250;

/** A handle that is collected as garbage would let go. */
const held = new Set<DatabaseSync>();

/** The release, or undefined when another one holds the lock. Nothing else may open the file: closing it would let go. */
export function tryFileLock(path: string): (() => void) | undefined {
  const database = new DatabaseSync(path, { timeout: patienceMs });
  try {
    // In SQLite's exclusive locking mode losers would keep their shared lock, and each could stand in the other's way to the end.
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  held.add(database);
  return () => {
    if (held.delete(database)) database.close();
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
