/** When a day whose settlement file could not be read is asked for again: the PSP may have sent it broken or cut short. */

const hourMs = 3_600_000;
const firstPauseMs = hourMs / 2;
const pauseMsMax = 24 * hourMs;
/** After that the day is with a person alone. */
const givenUpAfterMs = 14 * 24 * hourMs;

/** The last instant at which a new run was due, null before the first and a day after the last one. */
export function lastRefetchDueMs(sinceMs: number, nowMs: number): number | null {
  if (nowMs > sinceMs + givenUpAfterMs + pauseMsMax) return null;
  let dueMs: number | null = null;
  let atMs = sinceMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    atMs += pauseMs;
    if (atMs > Math.min(nowMs, sinceMs + givenUpAfterMs)) return dueMs;
    dueMs = atMs;
  }
}
