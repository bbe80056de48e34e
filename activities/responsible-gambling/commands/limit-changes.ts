/** A player takes a pending limit change back, or confirms it after the wait. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import {
  applyLimitChange,
  lockLimitChange,
  moveLimitChange,
  type LimitChangeRow,
} from '../limit-change-rows.ts';

type OwnChange = { readonly playerId: string; readonly limitChangeId: string };

/** Cancels a change that has not taken effect; a repeat is harmless. Failures: `not-found`, `limit-change-not-open`. */
export const cancelLimitChange = (db: Database, input: OwnChange): Promise<Result<void>> =>
  withOwnChange(db, input, 'cancelled', async (trx, row) => {
    await moveLimitChange(trx, row, 'cancelled', { kind: 'player', id: input.playerId });
    return succeed(undefined);
  });

/**
 * Confirms a change whose wait is over, where the jurisdiction asks for that (RTS 12), and puts it in force.
 * Failures: `not-found`, `limit-change-not-open` (still waiting, lapsed, or nothing to confirm).
 */
export const confirmLimitChange = (db: Database, input: OwnChange): Promise<Result<void>> =>
  withOwnChange(db, input, 'applied', async (trx, row) => {
    const { isDue } = await trx
      .selectFrom('responsibleGambling.limitChange')
      .select(sql<boolean | null>`effective_at <= now() and confirm_until > now()`.as('isDue'))
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow();
    if (isDue !== true) return fail('limit-change-not-open', 'There is nothing to confirm now.');
    await applyLimitChange(trx, row, { kind: 'player', id: input.playerId });
    return succeed(undefined);
  });

async function withOwnChange(
  db: Database,
  { playerId, limitChangeId }: OwnChange,
  goal: 'cancelled' | 'applied',
  act: (trx: Trx, row: LimitChangeRow) => Promise<Result<void>>,
): Promise<Result<void>> {
  return db.transaction().execute(async (trx) => {
    const row = await lockLimitChange(trx, limitChangeId);
    if (row?.playerId !== playerId) return fail('not-found', 'There is no such limit change.');
    if (row.state === goal) return succeed(undefined);
    if (row.state !== 'cooling-off' && row.state !== 'awaiting-confirmation') {
      return fail('limit-change-not-open', `The limit change is ${row.state}.`);
    }
    return act(trx, row);
  });
}
