/** The clock of a limit change asks here what is due; the database's now() decides. */
import { sql } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import {
  applyLimitChange,
  isLimitChangeOver,
  lockLimitChange,
  moveLimitChange,
} from './limit-change-rows.ts';

/** Where a row stands, whether it needs a clock any more, and when to ask again (null: only after a poke). */
export type RowClock = {
  readonly state: string;
  readonly over: boolean;
  readonly remainingMs: number | null;
};

export const createLimitChangeActivities = (deps: Pick<ActivityDeps, 'db'>) => ({
  advanceLimitChange: (input: { limitChangeId: string }) => advanceLimitChange(deps.db, input),
});

/** Does what is due for the change: applies it, asks for the confirmation, or lets it lapse. */
async function advanceLimitChange(
  db: Database,
  { limitChangeId }: { limitChangeId: string },
): Promise<RowClock> {
  return db.transaction().execute(async (trx) => {
    const row = await lockLimitChange(trx, limitChangeId);
    if (!row) throw new FailureError(fail('not-found', 'There is no such limit change.').failure);
    if (isLimitChangeOver(row.state)) return { state: row.state, over: true, remainingMs: null };
    const actor = { kind: 'workflow', id: `limit-change:${limitChangeId}` } as const;
    const left = await trx
      .selectFrom('responsibleGambling.limitChange')
      .select([
        sql<string>`ceil(extract(epoch from effective_at - now()) * 1000)`.as('untilEffectiveMs'),
        sql<string | null>`ceil(extract(epoch from confirm_until - now()) * 1000)`.as('untilLapseMs'),
      ])
      .where('id', '=', limitChangeId)
      .executeTakeFirstOrThrow();
    const untilEffectiveMs = Number(left.untilEffectiveMs);
    if (untilEffectiveMs > 0) return { state: row.state, over: false, remainingMs: untilEffectiveMs };
    if (left.untilLapseMs === null) {
      await applyLimitChange(trx, row, actor);
      return { state: 'applied', over: true, remainingMs: null };
    }
    if (row.state === 'cooling-off') await moveLimitChange(trx, row, 'awaiting-confirmation', actor);
    if (Number(left.untilLapseMs) > 0) {
      return { state: 'awaiting-confirmation', over: false, remainingMs: Number(left.untilLapseMs) };
    }
    await moveLimitChange(trx, row, 'lapsed', actor);
    return { state: 'lapsed', over: true, remainingMs: null };
  });
}
