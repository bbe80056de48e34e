/** Whether what was built ahead is still made of the sources as they are. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOfSources } from './built-files.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pitboss-built-'));
  mkdirSync(join(root, 'flows/parts'), { recursive: true });
  writeFileSync(join(root, 'lock.json'), '{}');
  writeFileSync(join(root, 'flows/all.ts'), 'one');
  writeFileSync(join(root, 'flows/parts/part.ts'), 'two');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const digest = () => digestOfSources({ folders: ['flows'], files: ['lock.json'] }, root);

test('what is untouched stays as it was', () => expect(digest()).toBe(digest()));

test.each<[string, () => void]>([
  ['written to', () => writeFileSync(join(root, 'flows/all.ts'), 'longer')],
  ['touched', () => utimesSync(join(root, 'flows/parts/part.ts'), new Date(0), new Date(0))],
  ['removed', () => rmSync(join(root, 'flows/parts/part.ts'))],
  ['added', () => writeFileSync(join(root, 'flows/parts/more.ts'), '')],
  ['installed', () => writeFileSync(join(root, 'lock.json'), '{"a":1}')],
])('a source that is %s is noticed', (_how, change) => {
  const before = digest();
  change();
  expect(digest()).not.toBe(before);
});

test('a test is no source', () => {
  const before = digest();
  writeFileSync(join(root, 'flows/all.test.ts'), '');
  expect(digest()).toBe(before);
});
