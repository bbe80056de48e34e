/** Counts sign-in attempts per account and address before the password is looked at, so that a burst cannot outrun it. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type ThrottleTable = 'pam.sign_in_throttle' | 'backoffice.sign_in_throttle';
export type ThrottleRule = { readonly attemptsMax: number; readonly windowMs: number };
export type Attempt = { readonly account: Buffer; readonly ip: string };

/**
 * Counts one attempt; `too-many-requests` beyond the rule, with the seconds until the window ends. One atomic statement:
 * of many parallel attempts no more than the allowed number gets through.
 */
export async function countAttempt(
  db: Database,
  table: ThrottleTable,
  attempt: Attempt,
  rule: ThrottleRule,
): Promise<Result<null>> {
  const window = sql`make_interval(secs => ${rule.windowMs / 1_000})`;
  const { rows } = await sql<{ attempts: number; retryAfterS: number }>`
    insert into ${sql.table(table)} as t (account, ip) values (${attempt.account}, ${attempt.ip})
    on conflict (account, ip) do update set
      attempts = case when t.window_started_at < now() - ${window} then 1 else t.attempts + 1 end,
      window_started_at = case when t.window_started_at < now() - ${window} then now() else t.window_started_at end
    returning attempts, ceil(extract(epoch from t.window_started_at + ${window} - now()))::int as retry_after_s
  `.execute(db);
  const counted = rows[0];
  if (counted && counted.attempts > rule.attemptsMax) {
    return fail('too-many-requests', 'Too many attempts to sign in; wait before the next one.', {
      retryAfterS: Math.max(1, counted.retryAfterS),
    });
  }
  return succeed(null);
}

/** Forgets the attempts after a success, in the transaction that opens the session. */
export async function forgetAttempts(trx: Trx, table: ThrottleTable, attempt: Attempt): Promise<void> {
  await sql`delete from ${sql.table(table)} where account = ${attempt.account} and ip = ${attempt.ip}`.execute(
    trx,
  );
}
