/** `npm start` as a person uses it: what it says, a port that is taken, a second copy, and Ctrl-C. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { derivePorts } from '#platform/ports.ts';
import { makePlatformHome, type PlatformHome } from '#test/support/platform-home.ts';

let home: PlatformHome;
let other: PlatformHome;
const started: Command[] = [];

beforeAll(async () => {
  home = await makePlatformHome(18_080);
  other = await makePlatformHome(18_291);
});

afterAll(async () => {
  for (const command of started) command.end();
  await Promise.all([home?.remove(), other?.remove()]);
}, 60_000);

type Command = {
  /** Everything it has written so far. */
  said(): string;
  saysSoon(text: string, withinMs: number): Promise<void>;
  /** As a terminal does it: to npm and to everything that npm has started. */
  pressCtrlC(): void;
  /** Its exit code, or the signal that ended it. */
  ended(withinMs: number): Promise<number | NodeJS.Signals>;
  end(): void;
};

function npmStart({ environment }: PlatformHome, given: Readonly<Record<string, string>> = {}): Command {
  const child = spawn('npm', ['start'], { env: { ...environment, ...given }, detached: true });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const command: Command = {
    said: () => text,
    async saysSoon(wanted, withinMs) {
      for (const deadline = Date.now() + withinMs; Date.now() < deadline; await delay(100)) {
        if (text.includes(wanted)) return;
        if (endOf(child) !== null) break;
      }
      throw new Error(`It never said "${wanted}", but:\n${text}`);
    },
    pressCtrlC: () => signal(child, 'SIGINT'),
    async ended(withinMs) {
      for (const deadline = Date.now() + withinMs; Date.now() < deadline; await delay(100)) {
        const end = endOf(child);
        if (end !== null) return end;
      }
      throw new Error(`It did not end, but said:\n${text}`);
    },
    end: () => {
      if (endOf(child) === null) signal(child, 'SIGINT');
    },
  };
  started.push(command);
  return command;
}

const endOf = ({ exitCode, signalCode }: ChildProcess) => exitCode ?? signalCode;

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // Its group has ended meanwhile.
  }
}

const isAlive = (pid: number): boolean => {
  try {
    // A child that nobody has waited for is listed, and does nothing any more.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
};

const isNoStackTrace = (text: string): boolean => !/^\s+at .+[:(]\d+/m.test(text) && !/Error:/.test(text);

test('it starts, tells all addresses and logins, minds other copies, and Ctrl-C leaves nothing behind', async () => {
  // The demo has a test of its own; a home where it has been played is not told it again.
  writeFileSync(join(home.path, 'demo-played'), '');
  const running = npmStart(home);
  await running.saysSoon('Ctrl-C stops everything.', 150_000);
  const runJson = JSON.parse(readFileSync(join(home.path, 'run.json'), 'utf8'));
  expect(running.said()).toMatch(/Ready in \d/);
  const workflows = `${runJson.temporalUi}/namespaces/${runJson.temporalNamespace}/workflows`;
  for (const address of [runJson.api, runJson.docs, workflows, runJson.clickhouse.url])
    expect(running.said()).toContain(address);
  expect(runJson.operators.length).toBeGreaterThan(0);
  for (const { email, password } of runJson.operators) {
    expect(running.said()).toContain(email);
    expect(running.said()).toContain(password);
  }
  expect((await fetch(`${runJson.api}/readyz`)).status).toBe(200);
  expect(running.said()).not.toContain('The demo, once');

  const sameHome = npmStart(home);
  expect(await sameHome.ended(30_000)).toBe(1);
  expect(sameHome.said()).toContain(`A platform is already running in ${home.path}`);
  expect(isNoStackTrace(sameHome.said())).toBe(true);

  const samePort = npmStart(other, { PORT: home.environment['PORT'] ?? '' });
  expect(await samePort.ended(30_000)).toBe(1);
  expect(samePort.said()).toMatch(/Port \d+, needed for .+, is taken by process \d+ .+PORT=\d+ npm start/);
  expect(isNoStackTrace(samePort.said())).toBe(true);
  expect((await fetch(`${runJson.api}/readyz`)).status).toBe(200);

  const pids = Object.values<number>(runJson.pids);
  expect(pids.filter(isAlive)).toEqual(pids);
  running.pressCtrlC();
  // npm passes the key press on, waits, and then ends by the signal itself.
  expect([0, 'SIGINT']).toContain(await running.ended(60_000));
  expect(running.said()).toContain('everything stopped in');
  expect(isNoStackTrace(running.said())).toBe(true);
  expect(pids.filter(isAlive)).toEqual([]);
}, 240_000);

test('a port that somebody else holds is named with its holder and a way out, before anything is started', async () => {
  const { temporal } = derivePorts(other.environment['PORT'] ?? '');
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(temporal, '127.0.0.1', listening));
  try {
    const refused = npmStart(other);
    expect(await refused.ended(60_000)).toBe(1);
    expect(refused.said()).toContain(`Port ${temporal}, needed for`);
    expect(refused.said()).toContain(`is taken by process ${process.pid}`);
    expect(isNoStackTrace(refused.said())).toBe(true);
  } finally {
    holder.close();
  }
}, 90_000);
