/** What is decided with the database's clock is written within a second of it, or decided again: machines stand still at times. */
import { fail, type Result } from '#domain/failures.ts';

/** How often a command is decided again because the machine stood still between the clock and the write. */
const clockTries = 3;

/** Runs `attempt`, which reads the clock and writes, until its write came on time. `late` means that nothing was written. */
export async function decideOnTime<T>(attempt: () => Promise<Result<T> | 'late'>): Promise<Result<T>> {
  for (let tried = 0; tried < clockTries; tried += 1) {
    const outcome = await attempt();
    if (outcome !== 'late') return outcome;
  }
  return fail(
    'dependency-unavailable',
    'The machine is too slow to decide anything on time; nothing was done.',
  );
}
