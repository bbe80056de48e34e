/** Sessions of players: looked up at every request, listed and revoked by their owner, by staff or by a rule. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { asId, type PlayerId, type SessionId } from '#domain/ids.ts';
import { playerSessionLifetime, sessionTouchEveryMs } from '#domain/pam/sessions.ts';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { expireGameSessions } from '#activities/wallet/player-wallet.ts';

export type SessionOwner = {
  readonly playerId: PlayerId;
  readonly sessionId: SessionId;
  readonly brand: string;
  readonly jurisdiction: string;
};

/**
 * Whose session a token opens. Failures: `not-authenticated` (unknown), `session-expired` (idle, over or revoked),
 * `player-blocked` (account locked or closed). Moves the idle deadline at most once a minute.
 */
export async function resolveSession(db: Database, tokenHash: Buffer): Promise<Result<SessionOwner>> {
  const row = await db
    .selectFrom('pam.session as s')
    .innerJoin('pam.player as p', 'p.id', 's.playerId')
    .select([
      's.id',
      's.playerId',
      'p.brand',
      'p.jurisdiction',
      'p.status',
      sql<boolean>`s.revoked_at is null and s.expires_at > now() and s.idle_expires_at > now()`.as('alive'),
      sql<boolean>`s.seen_at < now() - make_interval(secs => ${sessionTouchEveryMs / 1_000})`.as('stale'),
    ])
    .where('s.tokenHash', '=', tokenHash)
    .executeTakeFirst();
  if (!row) return fail('not-authenticated', 'There is no such session.');
  if (row.status === 'locked' || row.status === 'closed') {
    return fail('player-blocked', `This account is ${row.status}.`);
  }
  if (!row.alive) return fail('session-expired', 'This session is over; sign in again.');
  if (row.stale) await touchSession(db, row.id);
  return succeed({
    playerId: asId<PlayerId>(row.playerId),
    sessionId: asId<SessionId>(row.id),
    brand: row.brand,
    jurisdiction: row.jurisdiction,
  });
}

/** The condition is repeated in the statement, so that of many requests one moves the deadline and none revives it. */
async function touchSession(db: Database, sessionId: string): Promise<void> {
  await sql`
    update pam.session
    set seen_at = now(),
        idle_expires_at = least(expires_at, now() + make_interval(secs => ${playerSessionLifetime.idleMs / 1_000}))
    where id = ${sessionId} and revoked_at is null and idle_expires_at > now()
      and seen_at < now() - make_interval(secs => ${sessionTouchEveryMs / 1_000})
  `.execute(db);
}

/** Revokes one session of the player; `not-found` when it is not theirs or is over already. */
export async function revokeSession(
  db: Database,
  input: {
    readonly playerId: string;
    readonly sessionId: string;
    readonly reason: string;
    readonly actor: Actor;
  },
): Promise<Result<null>> {
  return db.transaction().execute(async (trx) => {
    const revoked = await trx
      .updateTable('pam.session')
      .set({ revokedAt: sql`now()`, revokeReason: input.reason })
      .where('id', '=', input.sessionId)
      .where('playerId', '=', input.playerId)
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', sql<Date>`now()`)
      .returning('id')
      .executeTakeFirst();
    if (!revoked) return fail('not-found', 'There is no such open session.');
    await announceRevocation(trx, input.playerId, input.sessionId, input.reason, input.actor);
    return succeed(null);
  });
}

/** Revokes every session of the player inside the caller's transaction; game tokens expire with them. */
export async function revokeAllSessions(
  trx: Trx,
  playerId: string,
  reason: string,
  actor: Actor,
): Promise<void> {
  await trx
    .updateTable('pam.session')
    .set({ revokedAt: sql`now()`, revokeReason: reason })
    .where('playerId', '=', playerId)
    .where('revokedAt', 'is', null)
    .execute();
  await announceRevocation(trx, playerId, null, reason, actor);
}

/** A revoked session must not leave a game open elsewhere, so all game tokens of the player end: wins still settle. */
async function announceRevocation(
  trx: Trx,
  playerId: string,
  sessionId: string | null,
  reason: string,
  actor: Actor,
): Promise<void> {
  const { brand } = await trx
    .selectFrom('pam.player')
    .select('brand')
    .where('id', '=', playerId)
    .executeTakeFirstOrThrow();
  await expireGameSessions(trx, playerId);
  await appendEvent(
    trx,
    { type: 'pam.session.revoked', version: 1, brand, playerId, payload: { playerId, sessionId, reason } },
    { actor, subject: sessionId ? `session:${sessionId}` : `player:${playerId}`, reason },
  );
}
