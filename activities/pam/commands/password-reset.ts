/** A new password by a link that only the mailbox of the account receives. Nothing here tells who has an account. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import {
  passwordResetMs,
  resetMailsMax,
  resetRequestsMax,
  resetRequestsPerAddressMax,
  resetWindowMs,
} from '#domain/pam/password-reset.ts';
import { checkPassword } from '#domain/pam/registration.ts';
import { normaliseEmail } from '#domain/pam/sessions.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { hashPassword } from '#activities/passwords.ts';
import { openPersonalData } from '#activities/personal-data.ts';
import { countAttempt } from '#activities/sign-in-throttle.ts';
import type { KeyRing } from '../key-ring.ts';
import { revokeAllSessions } from './sessions.ts';

type Deps = { readonly db: Database; readonly keyRing: KeyRing };

/**
 * Asks for a link. Succeeds alike for an address without an account, for one that is not verified or closed, and where
 * enough mails went out lately. An exclusion or a lock is no reason to refuse: the player may read his account. Failure:
 * `too-many-requests`, counted alike for every address.
 */
export async function requestPasswordReset(
  { db, keyRing }: Deps,
  wish: { readonly brand: string; readonly email: string; readonly ip: string | null },
): Promise<Result<null>> {
  const emailIndex = keyRing.blindIndex(normaliseEmail(wish.email));
  const attempt = {
    account: keyRing.blindIndex(`password-reset\n${wish.brand}\n${emailIndex.toString('hex')}`),
    ip: wish.ip ?? '',
  };
  const rule = {
    attemptsMax: resetRequestsMax,
    perAddressMax: resetRequestsPerAddressMax,
    windowMs: resetWindowMs,
  };
  const counted = await countAttempt(db, 'pam.sign_in_throttle', attempt, rule);
  if (!counted.ok) {
    const { retryAfterS = resetWindowMs / 1_000 } = counted.failure;
    return fail('too-many-requests', 'Too many requests; wait before the next one.', { retryAfterS });
  }
  await db.transaction().execute((trx) => openReset(trx, wish.brand, emailIndex));
  return succeed(null);
}

async function openReset(trx: Trx, brand: string, emailIndex: Buffer): Promise<void> {
  const player = await trx
    .selectFrom('pam.player')
    .select('id')
    .where('brand', '=', brand)
    .where('emailIndex', '=', emailIndex)
    .where('emailVerifiedAt', 'is not', null)
    .where('status', '<>', sql<string>`'closed'`)
    .forUpdate()
    .executeTakeFirst();
  if (!player) return;
  const { lately } = await trx
    .selectFrom('pam.passwordReset')
    .select(sql<number>`count(*)::int`.as('lately'))
    .where('playerId', '=', player.id)
    .where('requestedAt', '>', sql<Date>`now() - make_interval(secs => ${resetWindowMs / 1_000})`)
    .executeTakeFirstOrThrow();
  if (lately >= resetMailsMax) return;
  const resetId = randomUUID();
  await trx
    .insertInto('pam.passwordReset')
    .values({
      id: resetId,
      playerId: player.id,
      expiresAt: sql<Date>`now() + make_interval(secs => ${passwordResetMs / 1_000})`,
    })
    .execute();
  await appendEvent(
    trx,
    {
      type: 'pam.password-reset.requested',
      version: 1,
      brand,
      playerId: player.id,
      payload: { playerId: player.id, resetId },
    },
    { actor: { kind: 'system', id: 'password-reset' }, subject: `player:${player.id}` },
  );
}

/**
 * Sets the new password and ends every session, of games too. Failures: `reset-link-invalid` for a token that is unknown,
 * used, too old, or of an account that was closed; `invalid-request` for a password that may not be.
 */
export async function completePasswordReset(
  deps: Deps,
  wish: { readonly tokenHash: Buffer; readonly password: string },
): Promise<Result<null>> {
  const known = await usableReset(deps.db, wish.tokenHash);
  if (known === null) return invalid;
  const contact = await openPersonalData(deps.db, deps.keyRing, known.playerId, 'general');
  if (contact === null) return invalid;
  const allowed = checkPassword(wish.password, contact.email);
  if (!allowed.ok) return allowed;
  // Before the transaction: it takes long on purpose, and the rows are locked in there.
  const passwordHash = await hashPassword(wish.password);
  return deps.db.transaction().execute(async (trx) => {
    await trx.selectFrom('pam.player').select('id').where('id', '=', known.playerId).forUpdate().execute();
    const reset = await usableReset(trx, wish.tokenHash);
    if (reset === null) return invalid;
    await trx
      .updateTable('pam.credential')
      .set({ passwordHash, changedAt: sql<Date>`now()` })
      .where('playerId', '=', reset.playerId)
      .execute();
    await closeResets(trx, reset);
    const actor = { kind: 'player', id: reset.playerId } as const;
    await revokeAllSessions(trx, reset.playerId, 'password-reset', actor);
    await appendEvent(
      trx,
      {
        type: 'pam.password.changed',
        version: 1,
        brand: reset.brand,
        playerId: reset.playerId,
        payload: { playerId: reset.playerId, changeId: randomUUID(), by: 'reset' },
      },
      { actor, subject: `player:${reset.playerId}` },
    );
    return succeed(null);
  });
}

type Reset = { readonly id: string; readonly playerId: string; readonly brand: string };

async function usableReset(db: Database | Trx, tokenHash: Buffer): Promise<Reset | null> {
  const row = await db
    .selectFrom('pam.passwordResetToken as t')
    .innerJoin('pam.passwordReset as r', 'r.id', 't.resetId')
    .innerJoin('pam.player as p', 'p.id', 'r.playerId')
    .select(['r.id', 'r.playerId', 'p.brand'])
    .where('t.tokenHash', '=', tokenHash)
    .where('r.completedAt', 'is', null)
    .where('r.supersededAt', 'is', null)
    .where('r.expiresAt', '>', sql<Date>`now()`)
    .where('p.status', '<>', sql<string>`'closed'`)
    .executeTakeFirst();
  return row ?? null;
}

/** Links of other requests that are still in the mailbox are worth nothing from here on. */
async function closeResets(trx: Trx, { id, playerId }: Reset): Promise<void> {
  await trx
    .updateTable('pam.passwordReset')
    .set({ completedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .execute();
  await trx
    .updateTable('pam.passwordReset')
    .set({ supersededAt: sql<Date>`now()` })
    .where('playerId', '=', playerId)
    .where('completedAt', 'is', null)
    .where('supersededAt', 'is', null)
    .execute();
}

const invalid = fail('reset-link-invalid', 'This link is not valid any more; ask for a new one.');
