/** A run without a place for its files ends with a sentence. */
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { requireRoomForRun } from './room-for-run.ts';

const fast = { isFast: true, hasOwnServer: false };

test('a folder for temporary files that is none is named with the way out', () => {
  for (const folder of ['/nothing/is/here', '/dev/null'])
    expect(() => requireRoomForRun(folder, fast)).toThrow(
      `Tests keep their files below ${folder}, which cannot be written: name another folder with TMPDIR.`,
    );
});

test('one that can be written and has room is taken', () => {
  expect(() => requireRoomForRun(tmpdir(), fast)).not.toThrow();
});
