/**
 * Keeps a local activity's end behind what else its task brought. While a task is done, a timer that fires during a long
 * local activity is heard before it; when the task is played again, both come at once, and whoever needs fewer turns of
 * the microtask queue would write its command first: the history would not fit, and the workflow would stand for ever.
 */

/** More than any handler needs from its timer to its answer. */
const turns = 200;

export async function othersFirst(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}
