/** The workflow bundle of a checkout, built when it is not made of the sources as they are. */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { isBundleCurrent, readWorkflowBundle } from '#workers/bundle-on-disk.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import { checkout } from './home.ts';
import { runScript } from './run-script.ts';

/** Which bundle there is now, for whoever watches. The build has a process of its own, which is given `env`. */
export async function bundleWorkflowsOnce(env: Record<string, string>): Promise<string> {
  if (await isBundleCurrent()) return `${(await readWorkflowBundle()).buildId} is current`;
  requireWritableDist();
  return runScript(join(checkout, 'workers/bundle.ts'), env);
}

function requireWritableDist(): void {
  const dist = join(checkout, 'dist');
  try {
    accessSync(existsSync(dist) ? dist : checkout, constants.W_OK);
  } catch {
    throw new BringUpFailure(
      `The workflows have to be bundled into ${dist}, which this user cannot write: let its owner run npm start once, or start from a clone of your own.`,
    );
  }
}
