/** A run that is ended in the middle leaves no servers behind, and ends nobody else's. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcessesOf, noteHome } from './support/left-processes.ts';

let folders: string[];
let servers: ChildProcess[];

beforeEach(() => {
  folders = [];
  servers = [];
});
afterEach(() => {
  for (const child of servers) child.kill('SIGKILL');
  for (const one of folders) rmSync(one, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pitboss-left-'));
  folders.push(made);
  return made;
}

/** Says a word once it has become the program: until then command line and environment are this process's. */
async function server(args: readonly string[], environment = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1_000)', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  servers.push(child);
  await once(child.stdout, 'data');
  return child;
}

test('who knows the run or one of its homes ends with it, the homes go; a server of another run stays', async () => {
  const [run, home, otherRun, otherHome] = [folder(), folder(), folder(), folder()];
  noteHome(run, home);
  noteHome(otherRun, otherHome);
  const mine = [
    await server([], { GROUND: JSON.stringify({ runFolder: run }) }),
    await server([`${home}/temporal.db`]),
  ];
  const theirs = [await server([], { GROUND: otherRun }), await server([otherHome])];
  const ended = Promise.all(mine.map((child) => once(child, 'exit')));
  endProcessesOf(run);
  expect((await ended).map(([, signal]) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
  expect([existsSync(home), existsSync(otherHome)]).toEqual([false, true]);
  expect(theirs.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([null, null]);
});

test('a home that its test has removed, and a run without any, are nothing to do', () => {
  const [run, home] = [folder(), folder()];
  endProcessesOf(run);
  noteHome(run, home);
  rmSync(home, { recursive: true });
  endProcessesOf(run);
  expect(existsSync(run)).toBe(true);
});
