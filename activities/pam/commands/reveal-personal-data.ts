/** Shows a player's personal data to an operator who may see them; seeing them is itself on record. */
import type { Database } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { openPersonalData, type PersonalData } from '#activities/personal-data.ts';
import type { KeyRing } from '../key-ring.ts';

export type Revealed = { readonly [P in keyof PersonalData]: PersonalData[P] | null };

/** Opens both purposes; null where the key has been destroyed. The record commits before anything is shown. */
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
    return {
      general: await openPersonalData(trx, deps.keyRing, playerId, 'general'),
      aml: await openPersonalData(trx, deps.keyRing, playerId, 'aml'),
    };
  });
}
