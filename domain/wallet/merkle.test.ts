/** The arithmetic of the tree with hashes that spell what they were made of, and where each hash lies in the tiles. */
import { describe, expect, test } from 'vitest';
import { hashesIn, hashesOnLevel, placeOf, rootOfRun, tileKey, tilePath } from './log-tile.ts';
import {
  consistencyRanges,
  createRootBuilder,
  foldSubtrees,
  inclusionRanges,
  rootOfInclusion,
  subtreesOf,
  type Hash,
} from './merkle.ts';

const spell = (text: string): Hash => new TextEncoder().encode(text);
const read = (hash: Hash | null): string | null => hash && new TextDecoder().decode(hash);
/** Seven leaves spell no more than this; a loop without end would fill the memory. */
const lengthMax = 200;
function join(left: Hash, right: Hash): Hash {
  if (left.length + right.length > lengthMax) throw new Error('more was joined than there are leaves');
  return spell(`(${read(left)}${read(right)})`);
}
const leaves = [...'abcdefg'].map(spell);

describe('the tree', () => {
  test('of seven leaves is cut as RFC 6962 draws it', () => {
    const builder = createRootBuilder(join);
    expect(builder.root()).toBeNull();
    expect(builder.size).toBe(0);
    const roots = leaves.map((leaf) => {
      builder.add(leaf);
      return read(builder.root());
    });
    expect(roots).toEqual([
      'a',
      '(ab)',
      '((ab)c)',
      '((ab)(cd))',
      '(((ab)(cd))e)',
      '(((ab)(cd))(ef))',
      '(((ab)(cd))((ef)g))',
    ]);
    expect(builder.size).toBe(7);
  });

  test('of seven leaves consists of subtrees of four, two and one', () => {
    expect(subtreesOf({ begin: 0, end: 7 })).toEqual([
      { level: 2, index: 0 },
      { level: 1, index: 2 },
      { level: 0, index: 6 },
    ]);
    expect(subtreesOf({ begin: 4, end: 8 })).toEqual([{ level: 2, index: 1 }]);
    expect(subtreesOf({ begin: 3, end: 3 })).toEqual([]);
  });

  test('without leaves has no root to fold', () => {
    expect(() => foldSubtrees([], join)).toThrow('Invariant broken: a range without leaves has no subtrees');
    expect(read(foldSubtrees(leaves.slice(0, 3), join))).toBe('(a(bc))');
  });

  // The examples of RFC 6962, 2.1.3, in a tree of seven leaves.
  test('proves leaves with the hashes that the RFC names', () => {
    expect(inclusionRanges(0, 7)).toEqual([
      { begin: 1, end: 2 },
      { begin: 2, end: 4 },
      { begin: 4, end: 7 },
    ]);
    expect(inclusionRanges(6, 7)).toEqual([
      { begin: 4, end: 6 },
      { begin: 0, end: 4 },
    ]);
    expect(inclusionRanges(0, 1)).toEqual([]);
  });

  test('proves its own beginnings with the hashes that the RFC names', () => {
    expect(consistencyRanges(3, 7)).toEqual([
      { begin: 2, end: 3 },
      { begin: 3, end: 4 },
      { begin: 0, end: 2 },
      { begin: 4, end: 7 },
    ]);
    expect(consistencyRanges(4, 7)).toEqual([{ begin: 4, end: 7 }]);
    expect(consistencyRanges(6, 7)).toEqual([
      { begin: 4, end: 6 },
      { begin: 6, end: 7 },
      { begin: 0, end: 4 },
    ]);
    expect(consistencyRanges(0, 7)).toEqual([]);
    expect(consistencyRanges(7, 7)).toEqual([]);
  });

  test('is proven by a path of the right length to a leaf that is in it, and by no other', () => {
    const path = [spell('b'), spell('(cd)'), spell('((ef)g)')];
    const root = (index: number, size: number, hashes: Hash[]) =>
      read(rootOfInclusion(spell('a'), index, size, hashes, join));
    expect(root(0, 7, path)).toBe('(((ab)(cd))((ef)g))');
    expect(root(6, 7, [spell('(ef)'), spell('((ab)(cd))')])).toBe('(((ab)(cd))((ef)a))');
    expect(root(0, 7, path.slice(0, 2))).toBeNull();
    expect(root(0, 7, [...path, spell('h')])).toBeNull();
    expect(root(7, 7, path)).toBeNull();
    expect(root(-1, 7, path)).toBeNull();
    expect(root(0, 1, [])).toBe('a');
    expect(root(0, 0, [])).toBeNull();
  });
});

describe('tiles', () => {
  test('hold 256 hashes each, and a level above one hash for each full tile', () => {
    expect([0, 255, 256, 65_535, 65_536].map((size) => hashesOnLevel(1, size))).toEqual([0, 0, 1, 255, 256]);
    expect(hashesOnLevel(0, 300)).toBe(300);
    expect(hashesOnLevel(2, 65_536)).toBe(1);
  });

  test('hold a subtree in one run of one tile', () => {
    expect(placeOf({ level: 0, index: 0 })).toEqual({ level: 0, number: 0, offset: 0, count: 1 });
    expect(placeOf({ level: 0, index: 257 })).toEqual({ level: 0, number: 1, offset: 1, count: 1 });
    expect(placeOf({ level: 7, index: 3 })).toEqual({ level: 0, number: 1, offset: 128, count: 128 });
    expect(placeOf({ level: 8, index: 300 })).toEqual({ level: 1, number: 1, offset: 44, count: 1 });
    expect(placeOf({ level: 17, index: 1 })).toEqual({ level: 2, number: 0, offset: 2, count: 2 });
  });

  test('have the names that C2SP gives them, and a key of level and number', () => {
    expect(tilePath({ level: 0, number: 0 }, 256)).toBe('tile/0/000');
    expect(tilePath({ level: 2, number: 999 }, 256)).toBe('tile/2/999');
    expect(tilePath({ level: 0, number: 1_000 }, 256)).toBe('tile/0/x001/000');
    expect(tilePath({ level: 0, number: 1_234_067 }, 255)).toBe('tile/0/x001/x234/067.p/255');
    expect(tileKey({ level: 3, number: 12 })).toBe('3/12');
  });

  test('are cut into whole hashes of 32 bytes', () => {
    const bytes = Uint8Array.from({ length: 70 }, (_, at) => at);
    expect(hashesIn(bytes)).toEqual([bytes.subarray(0, 32), bytes.subarray(32, 64)]);
    expect(hashesIn(bytes.subarray(0, 31))).toEqual([]);
  });

  test('have the root that their run of hashes folds to', () => {
    expect(read(rootOfRun(leaves.slice(0, 1), join))).toBe('a');
    expect(read(rootOfRun(leaves.slice(0, 4), join))).toBe('((ab)(cd))');
    expect(() => rootOfRun([], join)).toThrow('Invariant broken: an empty run has no root');
  });
});
