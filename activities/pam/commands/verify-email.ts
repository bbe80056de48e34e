/** Proves that a player reads the mail of the registered address, by the token that only the mail contains. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';

export type Verified = { readonly playerId: string; readonly status: string };

/**
 * Uses a verification token. A second use of the same token answers as the first did; `verification-link-invalid` for a
 * token that is unknown, too old, or of a registration that was closed meanwhile.
 */
export async function verifyEmail(db: Database, tokenHash: Buffer): Promise<Result<Verified>> {
  return db.transaction().execute(async (trx) => {
    const player = await trx
      .selectFrom('pam.emailVerification as v')
      .innerJoin('pam.player as p', 'p.id', 'v.playerId')
      .select(['p.id', 'p.brand', 'p.status', 'p.emailVerifiedAt'])
      .select(sql<boolean>`v.used_at is not null or v.expires_at > now()`.as('usable'))
      .where('v.tokenHash', '=', tokenHash)
      .forUpdate('p')
      .executeTakeFirst();
    if (!player?.usable || player.status === 'closed') {
      return fail('verification-link-invalid', 'This link is not valid any more; ask for a new one.');
    }
    if (player.emailVerifiedAt !== null) return succeed({ playerId: player.id, status: player.status });
    const status = player.status === 'email-unverified' ? 'active' : player.status;
    await trx
      .updateTable('pam.player')
      .set({ status, emailVerifiedAt: sql`now()` })
      .where('id', '=', player.id)
      .execute();
    await trx
      .updateTable('pam.emailVerification')
      .set({ usedAt: sql`now()` })
      .where('tokenHash', '=', tokenHash)
      .execute();
    await appendEvent(
      trx,
      {
        type: 'pam.email.verified',
        version: 1,
        brand: player.brand,
        playerId: player.id,
        payload: { playerId: player.id },
      },
      { actor: { kind: 'player', id: player.id }, subject: `player:${player.id}` },
    );
    return succeed({ playerId: player.id, status });
  });
}
