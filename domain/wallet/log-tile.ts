/** Where a hash of the ledger's log lies: the tiles of C2SP tlog-tiles, 256 hashes wide, so that proofs read few rows. */
import type { Hash, HashNode, Subtree } from './merkle.ts';

/** Levels of the tree that one level of tiles spans. */
export const tileHeight = 8;
/** Hashes of a full tile. */
export const tileWidth = 2 ** tileHeight;
export const hashBytes = 32;

export type TileId = { readonly level: number; readonly number: number };

export const tileKey = ({ level, number }: TileId): string => `${level}/${number}`;

/** Hashes that all tiles of a level hold together when the log has `size` leaves. */
export const hashesOnLevel = (level: number, size: number): number => Math.floor(size / tileWidth ** level);

/** The tile and the run of its hashes that a complete subtree is made of. */
export function placeOf({
  level,
  index,
}: Subtree): TileId & { readonly offset: number; readonly count: number } {
  const tileLevel = Math.floor(level / tileHeight);
  const count = 2 ** (level - tileLevel * tileHeight);
  const first = index * count;
  return { level: tileLevel, number: Math.floor(first / tileWidth), offset: first % tileWidth, count };
}

/** Root of a run of hashes whose number is a power of two. */
export function rootOfRun(hashes: readonly Hash[], hashNode: HashNode): Hash {
  let row = hashes;
  while (row.length > 1) {
    const above: Hash[] = [];
    for (let at = 0; at + 1 < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]];
      if (left && right) above.push(hashNode(left, right));
    }
    row = above;
  }
  const [root] = row;
  if (root === undefined) throw new Error('Invariant broken: an empty run has no root');
  return root;
}

/** Cuts a tile's bytes into hashes. */
export const hashesIn = (bytes: Uint8Array): Hash[] =>
  Array.from({ length: Math.floor(bytes.length / hashBytes) }, (_, at) =>
    bytes.subarray(at * hashBytes, (at + 1) * hashBytes),
  );

/** The path under which tlog-tiles names a tile: `tile/0/x001/x234/067`, with `.p/{width}` while it is not full. */
export function tilePath({ level, number }: TileId, width: number): string {
  const groups: string[] = [];
  let rest = number;
  do {
    groups.unshift(String(rest % 1_000).padStart(3, '0'));
    rest = Math.floor(rest / 1_000);
  } while (rest > 0);
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width < tileWidth ? `.p/${width}` : ''}`;
}
