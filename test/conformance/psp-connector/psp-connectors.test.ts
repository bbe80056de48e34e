/** Every connector against its own PSP, in the same scenarios. */
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { pspContract } from './psp-contract.ts';
import { rigNames, startRig, type RunningRig } from './psp-rig.ts';

describe.each(rigNames)('connector %s', (name) => {
  let running: RunningRig;

  beforeAll(async () => {
    running = await startRig(name);
  }, 30_000);
  afterAll(() => running.stop());
  beforeEach(() => running.rig.scenario({}));

  it.each(pspContract.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    scenario.run(running.rig),
  );
});
