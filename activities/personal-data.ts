/**
 * Personal data of a player, sealed under the player's own keys. Two purposes: 'general' (contact) ends with an erasure
 * request, 'aml' (name, date of birth) when the retention of evidence ends. Used by every activity that must know them.
 */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { createDataKey, type KeyRing } from './pam/key-ring.ts';

export type PersonalData = {
  readonly general: { readonly email: string };
  readonly aml: { readonly firstName: string; readonly lastName: string; readonly dateOfBirth: string };
};

export type Purpose = keyof PersonalData;

const contextOf = (playerId: string, purpose: Purpose): string => `player:${playerId}:${purpose}`;

/** Makes both data keys of a new player and seals the data under them, in the transaction that makes the player. */
export async function sealPersonalData(
  trx: Trx,
  keyRing: KeyRing,
  playerId: string,
  data: PersonalData,
): Promise<void> {
  const sealed = (['general', 'aml'] as const).map((purpose) => {
    const dataKey = createDataKey();
    const plain = Buffer.from(JSON.stringify(data[purpose]), 'utf8');
    return {
      key: { playerId, purpose, keyId: keyRing.keyId, wrapped: keyRing.wrap(dataKey) },
      pii: { playerId, purpose, sealed: keyRing.seal(dataKey, plain, contextOf(playerId, purpose)) },
    };
  });
  await trx
    .insertInto('pam.playerKey')
    .values(sealed.map((item) => item.key))
    .execute();
  await trx
    .insertInto('pam.playerPii')
    .values(sealed.map((item) => item.pii))
    .execute();
}

/** Opens the data of one purpose; null once its key is destroyed or when there is none. */
export async function openPersonalData<P extends Purpose>(
  db: Database | Trx,
  keyRing: KeyRing,
  playerId: string,
  purpose: P,
): Promise<PersonalData[P] | null> {
  const row = await db
    .selectFrom('pam.playerKey as k')
    .innerJoin('pam.playerPii as d', (join) =>
      join.onRef('d.playerId', '=', 'k.playerId').onRef('d.purpose', '=', 'k.purpose'),
    )
    .select(['k.keyId', 'k.wrapped', 'd.sealed'])
    .where('k.playerId', '=', playerId)
    .where('k.purpose', '=', purpose)
    .executeTakeFirst();
  if (!row?.wrapped) return null;
  const { wrapped, keyId, sealed } = row;
  return unsealPersonalData(keyRing, playerId, purpose, { wrapped, keyId, sealed });
}

/** Destroys both keys: what they sealed, here and in every backup, is unreadable from this commit on. */
export async function destroyPersonalKeys(trx: Trx, playerId: string): Promise<void> {
  await trx
    .updateTable('pam.playerKey')
    .set({ wrapped: null, destroyedAt: sql<Date>`now()` })
    .where('playerId', '=', playerId)
    .where('wrapped', 'is not', null)
    .execute();
}

/** Opens what somebody has read in a statement of his own. Throws when the key ring is not the one that sealed it. */
export function unsealPersonalData<P extends Purpose>(
  keyRing: KeyRing,
  playerId: string,
  purpose: P,
  row: { readonly keyId: string; readonly wrapped: Buffer; readonly sealed: Buffer },
): PersonalData[P] {
  const dataKey = keyRing.unwrap(row.wrapped, row.keyId);
  // Only sealPersonalData writes here, and the tag proves that these are its bytes.
  return JSON.parse(
    keyRing.open(dataKey, row.sealed, contextOf(playerId, purpose)).toString('utf8'),
  ) as PersonalData[P];
}

/** Seals something else that is personal under one of the player's keys; null once the key is destroyed. */
export async function sealForPlayer(
  db: Database | Trx,
  keyRing: KeyRing,
  owner: { readonly playerId: string; readonly purpose: Purpose },
  what: string,
  plain: string,
): Promise<Buffer | null> {
  const dataKey = await dataKeyOf(db, keyRing, owner);
  return (
    dataKey &&
    keyRing.seal(dataKey, Buffer.from(plain, 'utf8'), `${contextOf(owner.playerId, owner.purpose)}:${what}`)
  );
}

/** Opens what `sealForPlayer` sealed as the same thing; the row of the key is read with it. Throws when it is not what was sealed. */
export function unsealForPlayer(
  keyRing: KeyRing,
  owner: { readonly playerId: string; readonly purpose: Purpose },
  what: string,
  row: { readonly keyId: string; readonly wrapped: Buffer; readonly sealed: Buffer },
): string {
  const dataKey = keyRing.unwrap(row.wrapped, row.keyId);
  return keyRing
    .open(dataKey, row.sealed, `${contextOf(owner.playerId, owner.purpose)}:${what}`)
    .toString('utf8');
}

async function dataKeyOf(
  db: Database | Trx,
  keyRing: KeyRing,
  { playerId, purpose }: { readonly playerId: string; readonly purpose: Purpose },
): Promise<Buffer | null> {
  const row = await db
    .selectFrom('pam.playerKey')
    .select(['keyId', 'wrapped'])
    .where('playerId', '=', playerId)
    .where('purpose', '=', purpose)
    .executeTakeFirst();
  return row?.wrapped ? keyRing.unwrap(row.wrapped, row.keyId) : null;
}

/** Seals what belongs to no single player, such as a bank's report, under a key made for it alone. */
export function sealAlone(keyRing: KeyRing, plain: Buffer, context: string) {
  const dataKey = createDataKey();
  return {
    sealed: keyRing.seal(dataKey, plain, context),
    wrapped: keyRing.wrap(dataKey),
    keyId: keyRing.keyId,
  };
}

/** Opens what `sealAlone` sealed. Throws when key ring, context or content differ. */
export const openAlone = (
  keyRing: KeyRing,
  { keyId, wrapped, sealed }: { readonly keyId: string; readonly wrapped: Buffer; readonly sealed: Buffer },
  context: string,
): Buffer => keyRing.open(keyRing.unwrap(wrapped, keyId), sealed, context);
