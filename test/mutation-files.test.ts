/** `npm run mutation` works on a copy of a few folders: what the wallet's tests import has to be among them. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const { ignorePatterns } = JSON.parse(readFileSync(join(root, 'tools/mutation/stryker.json'), 'utf8')) as {
  readonly ignorePatterns: readonly string[];
};
const copied = ignorePatterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));

/** Files of ours that a module names, as paths from the root. */
function importsOf(path: string): readonly string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/from '(#|\.\.?\/)([^']+)'/g)].map(([, start = '', rest = '']) =>
    start === '#' ? rest : normalize(join(dirname(path), start, rest)),
  );
}

function everythingBehind(paths: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [...paths];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    waiting.push(...importsOf(path));
  }
  return seen;
}

test('everything that the wallet’s tests import is copied', () => {
  const tests = globSync('domain/wallet/**/*.test.ts', { cwd: root });
  const needed = [...everythingBehind([...tests, 'activities/wallet/log/merkle.test.ts'])];
  expect(needed.length).toBeGreaterThan(40);
  expect(needed.filter((path) => !copied.some((pattern) => matchesGlob(path, pattern)))).toEqual([]);
});
