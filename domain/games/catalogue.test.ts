/** What a list changes, for any catalogue and any list, and when a list is not believed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  defaultContributionBps,
  diffCatalogue,
  isOffered,
  withdrawsMost,
  type CatalogueEntry,
} from './catalogue.ts';

const entry = fc.record({ listed: fc.boolean(), description: fc.constantFrom('a', 'b') });
const catalogue = fc
  .dictionary(fc.constantFrom('g1', 'g2', 'g3', 'g4', 'g5'), entry)
  .map((record): ReadonlyMap<string, CatalogueEntry> => new Map(Object.entries(record)));

/** What an import makes of a catalogue: the list over what there was, the missing withdrawn where it was complete. */
function applied(
  known: ReadonlyMap<string, CatalogueEntry>,
  list: ReadonlyMap<string, CatalogueEntry>,
  isComplete: boolean,
): ReadonlyMap<string, CatalogueEntry> {
  const after = new Map(known);
  if (isComplete) for (const [code, before] of known) after.set(code, { ...before, listed: false });
  for (const [code, listed] of list) after.set(code, listed);
  return after;
}

describe('an import', () => {
  test('names every game whose offer changes, each once, and no other', () => {
    fc.assert(
      fc.property(catalogue, catalogue, fc.boolean(), (known, list, isComplete) => {
        const diff = diffCatalogue(known, list, isComplete);
        const after = applied(known, list, isComplete);
        const named = [...diff.added, ...diff.changed, ...diff.withdrawn, ...diff.returned];
        expect(new Set(named).size).toBe(named.length);
        for (const [code, now] of after) {
          const before = known.get(code);
          expect(diff.added.includes(code)).toBe(before === undefined);
          if (!before) continue;
          expect(diff.withdrawn.includes(code)).toBe(before.listed && !now.listed);
          expect(diff.returned.includes(code)).toBe(!before.listed && now.listed);
          if (before.description !== now.description) expect(named).toContain(code);
        }
      }),
    );
  });

  test('repeated changes nothing', () => {
    fc.assert(
      fc.property(catalogue, catalogue, (known, list) => {
        const after = applied(known, list, true);
        const again = diffCatalogue(after, list, true);
        expect([again.added, again.changed, again.withdrawn, again.returned].flat()).toEqual([]);
      }),
    );
  });

  test('of a list that could not be read whole withdraws only what the list itself withdraws', () => {
    const known = new Map([['g1', { listed: true, description: 'a' }]]);
    expect(diffCatalogue(known, new Map(), false).withdrawn).toEqual([]);
    expect(diffCatalogue(known, new Map(), true).withdrawn).toEqual(['g1']);
  });
});

test.each([
  [9, 9, false],
  [10, 5, false],
  [10, 6, true],
  [2_000, 2_000, true],
])('of %i games, withdrawing %i is taken for a mistake: %s', (listed, withdrawn, expected) => {
  expect(withdrawsMost(listed, withdrawn)).toBe(expected);
});

test.each([
  ['Video Slots', false, 10_000],
  ['slots', true, 0],
  ['roulette', false, 0],
  ['Baccarat', true, 0],
])('a new game of %s (live: %s) counts %i toward wagering', (category, live, expected) => {
  expect(defaultContributionBps(category, live)).toBe(expected);
});

test('a game is offered from its release until its recall', () => {
  const game = { enabled: true, releasedAtMs: 100, recalledAtMs: 200 };
  expect([99, 100, 199, 200].map((nowMs) => isOffered(game, nowMs))).toEqual([false, true, true, false]);
  expect(isOffered({ ...game, enabled: false }, 150)).toBe(false);
});
