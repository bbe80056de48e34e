/** Arithmetic of an RFC 6962 Merkle tree: which subtrees a root or a proof is made of. Hashing is the caller's. */
export type Hash = Uint8Array;

/** SHA-256 over `0x01 ‖ left ‖ right` (RFC 6962, 2.1). */
export type HashNode = (left: Hash, right: Hash) => Hash;

/** A complete subtree: the leaves from `index · 2^level` to `(index + 1) · 2^level`, the end excluded. */
export type Subtree = { readonly level: number; readonly index: number };

/** Leaves from `begin` to `end`, the end excluded, as RFC 6962 cuts a tree into `D[begin:end]`. */
export type LeafRange = { readonly begin: number; readonly end: number };

/** Largest power of two below `count`; `count` is at least 2. */
function splitPoint(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** The complete subtrees that a range consists of, left to right, largest first; the range begins where RFC 6962 splits. */
export function subtreesOf({ begin, end }: LeafRange): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = begin; at < end;) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1;
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** Hash of a range from the hashes of its complete subtrees, left to right. */
export function foldSubtrees(hashes: readonly Hash[], hashNode: HashNode): Hash {
  const right = hashes.at(-1);
  if (right === undefined) throw new Error('Invariant broken: a range without leaves has no subtrees');
  return hashes.slice(0, -1).reduceRight((folded, left) => hashNode(left, folded), right);
}

/** PATH(m, D[n]): the ranges whose hashes prove that leaf `index` is in a tree of `size` leaves, lowest first. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    if (index < middle) {
      ranges.unshift({ begin: middle, end });
      end = middle;
    } else {
      ranges.unshift({ begin, end: middle });
      begin = middle;
    }
  }
  return ranges;
}

/** PROOF(m, D[n]): the ranges whose hashes prove that the tree of `from` leaves is the beginning of the one of `to`. */
export function consistencyRanges(from: number, to: number): LeafRange[] {
  if (from === 0 || from === to) return [];
  const ranges: LeafRange[] = [];
  let [begin, end] = [0, to];
  let isWhole = true;
  while (end !== from) {
    const middle = begin + splitPoint(end - begin);
    if (from <= middle) {
      ranges.unshift({ begin: middle, end });
      end = middle;
    } else {
      ranges.unshift({ begin, end: middle });
      begin = middle;
      isWhole = false;
    }
  }
  return isWhole ? ranges : [{ begin, end }, ...ranges];
}

/** The root that an inclusion proof leads to, or null when the proof has the wrong length (RFC 9162, 2.1.3.2). */
export function rootOfInclusion(
  leaf: Hash,
  index: number,
  size: number,
  path: readonly Hash[],
  hashNode: HashNode,
): Hash | null {
  const ranges = index >= 0 && index < size ? inclusionRanges(index, size) : null;
  if (ranges === null || ranges.length !== path.length) return null;
  return ranges.reduce((hash, range, step) => {
    const other = path[step] ?? hash;
    return range.begin > index ? hashNode(hash, other) : hashNode(other, hash);
  }, leaf);
}

/** Collects leaf hashes one at a time and knows the root at any moment, in memory of one hash per level. */
export type RootBuilder = { add(leaf: Hash): void; root(): Hash | null; readonly size: number };

export function createRootBuilder(hashNode: HashNode): RootBuilder {
  const subtrees: Hash[] = [];
  let size = 0;
  return {
    add(leaf) {
      let hash = leaf;
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2)
        hash = hashNode(subtrees.pop() ?? hash, hash);
      subtrees.push(hash);
      size += 1;
    },
    root: () => (size === 0 ? null : foldSubtrees(subtrees, hashNode)),
    get size() {
      return size;
    },
  };
}
