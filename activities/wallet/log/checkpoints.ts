/** Checkpoints: the log's size and root at a moment, signed, kept for ever, each a continuation of the one before. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { checkpointText } from '#domain/wallet/checkpoint.ts';
import type { NoteSigner } from './signed-note.ts';
import { readLogSize, rootAt } from './tiles.ts';

export type StoredCheckpoint = {
  readonly size: number;
  readonly root: Buffer;
  /** The signed note, with the lines of witnesses. */
  readonly note: string;
  readonly signedAt: Date;
};

/** The log no longer contains what was signed before: nothing may be signed over it. */
export class LogForkedError extends Error {
  constructor(size: number) {
    super(`The ledger's log no longer has the root that was signed at ${size} leaves.`);
    this.name = 'LogForkedError';
  }
}

/**
 * Signs the log as it stands, when it has grown since the last checkpoint; null when it has not.
 * Throws LogForkedError when the last signed root is not that of the tree's beginning any more.
 */
export async function signCheckpoint(db: Database, signer: NoteSigner): Promise<StoredCheckpoint | null> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const last = await findCheckpoint(trx, 'latest');
      const size = await readLogSize(trx);
      if (last !== null && (size < last.size || !last.root.equals(await rootAt(trx, last.size)))) {
        throw new LogForkedError(last.size);
      }
      if (size === (last?.size ?? 0)) return null;
      const root = Buffer.from(await rootAt(trx, size));
      const note = signer.sign(checkpointText({ origin: signer.name, size, root: root.toString('base64') }));
      await trx
        .insertInto('wallet.logKey')
        .values({ vkey: signer.vkey })
        .onConflict((on) => on.doNothing())
        .execute();
      await trx
        .insertInto('wallet.logCheckpoint')
        .values({ size: BigInt(size), root, note })
        .onConflict((on) => on.doNothing())
        .execute();
      return findCheckpoint(trx, { size });
    });
}

type Wanted = 'latest' | { readonly size: number } | { readonly covering: number };

/** A stored checkpoint: the latest, the one of a size, or the first that covers a leaf; null when there is none. */
export async function findCheckpoint(db: Database | Trx, wanted: Wanted): Promise<StoredCheckpoint | null> {
  let query = db.selectFrom('wallet.logCheckpoint').select(['size', 'root', 'note', 'signedAt']).limit(1);
  if (wanted === 'latest') query = query.orderBy('size', 'desc');
  else if ('size' in wanted) query = query.where('size', '=', BigInt(wanted.size));
  else query = query.where('size', '>', BigInt(wanted.covering)).orderBy('size');
  const row = await query.executeTakeFirst();
  if (row === undefined) return null;
  const witnessed = await db
    .selectFrom('wallet.logCosignature')
    .select('line')
    .where('size', '=', row.size)
    .orderBy('witness')
    .execute();
  return {
    ...row,
    size: Number(row.size),
    note: row.note + witnessed.map(({ line }) => `${line}\n`).join(''),
  };
}

/** Checkpoints, newest first, those below `before` when it is given. */
export async function listCheckpoints(
  db: Database,
  page: { readonly limit: number; readonly before?: number },
): Promise<{ size: number; root: Buffer; signedAt: Date }[]> {
  const rows = await db
    .selectFrom('wallet.logCheckpoint')
    .select(['size', 'root', 'signedAt'])
    .where('size', '<', page.before === undefined ? sql<bigint>`9223372036854775807` : BigInt(page.before))
    .orderBy('size', 'desc')
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** Public keys that have signed, oldest first. */
export async function listLogKeys(db: Database): Promise<{ vkey: string; firstUsedAt: Date }[]> {
  return db.selectFrom('wallet.logKey').select(['vkey', 'firstUsedAt']).orderBy('firstUsedAt').execute();
}
