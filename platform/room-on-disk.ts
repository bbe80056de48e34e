/** A disk that is full, or takes nothing, in a sentence for the person at the terminal: where it can be seen, before anything is begun. */
import { statfsSync } from 'node:fs';
import { BringUpFailure } from './bring-up-failure.ts';

/** A new platform has written 75 MB when it is ready, and its database goes on. */
export const newHomeMb = 160;
/** One more segment of PostgreSQL's log, without which it writes nothing and does not start. */
export const leastMb = 16;

/** SQLite's word for a disk that is full. */
const sqliteFull = 13;

/** Says of a place that takes nothing all that there is to say. */
export class DiskFailure extends BringUpFailure {}

/** Undefined where the file system does not tell. */
function freeMbAt(folder: string): number | undefined {
  try {
    const { bavail, bsize, blocks } = statfsSync(folder);
    return blocks === 0 ? undefined : Math.floor((bavail * bsize) / 2 ** 20);
  } catch {
    return undefined;
  }
}

/** @param otherwise what can be done instead of making room */
export function requireRoom(folder: string, neededMb: number, otherwise: string): void {
  const freeMb = freeMbAt(folder);
  if (freeMb !== undefined && freeMb < neededMb)
    throw new DiskFailure(
      `The disk of ${folder} has ${freeMb} MB left, and at least ${neededMb} MB are needed: make room on it, or ${otherwise}.`,
    );
}

export const hasNoRoom = (folder: string): boolean => (freeMbAt(folder) ?? leastMb) < leastMb;

/** Whether a write failed for want of room. */
export const isFull = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) ||
    ('errcode' in error && error.errcode === sqliteFull));

/**
 * What a start failed of, said as what it comes from where that is the disk of `folder`: a process that could not write ends, or
 * lets go of its connections, and only its log may say why. Any other error as it is.
 */
export function sayIfDisk(error: unknown, folder: string): unknown {
  if (error instanceof DiskFailure) return error;
  const place = placeOf(error) ?? folder;
  const full = `The disk of ${place} is full: make room on it and start again.`;
  if (error instanceof BringUpFailure) {
    const isTold = error.logTail.some((line) => /no space left|ENOSPC|disk is full/i.test(line));
    return isTold || hasNoRoom(folder) ? new DiskFailure(`${full} ${error.message}`) : error;
  }
  if (isFull(error)) return new DiskFailure(full);
  if (error instanceof Error && 'code' in error && error.code === 'EROFS')
    return new DiskFailure(
      `The disk of ${place} is mounted read-only: mount it anew, or choose another place.`,
    );
  return error instanceof Error && hasNoRoom(folder) ? new DiskFailure(full, [error.message]) : error;
}

const placeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
