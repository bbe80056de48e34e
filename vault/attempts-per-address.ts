/** Slows down whoever tries card numbers on the page: a number of attempts per address and window. */
import { Refusal } from './refusal.ts';

export type Attempts = { count(address: string): void };

const attemptsMax = 30;
const windowMs = 10 * 60_000;
const addressesMax = 50_000;

export function createAttempts(nowMs: () => number = () => performance.now()): Attempts {
  const windows = new Map<string, { count: number; untilMs: number }>();
  return {
    count(address) {
      const now = nowMs();
      const known = windows.get(address);
      if (known !== undefined && known.untilMs > now) {
        known.count += 1;
        if (known.count > attemptsMax)
          throw new Refusal('too-many-requests', 'Too many cards were tried from here. Wait a few minutes.');
        return;
      }
      windows.delete(address);
      windows.set(address, { count: 1, untilMs: now + windowMs });
      for (const [oldest, { untilMs }] of windows) {
        if (untilMs > now && windows.size <= addressesMax) break;
        windows.delete(oldest);
      }
    },
  };
}
