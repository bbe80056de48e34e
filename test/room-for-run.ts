/** Whether a run has room for the servers and databases of its tests, asked before the first one: without it hundreds would fail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DiskFailure, requireRoom } from '#platform/room-on-disk.ts';

/** Databases of a run are dropped with its end (0053). */
const allMb = 4_096;
/** Their server is somebody's own, and keeps them elsewhere. */
const besideOwnServerMb = 1_024;
const unitMb = 64;

/** Throws a `DiskFailure`. */
export function requireRoomForRun(
  folder: string,
  { isFast, hasOwnServer }: { readonly isFast: boolean; readonly hasOwnServer: boolean },
): void {
  try {
    rmSync(mkdtempSync(join(folder, 'pitboss-test-')), { recursive: true });
  } catch {
    throw new DiskFailure(
      `Tests keep their files below ${folder}, which cannot be written: name another folder with TMPDIR.`,
    );
  }
  const neededMb = isFast ? unitMb : hasOwnServer ? besideOwnServerMb : allMb;
  requireRoom(
    folder,
    neededMb,
    `name a folder of another one with TMPDIR${isFast ? '' : ', or run npm test -- --fast'}`,
  );
}
