/** The clock of an exclusion asks here what is due; the database's now() decides, so no worker's clock can end one early. */
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { assertNever, fail, FailureError } from '#domain/failures.ts';
import {
  announceExclusion,
  exclusionSubject,
  readExclusion,
  setExclusionState,
  type Exclusion,
} from './exclusion-rows.ts';
import type { RowClock } from './limit-change-activities.ts';
import { applyPlayBrake } from './play-brake.ts';
import { lockPlayerGuard } from './player-guard.ts';

type ExclusionKey = { readonly playerId: string; readonly number: number };

export const createExclusionActivities = (deps: Pick<ActivityDeps, 'db'>) => ({
  advanceExclusion: (input: ExclusionKey) => advanceExclusion(deps.db, input),
});

/** Does what is due: ends a time-out, opens the way back from a self-exclusion, or reinstates after the wait. */
async function advanceExclusion(db: Database, key: ExclusionKey): Promise<RowClock> {
  return db.transaction().execute(async (trx) => {
    await lockPlayerGuard(trx, key.playerId);
    const row = await readExclusion(trx, key);
    if (!row) throw new FailureError(fail('not-found', 'There is no such exclusion.').failure);
    const due = dueOf(row);
    if (due.to === 'wait') {
      return { state: row.state, over: row.state === 'ended', remainingMs: due.remainingMs };
    }
    await setExclusionState(trx, key, due.to);
    const actor = { kind: 'workflow', id: exclusionSubject(row) } as const;
    if (due.to === 'ended') {
      await applyPlayBrake(trx, key.playerId);
      await announceExclusion(trx, row, 'ended', actor);
      return { state: 'ended', over: true, remainingMs: null };
    }
    await announceExclusion(trx, row, 'served', actor);
    return { state: due.to, over: false, remainingMs: null };
  });
}

type Due = { to: 'wait'; remainingMs: number | null } | { to: 'ended' | 'reinstatement-possible' };

function dueOf(row: Exclusion): Due {
  const waitOr = (remainingMs: number | null, to: 'ended' | 'reinstatement-possible'): Due =>
    remainingMs === null || remainingMs > 0 ? { to: 'wait', remainingMs } : { to };
  switch (row.state) {
    case 'active':
      return row.kind === 'time-out'
        ? waitOr(row.untilEndMs, 'ended')
        : waitOr(row.untilReinstatableMs, 'reinstatement-possible');
    case 'reinstatement-requested':
      return waitOr(row.untilReinstatedMs, 'ended');
    case 'reinstatement-possible':
    case 'ended':
      return { to: 'wait', remainingMs: null };
    default:
      return assertNever(row.state);
  }
}
