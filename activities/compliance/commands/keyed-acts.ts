/** Keys of acts on what is there already: the same key acts once, and means one content. */
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type ActKey = {
  /** Made of the scope, the caller and the idempotency key. */
  readonly id: string;
  /** Of everything that the caller said, the address included. */
  readonly fingerprint: Buffer;
};

export type TakenKey = {
  readonly isRepeat: boolean;
  /** As the first call had it. */
  readonly about: string | null;
};

/**
 * Takes the key in the transaction of the act, before any lock: a second call with it waits here for the first one.
 * Where the act is refused, the rollback gives the key back. Failure: `idempotency-key-reused`.
 */
export async function takeKey(
  on: Trx | Database,
  key: ActKey,
  about: string | null = null,
): Promise<Result<TakenKey>> {
  const taken = await on
    .insertInto('compliance.keyedAct')
    .values({ id: key.id, fingerprint: key.fingerprint, about })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (taken !== undefined) return succeed({ isRepeat: false, about });
  const known = await on
    .selectFrom('compliance.keyedAct')
    .select(['fingerprint', 'about'])
    .where('id', '=', key.id)
    .executeTakeFirstOrThrow();
  return known.fingerprint.equals(key.fingerprint)
    ? succeed({ isRepeat: true, about: known.about })
    : fail('idempotency-key-reused', 'This key was used for something else.');
}

/** Runs the act under its key; for a repeat `again` tells what has become of it, and nothing is done. */
export async function once<T>(
  trx: Trx,
  key: ActKey,
  act: (trx: Trx) => Promise<Result<T>>,
  again: (trx: Trx) => Promise<Result<T>>,
): Promise<Result<T>> {
  const taken = await takeKey(trx, key);
  if (!taken.ok) return taken;
  return taken.value.isRepeat ? again(trx) : act(trx);
}

/** What a repeat is to be told, once; later words change nothing. */
export async function tellAnswer(on: Trx | Database, { id }: ActKey, answer: string): Promise<boolean> {
  const { numUpdatedRows } = await on
    .updateTable('compliance.keyedAct')
    .set({ answer })
    .where('id', '=', id)
    .where('answer', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
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
