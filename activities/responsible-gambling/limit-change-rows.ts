/** Closes and moves pending limit changes, each with the fact that tells of it. */
import { sql, type Selectable } from 'kysely';
import type { Trx } from '#db/connect.ts';
import type { ResponsibleGamblingLimitChange } from '#db/schema.generated.ts';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { limitKinds } from '#domain/responsible-gambling/limits.ts';
import { asWindow, writeLimit, type LimitScope } from './limit-rows.ts';
import { lockPlayerGuard } from './player-guard.ts';

export type LimitChangeRow = Selectable<ResponsibleGamblingLimitChange>;

export const isLimitChangeOver = (state: string): boolean =>
  state === 'applied' || state === 'cancelled' || state === 'lapsed';

/** The change under its player's guard, or undefined. */
export async function lockLimitChange(trx: Trx, limitChangeId: string): Promise<LimitChangeRow | undefined> {
  const owner = await trx
    .selectFrom('responsibleGambling.limitChange')
    .select('playerId')
    .where('id', '=', limitChangeId)
    .executeTakeFirst();
  if (!owner) return undefined;
  await lockPlayerGuard(trx, owner.playerId);
  return trx
    .selectFrom('responsibleGambling.limitChange')
    .selectAll()
    .where('id', '=', limitChangeId)
    .executeTakeFirst();
}

/** Moves the change without touching the limit itself. */
export async function moveLimitChange(
  trx: Trx,
  row: Pick<LimitChangeRow, 'id' | 'brand' | 'playerId'>,
  to: 'awaiting-confirmation' | 'cancelled' | 'lapsed',
  actor: Actor,
): Promise<void> {
  await setState(trx, row.id, to);
  const type = to === 'awaiting-confirmation' ? 'matured' : to;
  await announce(trx, row, type, actor);
}

/** Puts the change into force. The database refuses it before the cooling-off is over. */
export async function applyLimitChange(trx: Trx, row: LimitChangeRow, actor: Actor): Promise<void> {
  await setState(trx, row.id, 'applied');
  const kind = limitKinds.find((name) => name === row.kind);
  if (kind === undefined) throw new Error(`Invariant broken: limit change ${row.id} is of kind ${row.kind}`);
  await writeLimit(trx, {
    id: row.id,
    playerId: row.playerId,
    brand: row.brand,
    jurisdiction: row.jurisdiction,
    profileVersion: row.profileVersion,
    kind,
    window: asWindow(row.window),
    asset: row.asset,
    amount: row.amount === null ? null : BigInt(row.amount),
    fingerprint: row.fingerprint,
    actor,
  });
  await announce(trx, row, 'applied', actor);
}

/** Cancels whatever change of this limit is open: a later wish of the player takes its place. */
export async function cancelOpenChange(trx: Trx, scope: LimitScope, actor: Actor): Promise<void> {
  const open = await trx
    .selectFrom('responsibleGambling.limitChange')
    .select(['id', 'brand', 'playerId'])
    .where('playerId', '=', scope.playerId)
    .where('kind', '=', scope.kind)
    .where('window', '=', scope.window)
    .where('asset', '=', scope.asset)
    .where('state', 'in', ['cooling-off', 'awaiting-confirmation'])
    .executeTakeFirst();
  if (open) await moveLimitChange(trx, open, 'cancelled', actor);
}

const setState = (trx: Trx, id: string, state: string) =>
  trx
    .updateTable('responsibleGambling.limitChange')
    .set({ state, ...(isLimitChangeOver(state) ? { closedAt: sql<Date>`now()` } : {}) })
    .where('id', '=', id)
    .execute();

const announce = (
  trx: Trx,
  row: Pick<LimitChangeRow, 'id' | 'brand' | 'playerId'>,
  what: 'matured' | 'applied' | 'cancelled' | 'lapsed',
  actor: Actor,
) =>
  appendEvent(
    trx,
    {
      type: `responsible-gambling.limit-change.${what}`,
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { limitChangeId: row.id },
    },
    { actor, subject: `limit-change:${row.id}` },
  );
