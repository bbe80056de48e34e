import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, bucketsCount, shareAt } from './volume-split.ts';

const keys = Array.from({ length: 40_000 }, (_, index) => `deposit-${index}`);

test('a key falls where it fell before, on every machine', () => {
  expect([bucketOf('a', ''), bucketOf('a', 's'), bucketOf('9f1b', 'routing'), bucketOf('', '')]).toEqual(
    known,
  );
});

// Written down once: a change of the hash would move players between arms of running splits.
const known = [8368, 5663, 3581, 1750];

test('keys spread evenly over the shares', () => {
  const options = [
    { name: 'small', shareBps: 500 },
    { name: 'middle', shareBps: 2_500 },
    { name: 'large', shareBps: 7_000 },
  ];
  const counts = new Map<string, number>();
  for (const key of keys) {
    const { name } = shareAt(options, bucketOf(key, 'even'));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const { name, shareBps } of options)
    expect((counts.get(name) ?? 0) / keys.length).toBeCloseTo(shareBps / bucketsCount, 1.7);
});

test('two splits are independent of each other', () => {
  const both = keys.filter((key) => bucketOf(key, 'one') < 5_000 && bucketOf(key, 'two') < 5_000).length;
  expect(both / keys.length).toBeGreaterThan(0.24);
  expect(both / keys.length).toBeLessThan(0.26);
});

test('a growing share keeps every key that it had', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 9_000 }), (key, shareBps) => {
      const bucket = bucketOf(key, 'grow');
      const split = (first: number) =>
        shareAt(
          [
            { arm: 'a', shareBps: first },
            { arm: 'b', shareBps: bucketsCount - first },
          ],
          bucket,
        );
      expect(bucket).toBeGreaterThanOrEqual(0);
      expect(bucket).toBeLessThan(bucketsCount);
      if (split(shareBps).arm === 'a') expect(split(shareBps + 1_000).arm).toBe('a');
    }),
  );
});
