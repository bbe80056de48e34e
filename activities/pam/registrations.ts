/** What the clock of a registration reads and writes. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { destroyPersonalKeys } from '#activities/personal-data.ts';

export type RegistrationState = { readonly state: 'unverified' | 'verified' | 'closed' };

export function createRegistrationActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    /** Where the registration stands; the row decides, signals only say when to look. */
    async readRegistration(input: { readonly playerId: string }): Promise<RegistrationState> {
      const player = await deps.db
        .selectFrom('pam.player')
        .select(['status', 'emailVerifiedAt'])
        .where('id', '=', input.playerId)
        .executeTakeFirstOrThrow();
      if (player.emailVerifiedAt !== null) return { state: 'verified' };
      return { state: player.status === 'closed' ? 'closed' : 'unverified' };
    },

    /**
     * Closes a registration that nobody verified, frees its address and destroys the keys of its personal data: whoever
     * registered never proved to own the address, and nothing is left to keep the data for (GDPR art. 5(1)(e)).
     * A verification that was committed before wins.
     */
    async closeRegistration(input: { readonly playerId: string }): Promise<RegistrationState> {
      return deps.db.transaction().execute(async (trx) => {
        const closed = await trx
          .updateTable('pam.player')
          .set({ status: 'closed', emailIndex: null })
          .where('id', '=', input.playerId)
          .where('emailVerifiedAt', 'is', null)
          .where('status', '<>', sql<string>`'closed'`)
          .returning('brand')
          .executeTakeFirst();
        if (!closed) {
          const { emailVerifiedAt } = await trx
            .selectFrom('pam.player')
            .select('emailVerifiedAt')
            .where('id', '=', input.playerId)
            .executeTakeFirstOrThrow();
          return { state: emailVerifiedAt === null ? 'closed' : 'verified' };
        }
        await destroyPersonalKeys(trx, input.playerId);
        const fact = {
          version: 1,
          brand: closed.brand,
          playerId: input.playerId,
          payload: { playerId: input.playerId, reason: 'email-unverified' },
        } as const;
        const deed = {
          actor: { kind: 'workflow', id: `registration:${input.playerId}` },
          subject: `player:${input.playerId}`,
        } as const;
        await appendEvent(trx, { ...fact, type: 'pam.player.closed' }, deed);
        await appendEvent(trx, { ...fact, type: 'pam.personal-data.erased' }, deed);
        return { state: 'closed' };
      });
    },
  };
}
