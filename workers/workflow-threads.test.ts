/** What a workflow thread pays for promises, with and without the SDK's stacks of them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowThreadArgs } from './workflow-thread-args.ts';

/** As the SDK does it: a hook that hears of every promise. */
const thread = `
const v8 = require('node:v8');
let heard = 0;
v8.promiseHooks.createHook({ init: () => { heard += 1; } });
Promise.resolve().then(() => require('node:worker_threads').parentPort.postMessage(heard > 0));`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pitboss-thread-'));
  writeFileSync(join(folder, 'thread.cjs'), thread);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isHeard = (args: readonly string[]): string => {
  const program = `new (require('node:worker_threads').Worker)(${JSON.stringify(join(folder, 'thread.cjs'))})
    .once('message', (isHeard) => console.log(isHeard));`;
  return execFileSync(process.execPath, [...args, '-e', program], { encoding: 'utf8' }).trim();
};

test('a workflow thread keeps no stacks of promises, unless somebody wants to see them', () => {
  expect(isHeard([])).toBe('true');
  expect(isHeard(workflowThreadArgs({}))).toBe('false');
  expect(workflowThreadArgs({ WORKFLOW_STACK_TRACES: 'on' })).toEqual([]);
});
