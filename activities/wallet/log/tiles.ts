/** The stored tiles of the ledger's log: they grow at the right edge, and roots and proofs are read from a few of them. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import {
  hashBytes,
  hashesIn,
  hashesOnLevel,
  placeOf,
  rootOfRun,
  tileKey,
  tileWidth,
  type TileId,
} from '#domain/wallet/log-tile.ts';
import { foldSubtrees, subtreesOf, type Hash, type LeafRange } from '#domain/wallet/merkle.ts';
import { hashNode } from './hashing.ts';

type TileRow = { level: number; number: bigint; hashes: Buffer };

async function readTiles(db: Database | Trx, ids: readonly TileId[]): Promise<Map<string, Buffer>> {
  const { rows } = await sql<TileRow>`
    select t.level, t.number, t.hashes
    from unnest(${ids.map(({ level }) => level)}::smallint[], ${ids.map(({ number }) => String(number))}::bigint[]) as k(level, number)
    join wallet.log_tile t using (level, number)`.execute(db);
  return new Map(rows.map((row) => [tileKey({ level: row.level, number: Number(row.number) }), row.hashes]));
}

/** Leaves that the log has. */
export async function readLogSize(db: Database | Trx): Promise<number> {
  const { rows } = await sql<{ size: bigint }>`
    select coalesce(max(index) + 1, 0) as size from wallet.log_leaf`.execute(db);
  return Number(rows[0]?.size ?? 0);
}

/** Adds leaf hashes behind the `size` that are there, on every level that they complete. */
export async function appendHashes(trx: Trx, size: number, leaves: readonly Hash[]): Promise<void> {
  const edges = await readTiles(trx, openTiles(size));
  const changed: { level: number; number: number; hashes: Buffer }[] = [];
  let fresh = leaves;
  for (let level = 0; fresh.length > 0; level += 1) {
    const before = hashesOnLevel(level, size);
    const completed: Hash[] = [];
    let number = Math.floor(before / tileWidth);
    let tile = edges.get(tileKey({ level, number })) ?? Buffer.alloc(0);
    if (tile.length / hashBytes !== before % tileWidth) {
      throw new Error(`Invariant broken: tile ${level}/${number} does not have ${before % tileWidth} hashes`);
    }
    for (let at = 0; at < fresh.length;) {
      const taken = fresh.slice(at, at + tileWidth - tile.length / hashBytes);
      tile = Buffer.concat([tile, ...taken]);
      changed.push({ level, number, hashes: tile });
      at += taken.length;
      if (tile.length < tileWidth * hashBytes) break;
      completed.push(rootOfRun(hashesIn(tile), hashNode));
      number += 1;
      tile = Buffer.alloc(0);
    }
    fresh = completed;
  }
  await sql`
    insert into wallet.log_tile (level, number, hashes)
    select * from unnest(${changed.map(({ level }) => level)}::smallint[],
      ${changed.map(({ number }) => String(number))}::bigint[], ${changed.map(({ hashes }) => hashes)}::bytea[])
    on conflict (level, number) do update set hashes = excluded.hashes`.execute(trx);
}

/** The tiles at the right edge that are begun and not full. */
function openTiles(size: number): TileId[] {
  const ids: TileId[] = [];
  for (let level = 0; hashesOnLevel(level, size) > 0; level += 1) {
    const count = hashesOnLevel(level, size);
    if (count % tileWidth > 0) ids.push({ level, number: Math.floor(count / tileWidth) });
  }
  return ids;
}

/** Hashes of ranges as RFC 6962 cuts them, each folded from complete subtrees; reads the tiles that hold these. */
export async function hashesOfRanges(db: Database | Trx, ranges: readonly LeafRange[]): Promise<Hash[]> {
  const subtrees = ranges.map(subtreesOf);
  const needed = new Map(subtrees.flat().map((subtree) => [tileKey(placeOf(subtree)), placeOf(subtree)]));
  const tiles = await readTiles(db, [...needed.values()]);
  const hashOf = (place: ReturnType<typeof placeOf>): Hash => {
    const tile = tiles.get(tileKey(place));
    const end = (place.offset + place.count) * hashBytes;
    if (tile === undefined || tile.length < end) {
      throw new Error(`Invariant broken: tile ${tileKey(place)} of the ledger's log is not complete`);
    }
    return rootOfRun(hashesIn(tile.subarray(place.offset * hashBytes, end)), hashNode);
  };
  return subtrees.map((list) =>
    foldSubtrees(
      list.map((subtree) => hashOf(placeOf(subtree))),
      hashNode,
    ),
  );
}

/** Root of the tree of the first `size` leaves; `size` is at least 1. */
export async function rootAt(db: Database | Trx, size: number): Promise<Hash> {
  const [root] = await hashesOfRanges(db, [{ begin: 0, end: size }]);
  if (root === undefined) throw new Error('Invariant broken: an empty log has no root here');
  return root;
}

/** The stored leaf hashes from `first` to `next`, the end excluded. */
export async function leafHashesBetween(db: Database | Trx, first: number, next: number): Promise<Hash[]> {
  if (next <= first) return [];
  const numbers = Array.from(
    { length: Math.floor((next - 1) / tileWidth) - Math.floor(first / tileWidth) + 1 },
    (_, at) => Math.floor(first / tileWidth) + at,
  );
  const tiles = await readTiles(
    db,
    numbers.map((number) => ({ level: 0, number })),
  );
  const hashes = numbers.flatMap((number) => {
    const tile = hashesIn(tiles.get(tileKey({ level: 0, number })) ?? Buffer.alloc(0));
    return Array.from({ length: tileWidth }, (_, at) => tile[at] ?? Buffer.alloc(0));
  });
  const offset = first % tileWidth;
  return hashes.slice(offset, offset + next - first);
}
