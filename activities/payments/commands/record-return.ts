/** Keeps what the player's browser brought back from a challenge; the workflow reads it from here. */
import { sql } from 'kysely';
import { answerOf, takeKey, tellAnswer, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type ReturnedDeposit = {
  /** The attempt that the player is back for. */
  readonly attempt: number;
  /** The attempt still waits, so its workflow must be told. */
  readonly isOpen: boolean;
  /** The player has been back before. */
  readonly hasReturned: boolean;
};

/** Largest value of one parameter; Adyen's redirect results are some hundreds of characters. */
const valueLengthMax = 20_000;

/**
 * Stores the parameters of the return once, for the attempt that waits. `by` is the token of the return address or the
 * player's own session. Failures: `not-found`.
 */
export async function recordReturn(
  db: Database | Trx,
  depositId: string,
  by: { readonly returnToken: string } | { readonly playerId: string },
  parameters: Readonly<Record<string, string>>,
): Promise<Result<ReturnedDeposit>> {
  const attempt = await db
    .selectFrom('payments.attempt')
    .innerJoin('payments.deposit', 'payments.deposit.id', 'payments.attempt.depositId')
    .select(['payments.attempt.number', 'payments.attempt.state', 'payments.attempt.returnedAt'])
    .where('depositId', '=', depositId)
    .$if('returnToken' in by, (query) =>
      query.where('returnToken', '=', 'returnToken' in by ? by.returnToken : ''),
    )
    .$if('playerId' in by, (query) =>
      query.where('payments.deposit.playerId', '=', 'playerId' in by ? by.playerId : ''),
    )
    .orderBy('payments.attempt.number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (attempt === undefined) return fail('not-found', 'There is no such deposit.');
  const kept = Object.fromEntries(
    Object.entries(parameters)
      .filter(([name, value]) => name.length <= 100 && value.length <= valueLengthMax)
      .slice(0, 20),
  );
  const stored = await db
    .updateTable('payments.attempt')
    .set({ returned: JSON.stringify(kept), returnedAt: sql<Date>`now()` })
    .where('depositId', '=', depositId)
    .where('number', '=', attempt.number)
    .where('state', '=', 'action')
    .where('returned', 'is', null)
    .executeTakeFirst();
  return succeed({
    attempt: attempt.number,
    isOpen: stored.numUpdatedRows > 0n || attempt.state === 'action',
    hasReturned: stored.numUpdatedRows > 0n || attempt.returnedAt !== null,
  });
}

/**
 * The return of a signed-in player, under his key: a repeat is about the attempt that the first call was about, and says
 * whether that one still waits. What came back from one challenge never reaches the next one. Failures:
 * `idempotency-key-reused`, `not-found`, `deposit-not-awaiting-action`.
 */
export async function recordKeyedReturn(
  trx: Trx,
  order: {
    readonly depositId: string;
    readonly playerId: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly key: ActKey;
  },
): Promise<Result<Pick<ReturnedDeposit, 'isOpen'>>> {
  const { depositId, playerId, parameters, key } = order;
  const taken = await takeKey(trx, key);
  if (!taken.ok) return taken;
  if (taken.value.isRepeat) {
    const waiting = await trx
      .selectFrom('payments.attempt')
      .select('number')
      .where('depositId', '=', depositId)
      .where('number', '=', Number(await answerOf(trx, key)))
      .where('state', '=', 'action')
      .executeTakeFirst();
    return succeed({ isOpen: waiting !== undefined });
  }
  const returned = await recordReturn(trx, depositId, { playerId }, parameters);
  if (!returned.ok) return returned;
  const { attempt, isOpen, hasReturned } = returned.value;
  if (!isOpen && !hasReturned) return fail('deposit-not-awaiting-action', 'The deposit waits for nothing.');
  await tellAnswer(trx, key, String(attempt));
  return succeed({ isOpen });
}
