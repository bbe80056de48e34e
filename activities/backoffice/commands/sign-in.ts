/** Opens a session of staff for the right password; unknown account and wrong password look and last the same. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import {
  operatorSessionLifetime,
  signInAttemptsMax,
  signInAttemptsPerAddressMax,
  signInWindowMs,
} from '#domain/backoffice/sessions.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { hashPassword, isOutdated, verifyPassword } from '#activities/passwords.ts';
import { countAttempt, forgetAttempts, type Attempt } from '#activities/sign-in-throttle.ts';
import { createToken, hashOperatorToken } from '#activities/tokens.ts';

export type OperatorSignIn = {
  readonly email: string;
  readonly password: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
};

export type OpenedOperatorSession = {
  readonly token: string;
  readonly operatorId: string;
  readonly expiresAt: Date;
};

/** Failures: `too-many-requests`, `invalid-credentials` (also for a disabled account: it is told nothing). */
export async function signInOperator(
  db: Database,
  input: OperatorSignIn,
): Promise<Result<OpenedOperatorSession>> {
  const email = input.email.trim().toLowerCase();
  const attempt: Attempt = { account: createHash('sha256').update(email).digest(), ip: input.ip ?? '' };
  const rule = {
    attemptsMax: signInAttemptsMax,
    perAddressMax: signInAttemptsPerAddressMax,
    windowMs: signInWindowMs,
  };
  const counted = await countAttempt(db, 'backoffice.sign_in_throttle', attempt, rule);
  if (!counted.ok) return counted;
  const operator = await db
    .selectFrom('backoffice.operator')
    .select(['id', 'passwordHash'])
    .where('email', '=', email)
    .where('status', '=', 'active')
    .executeTakeFirst();
  const fits = await verifyPassword(operator?.passwordHash ?? null, input.password);
  if (!operator || !fits) {
    await db.transaction().execute((trx) => announceRefusal(trx, operator?.id ?? null));
    return fail('invalid-credentials', 'Address or password are wrong.');
  }
  const renewed = isOutdated(operator.passwordHash)
    ? await hashPassword(input.password)
    : operator.passwordHash;
  return succeed(
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('backoffice.operator')
        .set({ passwordHash: renewed })
        .where('id', '=', operator.id)
        .where('passwordHash', '=', operator.passwordHash)
        .execute();
      await forgetAttempts(trx, 'backoffice.sign_in_throttle', attempt);
      return openSession(trx, input, operator.id);
    }),
  );
}

async function openSession(
  trx: Trx,
  input: OperatorSignIn,
  operatorId: string,
): Promise<OpenedOperatorSession> {
  const token = createToken();
  const sessionId = randomUUID();
  const { expiresAt } = await trx
    .insertInto('backoffice.session')
    .values({
      id: sessionId,
      tokenHash: hashOperatorToken(token),
      operatorId,
      ip: input.ip,
      userAgent: input.userAgent,
      idleExpiresAt: sql`now() + make_interval(secs => ${operatorSessionLifetime.idleMs / 1_000})`,
      expiresAt: sql`now() + make_interval(secs => ${operatorSessionLifetime.absoluteMs / 1_000})`,
    })
    .returning('expiresAt')
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'backoffice.operator.signed-in',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { operatorId },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `operator:${operatorId}` },
  );
  return { token, operatorId, expiresAt };
}

async function announceRefusal(trx: Trx, operatorId: string | null): Promise<void> {
  await appendEvent(
    trx,
    { type: 'backoffice.sign-in.refused', version: 1, brand: '*', playerId: null, payload: { operatorId } },
    {
      actor: { kind: 'system', id: 'sign-in' },
      subject: operatorId ? `operator:${operatorId}` : 'operator:unknown',
    },
  );
}
