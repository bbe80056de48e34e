/** How often one caller may do something that costs others; counted per process, which is enough to stop a loop. */
export type Pace = {
  /** False when `key` has had its share of the running minute. */
  admits(key: string): boolean;
};

const keysMax = 50_000;

/** Counts in fixed minutes and forgets them whole, so that the memory is bounded by one minute's callers. */
export function createPace({ perMinuteMax }: { readonly perMinuteMax: number }): Pace {
  const counts = new Map<string, number>();
  let minute = 0;
  return {
    admits(key) {
      const now = Math.floor(performance.now() / 60_000);
      if (now !== minute) {
        counts.clear();
        minute = now;
      }
      const count = (counts.get(key) ?? 0) + 1;
      // Beyond the bound newcomers are not counted: refusing them would let a crowd lock everybody out.
      if (count === 1 && counts.size >= keysMax) return true;
      counts.set(key, count);
      return count <= perMinuteMax;
    },
  };
}
