/** Work nobody waits for: if it fails, the log says so, and the process lives on. */
import type { Log } from './json-log.ts';

export function inBackground(log: Log, what: string, work: Promise<unknown>): void {
  work.catch((error: unknown) => log('background_failed', { what, error: String(error) }));
}
