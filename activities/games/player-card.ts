/** Who a player is to a provider: ids and country always, the person only where the integration shares it. */
import { sql } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import { openPersonalData } from '#activities/personal-data.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { PlayerCard } from './providers.ts';

type Deps = { readonly db: Database; readonly keyRing: ActivityDeps['keyRing'] };

/** `not-found` for an unknown player. Erased personal data is simply not there any more. */
export async function readPlayerCard(
  { db, keyRing }: Deps,
  {
    playerId,
    asset,
    shared,
  }: { readonly playerId: string; readonly asset: string; readonly shared: boolean },
): Promise<Result<PlayerCard>> {
  const row = await db
    .selectFrom('pam.player')
    .select(['country', 'jurisdiction', sql<string>`registered_at::date::text`.as('registeredOn')])
    .where('id', '=', playerId)
    .executeTakeFirst();
  if (!row) return fail('not-found', 'There is no such player.');
  return succeed({
    ...row,
    playerId,
    asset,
    personal: shared ? await readPerson(db, keyRing, playerId) : null,
  });
}

async function readPerson(
  db: Database,
  keyRing: ActivityDeps['keyRing'],
  playerId: string,
): Promise<PlayerCard['personal']> {
  const [person, contact] = await Promise.all([
    openPersonalData(db, keyRing, playerId, 'aml'),
    openPersonalData(db, keyRing, playerId, 'general'),
  ]);
  return person && contact ? { ...person, email: contact.email } : null;
}
