/** Runs one command of the ledger in one transaction: a refusal undoes all of it and is thrown for the edge. */
import type { Database, Trx } from '#db/connect.ts';
import { orThrow, type Result } from '#domain/failures.ts';

export const decided = <T>(db: Database, command: (trx: Trx) => Promise<Result<T>>): Promise<T> =>
  db.transaction().execute(async (trx) => orThrow(await command(trx)));
