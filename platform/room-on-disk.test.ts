/** Disks that take no more, said in a sentence, whichever of us met it first. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BringUpFailure } from './bring-up-failure.ts';
import { openHome } from './home.ts';
import { isFull, requireRoom, sayIfDisk } from './room-on-disk.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pitboss-room-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The error of a write that finds no room; the device is made for that. */
function noRoom(): unknown {
  try {
    writeFileSync('/dev/full', 'x');
  } catch (error) {
    return error;
  }
  throw new Error('The device took it.');
}
const withCode = (code: string, path: string) =>
  Object.assign(new Error(`${code}: of the test`), { code, path });

test('what is missing, where, and what else helps stands in one sentence', () => {
  expect(() => requireRoom(folder, 2 ** 40, 'choose another one')).toThrow(
    /^The disk of \S+ has \d+ MB left, and at least 1099511627776 MB are needed: make room on it, or choose another one\.$/,
  );
  expect(() => requireRoom(folder, 0, 'choose another one')).not.toThrow();
  // What cannot be asked is not in the way.
  expect(() => requireRoom(join(folder, 'nothing-here'), 2 ** 40, 'choose another one')).not.toThrow();
});

test.runIf(process.platform === 'linux')('a write without room is a full disk, and no stack trace', () => {
  const error = noRoom();
  expect(isFull(error)).toBe(true);
  expect(sayIfDisk(error, folder)).toBeInstanceOf(BringUpFailure);
  expect(sayIfDisk(error, folder)).toMatchObject({
    message: `The disk of ${folder} is full: make room on it and start again.`,
    logTail: [],
  });
});

test('the place is the one that took nothing', () => {
  const words = (error: unknown) => (sayIfDisk(error, folder) as Error).message;
  expect(words(withCode('EDQUOT', '/elsewhere/file'))).toMatch(/^The disk of \/elsewhere\/file is full/);
  expect(words(withCode('EROFS', '/elsewhere/file'))).toMatch(
    /^The disk of \/elsewhere\/file is mounted read-only/,
  );
  expect(isFull(Object.assign(new Error('database or disk is full'), { errcode: 13 }))).toBe(true);
});

test('a process that ended because it could not write is told by its log', () => {
  const ended = new BringUpFailure('PostgreSQL ended while starting.', [
    'FATAL:  could not extend file "base/1/1247": No space left on device',
  ]);
  expect(sayIfDisk(ended, folder)).toMatchObject({
    message: `The disk of ${folder} is full: make room on it and start again. PostgreSQL ended while starting.`,
  });
});

test('what has said it is not said again', () => {
  const said = sayIfDisk(noRoom(), folder);
  expect(sayIfDisk(said, folder)).toBe(said);
});

test('every other failure stays what it is', () => {
  const others = [
    new BringUpFailure('Port 1 is taken.', ['address in use']),
    withCode('ECONNREFUSED', ''),
    new TypeError('a bug'),
    undefined,
  ];
  for (const other of others) expect(sayIfDisk(other, folder)).toBe(other);
});

test('a home that is a file, or lies below one, is named with the way out', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const home of [file, join(file, 'home')])
    expect(() => openHome(home)).toThrow(
      `The home folder ${home} cannot be written by this user: choose another one with PITBOSS_HOME.`,
    );
  mkdirSync(join(folder, 'home'));
  expect(() => openHome(join(folder, 'home'))).not.toThrow();
});
