/** Proofs from the stored tiles: that a journal is in a signed tree, and that one signed tree continues another. */
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { leafText } from '#domain/wallet/journal-leaf.ts';
import { consistencyRanges, inclusionRanges } from '#domain/wallet/merkle.ts';
import { findCheckpoint, type StoredCheckpoint } from './checkpoints.ts';
import { leavesOf } from './leaf-rows.ts';
import { hashesOfRanges, leafHashesBetween } from './tiles.ts';

export type InclusionProof = {
  readonly journalId: string;
  readonly index: number;
  /** The leaf's content as the ledger has it now; its hash must be `leafHash`. */
  readonly leaf: string;
  /** As it is in the log. */
  readonly leafHash: string;
  /** Base64, from the leaf up. */
  readonly path: readonly string[];
  readonly checkpoint: StoredCheckpoint;
};

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');

/**
 * Proves that a journal is in the tree of a checkpoint: of `size`, or of the first that covers it.
 * Failures: `not-found` (no such journal or checkpoint), `proof-pending` (no checkpoint covers it yet).
 */
export async function proveInclusion(
  db: Database,
  journalId: string,
  size?: number,
): Promise<Result<InclusionProof>> {
  const [journal] = await leavesOf(db, [journalId]);
  if (journal === undefined) return fail('not-found', 'There is no such journal.');
  const row = await db
    .selectFrom('wallet.logLeaf')
    .select('index')
    .where('journalId', '=', journalId)
    .executeTakeFirst();
  const index = row === undefined ? null : Number(row.index);
  const checkpoint =
    index === null ? null : await findCheckpoint(db, size === undefined ? { covering: index } : { size });
  if (index === null || (checkpoint === null && size === undefined)) {
    return fail('proof-pending', 'The journal is not below a signed checkpoint yet; ask again in a minute.', {
      retryAfterS: 30,
    });
  }
  if (checkpoint === null) return fail('not-found', 'There is no checkpoint of that size.');
  if (checkpoint.size <= index) return fail('not-found', 'The checkpoint is older than the journal.');
  const path = await hashesOfRanges(db, inclusionRanges(index, checkpoint.size));
  const [leafHash] = await leafHashesBetween(db, index, index + 1);
  return succeed({
    journalId,
    index,
    leaf: leafText(journal.leaf),
    leafHash: base64(leafHash ?? Buffer.alloc(0)),
    path: path.map(base64),
    checkpoint,
  });
}

export type ConsistencyProof = {
  readonly from: StoredCheckpoint;
  readonly to: StoredCheckpoint;
  /** Base64, in the order of RFC 6962, 2.1.2. */
  readonly path: readonly string[];
};

/** Proves that the checkpoint of `to` leaves continues the one of `from`. Failures: `invalid-request`, `not-found`. */
export async function proveConsistency(
  db: Database,
  from: number,
  to: number,
): Promise<Result<ConsistencyProof>> {
  if (from > to) return fail('invalid-request', '`from` must not be larger than `to`.');
  const [older, newer] = [await findCheckpoint(db, { size: from }), await findCheckpoint(db, { size: to })];
  if (older === null || newer === null) return fail('not-found', 'There is no checkpoint of that size.');
  const path = await hashesOfRanges(db, consistencyRanges(from, to));
  return succeed({ from: older, to: newer, path: path.map(base64) });
}
