/** All that the run itself has made, running workflows included, on the bundle of today. */
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { readHistories, replayFailures } from '#test/support/replay.ts';

test('every history that this run has made replays, running workflows included', async () => {
  expect(
    await replayFailures(inject('workflowBundle'), readHistories(join(inject('runFolder'), 'histories'))),
  ).toEqual([]);
});
