/** Opens a session for the right password; unknown account and wrong password look and last the same. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import {
  normaliseEmail,
  playerSessionLifetime,
  signInAttemptsMax,
  signInAttemptsPerAddressMax,
  signInWindowMs,
} from '#domain/pam/sessions.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { hashPassword, isOutdated, verifyPassword } from '#activities/passwords.ts';
import { countAttempt, forgetAttempts, type Attempt } from '#activities/sign-in-throttle.ts';
import { createToken, hashToken } from '#activities/tokens.ts';
import type { KeyRing } from '../key-ring.ts';

export type SignIn = {
  readonly brand: string;
  readonly email: string;
  readonly password: string;
  /** First-party key of the device, null on its first visit. */
  readonly deviceId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
};

export type OpenedSession = {
  readonly token: string;
  readonly sessionId: string;
  readonly playerId: string;
  readonly deviceId: string;
  readonly expiresAt: Date;
};

type Candidate = { readonly id: string; readonly passwordHash: string };

/**
 * Signs a player in. Failures: `too-many-requests` after ten attempts in a quarter of an hour, or too many of one address
 * at all accounts together, `invalid-credentials`,
 * and, for the right password only, `email-not-verified` and `player-blocked`.
 */
export async function signIn(
  deps: { db: Database; keyRing: KeyRing },
  input: SignIn,
): Promise<Result<OpenedSession>> {
  const emailIndex = deps.keyRing.blindIndex(normaliseEmail(input.email));
  const attempt: Attempt = {
    account: deps.keyRing.blindIndex(`sign-in\n${input.brand}\n${emailIndex.toString('hex')}`),
    ip: input.ip ?? '',
  };
  const rule = {
    attemptsMax: signInAttemptsMax,
    perAddressMax: signInAttemptsPerAddressMax,
    windowMs: signInWindowMs,
  };
  const counted = await countAttempt(deps.db, 'pam.sign_in_throttle', attempt, rule);
  if (!counted.ok) return counted;
  const candidate = await deps.db
    .selectFrom('pam.player as p')
    .innerJoin('pam.credential as c', 'c.playerId', 'p.id')
    .select(['p.id', 'c.passwordHash'])
    .where('p.brand', '=', input.brand)
    .where('p.emailIndex', '=', emailIndex)
    .executeTakeFirst();
  const fits = await verifyPassword(candidate?.passwordHash ?? null, input.password);
  if (!candidate || !fits) {
    await deps.db
      .transaction()
      .execute((trx) => announceRefusal(trx, input.brand, candidate?.id ?? null, 'credentials'));
    return fail('invalid-credentials', 'Address or password are wrong.');
  }
  const renewed = isOutdated(candidate.passwordHash) ? await hashPassword(input.password) : null;
  return deps.db.transaction().execute((trx) => admit(trx, input, attempt, candidate, renewed));
}

/** The status is read under a lock, so that a lock of the account and a sign-in cannot pass each other unseen. */
async function admit(
  trx: Trx,
  input: SignIn,
  attempt: Attempt,
  candidate: Candidate,
  renewed: string | null,
): Promise<Result<OpenedSession>> {
  const { status } = await trx
    .selectFrom('pam.player')
    .select('status')
    .where('id', '=', candidate.id)
    .forShare()
    .executeTakeFirstOrThrow();
  if (status !== 'active') {
    const unverified = status === 'email-unverified';
    await announceRefusal(trx, input.brand, candidate.id, unverified ? 'email-not-verified' : 'blocked');
    return unverified
      ? fail('email-not-verified', 'Open the link that was sent to this address first.')
      : fail('player-blocked', `This account is ${status}.`);
  }
  if (renewed) {
    await trx
      .updateTable('pam.credential')
      .set({ passwordHash: renewed, changedAt: sql`now()` })
      .where('playerId', '=', candidate.id)
      .where('passwordHash', '=', candidate.passwordHash)
      .execute();
  }
  await forgetAttempts(trx, 'pam.sign_in_throttle', attempt);
  return succeed(await openSession(trx, input, candidate.id));
}

async function openSession(trx: Trx, input: SignIn, playerId: string): Promise<OpenedSession> {
  const deviceId = input.deviceId ?? randomUUID();
  const sessionId = randomUUID();
  const token = createToken();
  await trx
    .insertInto('pam.device')
    .values({ playerId, deviceId, userAgent: input.userAgent })
    .onConflict((conflict) =>
      conflict
        .columns(['playerId', 'deviceId'])
        .doUpdateSet({ lastSeenAt: sql`now()`, userAgent: input.userAgent }),
    )
    .execute();
  const { expiresAt } = await trx
    .insertInto('pam.session')
    .values({
      id: sessionId,
      tokenHash: hashToken(token),
      playerId,
      deviceId,
      ip: input.ip,
      userAgent: input.userAgent,
      idleExpiresAt: sql`now() + make_interval(secs => ${playerSessionLifetime.idleMs / 1_000})`,
      expiresAt: sql`now() + make_interval(secs => ${playerSessionLifetime.absoluteMs / 1_000})`,
    })
    .returning('expiresAt')
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'pam.session.opened',
      version: 1,
      brand: input.brand,
      playerId,
      payload: { playerId, sessionId, deviceId },
    },
    { actor: { kind: 'player', id: playerId }, subject: `session:${sessionId}` },
  );
  return { token, sessionId, playerId, deviceId, expiresAt };
}

/** Written for known and unknown accounts alike: the work must not tell them apart. */
async function announceRefusal(
  trx: Trx,
  brand: string,
  playerId: string | null,
  reason: 'credentials' | 'email-not-verified' | 'blocked',
): Promise<void> {
  await appendEvent(
    trx,
    { type: 'pam.sign-in.refused', version: 1, brand, playerId, payload: { reason } },
    {
      actor: { kind: 'system', id: 'sign-in' },
      subject: playerId === null ? `brand:${brand}` : `player:${playerId}`,
      reason,
    },
  );
}
