/** Order statistics and their spelling; medians, because a shared machine has outliers that say nothing. */

/** Nearest-rank percentile; `share` from 0 to 1. Throws on an empty list: nothing was measured. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('Nothing was measured.');
  return value;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** `p50/p95/p99`, in the unit given. */
export const spread = (values: readonly number[], digits = 0): string =>
  [0.5, 0.95, 0.99].map((share) => percentile(values, share).toFixed(digits)).join('/');

/** One line of a report: the figure, and whether it is what the issue asks for. */
export function verdict(
  what: string,
  value: number,
  bound: { atLeast: number } | { atMost: number },
  unit = '',
): string {
  const [isMet, words] =
    'atLeast' in bound
      ? [value >= bound.atLeast, `at least ${bound.atLeast}`]
      : [value <= bound.atMost, `at most ${bound.atMost}`];
  return `${isMet ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)}${unit} (wanted ${words}${unit})`;
}
