/** Scripts of ours that do one thing and end, before the processes that need it. */
import { execFile } from 'node:child_process';
import { relative } from 'node:path';
import { promisify } from 'node:util';
import { BringUpFailure } from './bring-up-failure.ts';
import { compileCache } from './compile-cache.ts';
import { checkout } from './home.ts';

/** The last line that it said. Throws a `BringUpFailure` with its last words when it fails. */
export async function runScript(script: string, env: Record<string, string>): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script], {
      cwd: checkout,
      env: { ...compileCache(), ...env },
      timeout: 180_000,
      maxBuffer: 32 * 1024 * 1024,
    });
    return stdout.trim().split('\n').at(-1)?.slice(0, 100) ?? '';
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const lines = `${stdout}\n${stderr}`.trim().split('\n').slice(-12);
    throw new BringUpFailure(`node ${relative(checkout, script)} failed.`, lines);
  }
}
