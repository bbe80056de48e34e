/** Checks the repository itself, so that the house rules need no policeman. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readTree } from './tidy/file-tree.ts';
import { meaningChecks } from './tidy/meaning-checks.ts';
import { longFiles, structureChecks } from './tidy/structure-checks.ts';

const tree = readTree(fileURLToPath(new URL('../', import.meta.url)));

test.each([...structureChecks, ...meaningChecks])('$name', ({ find }) => {
  expect(find(tree).map(({ path, says }) => `${path}: ${says}`)).toEqual([]);
});

test('long files are shown to whoever reads the run', () => {
  const long = longFiles(tree);
  if (long.length > 0)
    process.stdout.write(`Long files:\n${long.map(({ path, says }) => `  ${path} (${says})\n`).join('')}`);
  expect(longFiles(new Map([['domain/long.ts', 'x\n'.repeat(301)]]))).toEqual([
    { path: 'domain/long.ts', says: '301 lines' },
  ]);
});
