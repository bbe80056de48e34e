import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { freePorts } from './ports.ts';

const takeMany = `
  import { freePorts } from '#test/support/ports.ts';
  process.stdout.write(JSON.stringify(await freePorts(300)), () => {});
  setTimeout(() => {}, 1_500);`;

describe('free ports', () => {
  it('come once, in this process and in those beside it', async () => {
    const beside = promisify(execFile)(process.execPath, ['--input-type=module', '-e', takeMany]);
    const own = await freePorts(300);
    const { stdout } = await beside;
    const all = [...own, ...(JSON.parse(stdout) as number[])];
    expect(all).toHaveLength(600);
    expect(new Set(all).size).toBe(600);
  });
});
