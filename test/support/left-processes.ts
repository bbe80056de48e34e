/** What a run has left running when it was ended before its tests: servers with sessions of their own hear no signal of the terminal. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, signalQuietly } from '#platform/process-identity.ts';

const homesOf = (runFolder: string): string => join(runFolder, 'platform-homes');

/** Notes the home of a platform that belongs to the run: its servers know their home, but not the run. */
export function noteHome(runFolder: string, home: string): void {
  appendFileSync(homesOf(runFolder), `${home}\n`);
}

/**
 * Ends every process but this one that names `runFolder` or one of its noted homes in its command line or environment, and
 * removes the homes. What a test has stopped and removed itself is not there any more.
 */
export function endProcessesOf(runFolder: string): void {
  const noted = existsSync(homesOf(runFolder)) ? readFileSync(homesOf(runFolder), 'utf8') : '';
  const homes = noted.split('\n').filter((home) => home !== '' && existsSync(home));
  const names = [runFolder, ...homes];
  for (const { pid, words } of processes())
    if (pid !== process.pid && names.some((name) => words.includes(name))) signalQuietly(pid, 'SIGKILL');
  for (const home of homes) rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

type Process = { readonly pid: number; readonly words: string };

/** Those that may be looked at: everybody's command line, and the environment of one's own. */
const processes = (): readonly Process[] =>
  process.platform === 'linux'
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .map((pid) => ({ pid, words: commandOf(pid) + environmentOf(pid) }))
    : execFileSync('ps', ['-axww', '-E', '-o', 'pid=,command='], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((line) => ({ pid: Number.parseInt(line, 10), words: line }));

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // It has ended, or belongs to somebody else.
    return '';
  }
}
