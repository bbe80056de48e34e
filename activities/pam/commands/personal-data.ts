/** Opens a player's personal data: for the player, for a masked view, or for an operator, which is on record. */
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { openPersonalData, type PersonalData } from '#activities/personal-data.ts';
import type { KeyRing } from '../key-ring.ts';

export type Revealed = { readonly [P in keyof PersonalData]: PersonalData[P] | null };

type Deps = { readonly db: Database | Trx; readonly keyRing: KeyRing };

/** Opens both purposes without a record: only for the players themselves, or to be masked before it is shown. */
export async function readPersonalData(deps: Deps, playerId: string): Promise<Revealed> {
  return {
    general: await openPersonalData(deps.db, deps.keyRing, playerId, 'general'),
    aml: await openPersonalData(deps.db, deps.keyRing, playerId, 'aml'),
  };
}

/** Opens both purposes for an operator; null where the key has been destroyed. The record commits before anything is shown. */
export async function revealPersonalData(
  deps: { db: Database; keyRing: KeyRing },
  input: { readonly playerId: string; readonly brand: string; readonly operatorId: string },
): Promise<Revealed> {
  const { playerId, operatorId } = input;
  return deps.db.transaction().execute(async (trx) => {
    await appendEvent(
      trx,
      {
        type: 'pam.personal-data.revealed',
        version: 1,
        brand: input.brand,
        playerId,
        payload: { playerId, operatorId },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `player:${playerId}` },
    );
    return readPersonalData({ db: trx, keyRing: deps.keyRing }, playerId);
  });
}

/** When the keys of a player were destroyed; null while they are there. */
export async function personalDataErasedAt(db: Database | Trx, playerId: string): Promise<Date | null> {
  const row = await db
    .selectFrom('pam.playerKey')
    .select('destroyedAt')
    .where('playerId', '=', playerId)
    .where('purpose', '=', 'general')
    .executeTakeFirst();
  return row?.destroyedAt ?? null;
}
