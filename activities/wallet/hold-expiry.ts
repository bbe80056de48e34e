/** Gives back what is held beyond its time: the sweep of holds. */
import type { Database } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { sql } from 'kysely';
import { expireHold } from './holds.ts';

/**
 * Ends up to `limit` holds that have run out by the database's clock, each in a transaction of its own: one that fails
 * keeps nobody else's money. Answers how many ended; throws after all were tried when one could not.
 */
export async function expireHolds(db: Database, limit: number): Promise<number> {
  const rows = await db
    .selectFrom('wallet.hold')
    .select('id')
    .where('state', '=', 'open')
    .where('expiresAt', '<=', sql<Date>`now()`)
    .orderBy('expiresAt')
    .limit(limit)
    .execute();
  const failures: unknown[] = [];
  let ended = 0;
  for (const { id } of rows) {
    try {
      const outcome = await db.transaction().execute(async (trx) => {
        const result = await expireHold(trx, id);
        return result === null ? null : orThrow(result);
      });
      if (outcome !== null) ended += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} holds could not be ended`);
  return ended;
}
