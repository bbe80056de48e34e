/** The row that makes decisions about one player's protection take turns. */
import type { Trx } from '#db/connect.ts';
import { assert } from '#domain/failures.ts';

/** Locks the player's guard until `trx` ends. Taken before any wallet row, so that the order of locks is one. */
export async function lockPlayerGuard(trx: Trx, playerId: string): Promise<void> {
  if (await lockGuard(trx, playerId)) return;
  await writePlayerGuard(trx, playerId);
  assert(await lockGuard(trx, playerId), 'a guard once written stays');
}

/** Gives the player a guard; harmless for who has one, and for an id that is no player's. */
export async function writePlayerGuard(trx: Trx, playerId: string): Promise<void> {
  await trx
    .insertInto('responsibleGambling.playerGuard')
    .columns(['playerId'])
    .expression(trx.selectFrom('pam.player').select('id').where('id', '=', playerId))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** False while there is no row yet. */
async function lockGuard(trx: Trx, playerId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('responsibleGambling.playerGuard')
    .select('playerId')
    .where('playerId', '=', playerId)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}
