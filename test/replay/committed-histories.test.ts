/** The last project of a run: the committed histories on the bundle of today. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { corpusFolder } from '#test/support/histories.ts';
import { readHistories, replayFailures } from '#test/support/replay.ts';

const committed = readHistories(corpusFolder);

test('every committed history replays on the bundle of today', async () => {
  expect(committed.length).toBeGreaterThan(0);
  expect(await replayFailures(inject('workflowBundle'), committed)).toEqual([]);
});

test('every scenario that the tests name has its history in the corpus', () => {
  const list = join(inject('runFolder'), 'scenarios.txt');
  const named = existsSync(list)
    ? readFileSync(list, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
  const recorded = new Set(committed.map(({ name }) => name.replace(/\.json$/, '')));
  expect([...new Set(named)].filter((scenario) => !recorded.has(scenario))).toEqual([]);
});
