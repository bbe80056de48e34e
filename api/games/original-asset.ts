/** In which currency a transaction was booked, for the call that undoes it: a rollback carries no currency of its own. */
import type { Database } from '#db/connect.ts';
import type { CommandKey } from '#domain/wallet/commands.ts';

/** The asset of this player's transaction or of the mark in its place; null where there is neither. */
export async function assetOfOriginal(
  db: Database,
  { integration, externalId }: CommandKey,
  playerId: string,
): Promise<string | null> {
  const original = await db
    .selectFrom('wallet.journal')
    .select('asset')
    .where('integration', '=', integration)
    .where('externalId', '=', externalId)
    .where('playerId', '=', playerId)
    .executeTakeFirst();
  return original?.asset ?? null;
}
