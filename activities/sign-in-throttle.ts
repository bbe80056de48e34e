/** Counts sign-in attempts per account and address before the password is looked at, so that a burst cannot outrun it. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { callerOf } from '#domain/pam/caller.ts';

export type ThrottleTable = 'pam.sign_in_throttle' | 'backoffice.sign_in_throttle';
export type ThrottleRule = {
  readonly attemptsMax: number;
  /** Of one address at all accounts together: who tries one password at many of them stays below the other bound. */
  readonly perAddressMax: number;
  readonly windowMs: number;
};
export type Attempt = { readonly account: Buffer; readonly ip: string };

/** The row that counts an address whatever account it tries. */
const everyAccount = Buffer.alloc(0);

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
  const caller = callerOf(attempt.ip);
  // Where no address is known (''), there is none to count by itself.
  const both = caller === '' ? sql`` : sql`, (${everyAccount}, ${caller})`;
  const { rows } = await sql<{ isAddress: boolean; attempts: number; retryAfterS: number }>`
    insert into ${sql.table(table)} as t (account, ip) values (${attempt.account}, ${caller})${both}
    on conflict (account, ip) do update set
      attempts = case when t.window_started_at < now() - ${window} then 1 else t.attempts + 1 end,
      window_started_at = case when t.window_started_at < now() - ${window} then now() else t.window_started_at end
    returning account = ${everyAccount} as is_address, attempts,
      ceil(extract(epoch from t.window_started_at + ${window} - now()))::int as retry_after_s
  `.execute(db);
  const over = rows.filter(
    ({ isAddress, attempts }) => attempts > (isAddress ? rule.perAddressMax : rule.attemptsMax),
  );
  if (over.length > 0) {
    return fail('too-many-requests', 'Too many attempts to sign in; wait before the next one.', {
      retryAfterS: Math.max(1, ...over.map(({ retryAfterS }) => retryAfterS)),
    });
  }
  return succeed(null);
}

/** Forgets the attempts after a success, in the transaction that opens the session. */
export async function forgetAttempts(trx: Trx, table: ThrottleTable, attempt: Attempt): Promise<void> {
  await sql`
    delete from ${sql.table(table)} where account = ${attempt.account} and ip = ${callerOf(attempt.ip)}
  `.execute(trx);
}

/** Longer than any window. */
const keptHours = 24;

/** Forgets what no window counts any more: addresses of callers are kept no longer than they are needed. */
export async function forgetOldAttempts(db: Database): Promise<number> {
  let forgotten = 0n;
  for (const table of ['pam.sign_in_throttle', 'backoffice.sign_in_throttle'] satisfies ThrottleTable[]) {
    const { numAffectedRows } = await sql`
      delete from ${sql.table(table)} where window_started_at < now() - make_interval(hours => ${keptHours})
    `.execute(db);
    forgotten += numAffectedRows ?? 0n;
  }
  return Number(forgotten);
}
