/** Sessions of staff: a realm apart from the players', with tables and lifetimes of its own. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { asId, type OperatorId } from '#domain/ids.ts';
import { operatorSessionLifetime, sessionTouchEveryMs } from '#domain/backoffice/sessions.ts';

export type OperatorSession = {
  readonly operatorId: OperatorId;
  readonly sessionId: string;
  readonly roles: readonly string[];
  readonly brands: readonly string[];
};

/** The roles that the operator called `o` in a statement has at this moment. */
export const rolesOfOperator = sql<string[]>`array(
  select role from backoffice.operator_role r where r.operator_id = o.id order by role)`;

/** Whose session a token opens, with the roles of this moment: a role taken away is gone at the next request. */
export async function resolveOperatorSession(
  db: Database,
  tokenHash: Buffer,
): Promise<Result<OperatorSession>> {
  const row = await db
    .selectFrom('backoffice.session as s')
    .innerJoin('backoffice.operator as o', 'o.id', 's.operatorId')
    .select([
      's.id',
      's.operatorId',
      'o.brands',
      'o.status',
      rolesOfOperator.as('roles'),
      sql<boolean>`s.revoked_at is null and s.expires_at > now() and s.idle_expires_at > now()`.as('alive'),
      sql<boolean>`s.seen_at < now() - make_interval(secs => ${sessionTouchEveryMs / 1_000})`.as('stale'),
    ])
    .where('s.tokenHash', '=', tokenHash)
    .executeTakeFirst();
  if (!row) return fail('not-authenticated', 'There is no such session.');
  if (!row.alive || row.status !== 'active')
    return fail('session-expired', 'This session is over; sign in again.');
  if (row.stale) await touchSession(db, row.id);
  return succeed({
    operatorId: asId<OperatorId>(row.operatorId),
    sessionId: row.id,
    roles: row.roles,
    brands: row.brands,
  });
}

async function touchSession(db: Database, sessionId: string): Promise<void> {
  await sql`
    update backoffice.session
    set seen_at = now(),
        idle_expires_at = least(expires_at, now() + make_interval(secs => ${operatorSessionLifetime.idleMs / 1_000}))
    where id = ${sessionId} and revoked_at is null and idle_expires_at > now()
      and seen_at < now() - make_interval(secs => ${sessionTouchEveryMs / 1_000})
  `.execute(db);
}

/** Ends the session of a token; ending it twice is harmless. */
export async function endOperatorSession(db: Database, tokenHash: Buffer): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const ended = await trx
      .updateTable('backoffice.session')
      .set({ revokedAt: sql`now()`, revokeReason: 'signed-out' })
      .where('tokenHash', '=', tokenHash)
      .where('revokedAt', 'is', null)
      .returning('operatorId')
      .executeTakeFirst();
    if (!ended) return;
    const { operatorId } = ended;
    await appendEvent(
      trx,
      {
        type: 'backoffice.operator.signed-out',
        version: 1,
        brand: '*',
        playerId: null,
        payload: { operatorId },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `operator:${operatorId}` },
    );
  });
}
