/** For tests: starts a party as the separate process that it is, and waits until it listens. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PartyProcess {
  url: string;
  port: number;
  log: Record<string, unknown>[];
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

const sandboxDirectory = fileURLToPath(new URL('..', import.meta.url));

export function createTemporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'pitboss-sandbox-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A party knows nothing of who starts it, but where programs lie and where Node keeps what it has compiled. */
const inherited = (): Record<string, string> =>
  Object.fromEntries(
    ['PATH', 'NODE_COMPILE_CACHE'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

export function startParty(party: string, environment: Record<string, string>): Promise<PartyProcess> {
  const child = spawn(process.execPath, [join(sandboxDirectory, party, 'main.ts')], {
    env: { ...inherited(), NODE_NO_WARNINGS: '1', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: Record<string, unknown>[] = [];
  let errors = '';
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));

  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${party} ended with ${code}: ${errors}`)));
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const entry = JSON.parse(line) as Record<string, unknown>;
        log.push(entry);
        if (entry['event'] !== 'listening') continue;
        const port = entry['port'] as number;
        resolve({
          url: `http://127.0.0.1:${port}`,
          port,
          log,
          stop(signal = 'SIGTERM') {
            child.kill(signal);
            return ended;
          },
        });
      }
    });
  });
}
