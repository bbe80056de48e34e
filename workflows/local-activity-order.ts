/**
 * Keeps a local activity's end behind what else its task brought. While a task is done, a timer that fires during a long
 * local activity is heard before it; when the task is played again, both come at once, and whoever needs fewer turns of
 * the microtask queue would write its command first: the history would not fit, and the workflow would stand for ever.
 */
import { CancellationScope, condition } from '@temporalio/workflow';

/** One is enough for a handler that waits for a timer; the others are for what that handler wakes. */
const looks = 3;

/** Conditions are looked at when nothing else is left to do, so one that holds at the second look comes after all. */
export const othersFirst = (): Promise<void> =>
  CancellationScope.nonCancellable(async () => {
    for (let look = 0; look < looks; look += 1) {
      let isSecond = false;
      await condition(() => {
        const holds = isSecond;
        isSecond = true;
        return holds;
      });
    }
  });
