/** Words about a player that must be kept as long as evidence: sealed with the key that lasts that long. */
import type { Database, Trx } from '#db/connect.ts';
import type { KeyRing } from './pam/key-ring.ts';

/** Null once the player's key is destroyed. `context` is authenticated: the words cannot change their owner. */
export async function sealWords(
  trx: Database | Trx,
  keyRing: KeyRing,
  playerId: string,
  context: string,
  words: string,
): Promise<Buffer | null> {
  const key = await dataKeyOf(trx, keyRing, playerId);
  return key === null ? null : keyRing.seal(key, Buffer.from(words, 'utf8'), context);
}

/** Null once the player's key is destroyed; throws when key, context or content differ. */
export async function openWords(
  trx: Database | Trx,
  keyRing: KeyRing,
  playerId: string,
  context: string,
  sealed: Buffer,
): Promise<string | null> {
  const key = await dataKeyOf(trx, keyRing, playerId);
  return key === null ? null : keyRing.open(key, sealed, context).toString('utf8');
}

async function dataKeyOf(trx: Database | Trx, keyRing: KeyRing, playerId: string): Promise<Buffer | null> {
  const row = await trx
    .selectFrom('pam.playerKey')
    .select(['keyId', 'wrapped'])
    .where('playerId', '=', playerId)
    .where('purpose', '=', 'aml')
    .executeTakeFirst();
  return row?.wrapped ? keyRing.unwrap(row.wrapped, row.keyId) : null;
}
