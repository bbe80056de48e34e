/** The home's lock under starts that happen at the same moment, from processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockHome } from './home.ts';

const contender = `
import { createInterface } from 'node:readline';
import { lockHome } from ${JSON.stringify(fileURLToPath(new URL('./home.ts', import.meta.url)))};
console.log('here');
for await (const home of createInterface({ input: process.stdin })) {
  try { lockHome(home); console.log('won'); } catch (error) { console.log(error.constructor.name + ' ' + error.message); }
}`;

type Contender = { readonly child: ChildProcess; readonly ask: (home: string) => Promise<string> };

let folder: string;
let contenders: Contender[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pitboss-lock-'));
  contenders = [];
});
afterEach(() => {
  for (const { child } of contenders) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function contend(): Promise<Contender> {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', contender], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value ?? 'gone';
  const made = {
    child,
    ask: (home: string) => {
      child.stdin.write(`${home}\n`);
      return next();
    },
  };
  contenders.push(made);
  expect(await next()).toBe('here');
  return made;
}

function homeOfTheDead(name: string): string {
  const home = join(folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'supervisor.json'), JSON.stringify({ pid: 1, identity: '1@before' }));
  return home;
}

test('of starts at the same moment in a home that a dead one left exactly one gets it', async () => {
  const all = await Promise.all([contend(), contend(), contend(), contend()]);
  for (let round = 0; round < 30; round += 1) {
    const home = homeOfTheDead(`home-${round}`);
    const answers = await Promise.all(all.map(({ ask }) => ask(home)));
    const lost = answers.filter((answer) => answer !== 'won');
    expect(lost, `round ${round}: ${answers.join(' | ')}`).toHaveLength(3);
    for (const answer of lost) expect(answer).toMatch(/^BringUpFailure .*(already running|right now)/);
  }
}, 120_000);

test('the lock of a process that was killed is free at once, and the one of a living process names it', async () => {
  const home = homeOfTheDead('home');
  const first = await contend();
  expect(await first.ask(home)).toBe('won');
  expect(() => lockHome(home)).toThrow(`process ${first.child.pid}`);
  const ended = new Promise((resolve) => first.child.once('exit', resolve));
  first.child.kill('SIGKILL');
  await ended;
  const release = lockHome(home);
  const second = await contend();
  expect(await second.ask(home)).toContain(`process ${process.pid}`);
  release();
  expect(await second.ask(home)).toBe('won');
}, 120_000);

test('a home whose lock cannot be opened is one sentence', () => {
  const home = homeOfTheDead('home');
  mkdirSync(join(home, 'supervisor.lock'));
  expect(() => lockHome(home)).toThrow(/cannot be locked.*PITBOSS_HOME/);
});
