/** Open rows in turns, a page at a time: a sweep that always began with the newest would never come to the others. */
import type { Database } from '#db/connect.ts';

/** Reads the page of open rows that follows `after` in the order of their keys; from the beginning where it is null. */
export type ReadPage<Row, Key> = (db: Database, after: Key | null) => Promise<readonly Row[]>;

/**
 * A reader of the next page at each call, which begins anew after the last one. What it remembers may be lost: then it
 * begins anew, too.
 */
export function inTurns<Row, Key>(
  read: ReadPage<Row, Key>,
  keyOf: (row: Row) => Key,
): (db: Database) => Promise<readonly Row[]> {
  const places = new WeakMap<Database, Key>();
  return async (db) => {
    const after = places.get(db) ?? null;
    const next = await read(db, after);
    const page = next.length === 0 && after !== null ? await read(db, null) : next;
    const last = page.at(-1);
    if (last === undefined) places.delete(db);
    else places.set(db, keyOf(last));
    return page;
  };
}
