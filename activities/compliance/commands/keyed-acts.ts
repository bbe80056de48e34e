/** Keys of acts on what is there already: the same key acts once, and means one content. */
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type ActKey = {
  /** Made of the scope, the caller and the idempotency key. */
  readonly id: string;
  /** Of everything that the caller said, the address included. */
  readonly fingerprint: Buffer;
};

/**
 * Takes the key in the transaction of the act, before any lock: a second call with it waits here for the first one.
 * Where the act is refused, the rollback gives the key back. Failure: `idempotency-key-reused`.
 */
export async function takeKey(
  on: Trx | Database,
  key: ActKey,
): Promise<Result<{ readonly isRepeat: boolean }>> {
  const taken = await on
    .insertInto('compliance.keyedAct')
    .values({ id: key.id, fingerprint: key.fingerprint })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (taken !== undefined) return succeed({ isRepeat: false });
  const { fingerprint } = await on
    .selectFrom('compliance.keyedAct')
    .select('fingerprint')
    .where('id', '=', key.id)
    .executeTakeFirstOrThrow();
  return fingerprint.equals(key.fingerprint)
    ? succeed({ isRepeat: true })
    : fail('idempotency-key-reused', 'This key was used for something else.');
}

/** What a repeat is to be told, once; later words change nothing. */
export async function tellAnswer(on: Trx | Database, { id }: ActKey, answer: string): Promise<void> {
  await on
    .updateTable('compliance.keyedAct')
    .set({ answer })
    .where('id', '=', id)
    .where('answer', 'is', null)
    .execute();
}

/** Null where nothing was told. */
export async function answerOf(on: Trx | Database, { id }: ActKey): Promise<string | null> {
  const row = await on
    .selectFrom('compliance.keyedAct')
    .select('answer')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.answer ?? null;
}
