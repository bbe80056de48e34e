/** Time that passes for what a process remembers, without a test that waits for it. */

/** A little more than the longest memory of rules, routes and health (`rememberShortly`). */
const memoryMs = 5_100;

let aheadMs = 0;
const realNow = performance.now.bind(performance);

/**
 * Everything that this process remembers for a while is old from here on. Its monotonic clock leaps forward and is never
 * set back, since a clock that goes back is one that no process meets; timers and the wall clock are as they were.
 */
export function outliveMemory(): void {
  aheadMs += memoryMs;
  performance.now = () => realNow() + aheadMs;
}
