/** Appends journals to the ledger's log, exactly one leaf for each, whatever is repeated and whoever is killed. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { leafText } from '#domain/wallet/journal-leaf.ts';
import { hashLeaf } from './hashing.ts';
import { leavesOf } from './leaf-rows.ts';
import { appendHashes, readLogSize } from './tiles.ts';

/** Two builders never interleave, even where a relay does not know yet that another one leads. */
const builderLock = 727_011;

/**
 * Appends the journals that are not in the log yet, in the order of `journalIds`. Leaves and tiles are one transaction,
 * so that a crash leaves all of a block or nothing of it. Returns how many were appended.
 * Throws when a journal does not exist: a fact without its journal is damage, and nothing may be built over it.
 */
export async function appendJournals(db: Database, journalIds: readonly string[]): Promise<number> {
  if (journalIds.length === 0) return 0;
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${builderLock})`.execute(trx);
    const { rows } = await sql<{ id: string }>`
      select id from unnest(${journalIds}::uuid[]) with ordinality as k(id, place)
      where not exists (select 1 from wallet.log_leaf l where l.journal_id = k.id) order by place`.execute(
      trx,
    );
    const missing = [...new Set(rows.map(({ id }) => id))];
    if (missing.length === 0) return 0;
    const leaves = await leavesOf(trx, missing);
    if (leaves.length !== missing.length) {
      const found = new Set(leaves.map(({ leaf }) => leaf.id));
      throw new Error(`Journal ${missing.find((id) => !found.has(id))} was posted and is not in the ledger.`);
    }
    const size = await readLogSize(trx);
    await sql`
      insert into wallet.log_leaf (index, journal_id, occurred_at)
      select ${size}::bigint + place - 1, id, at
      from unnest(${missing}::uuid[], ${leaves.map(({ leaf }) => leaf.occurredAt)}::timestamptz[])
        with ordinality as k(id, at, place)`.execute(trx);
    await appendHashes(
      trx,
      size,
      leaves.map(({ leaf }) => hashLeaf(leafText(leaf))),
    );
    return missing.length;
  });
}
