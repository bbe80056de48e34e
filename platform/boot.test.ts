/** What an old Node makes of `npm start`: it reads the entry, and says what is the matter. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';

const entry = readFileSync(new URL('./boot.cjs', import.meta.url), 'utf8');

/** What the entry does under another Node; what comes behind it is out of reach here. */
function under(node: string): { said: string; exitCode: number | undefined } {
  let said = '';
  const process = {
    versions: { node },
    stderr: { write: (text: string) => (said += text) },
    exitCode: undefined as number | undefined,
  };
  // `void 0` has the form of the import, which no context of this kind can do.
  runInNewContext(entry.replace("import('./boot.mjs')", '0'), { process });
  return { said, exitCode: process.exitCode };
}

test.each(['10.24.1', '12.22.12', '18.20.4', '19.9.0'])('Node %s is told that it is too old', (node) => {
  const { said, exitCode } = under(node);
  expect(said.trim().split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^Node ${node} is too old: Pitboss needs Node 20 or newer`)),
  ]);
  expect(exitCode).toBe(1);
});

test.each(['20.0.0', '24.21.0', '100.0.0'])('Node %s goes on', (node) => {
  expect(under(node)).toEqual({ said: '', exitCode: undefined });
  expect(entry).toContain("import('./boot.mjs')");
});

test('the entry is written in what an old Node can read', () => {
  const code = entry.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  expect(code).not.toMatch(/\?\?|\?\.|\bawait\b|^\s*import\s[^(]|catch \{|\bnode:/m);
});

test('every npm script that anybody runs goes through the entry', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const name of ['start', 'test', 'demo', 'verify', 'bench', 'generate'])
    expect(scripts[name]).toBe(`node platform/boot.cjs ${name}`);
});
