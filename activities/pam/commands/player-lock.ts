/** Locks an account at an operator's decision: no session, no bet; open rounds still settle and money stays. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { lockWallets, setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { revokeAllSessions } from './sessions.ts';

export type LockOrder = {
  readonly playerId: string;
  readonly operatorId: string;
  readonly reason: string;
};

type LockedPlayer = { readonly brand: string; readonly status: string; readonly verified: boolean };

/** The brake's reason while an operator's lock holds; other reasons are not ours to lift. */
export const lockBrakeReason = 'account-locked';

/** Locks the account; locking twice answers as once. `not-found`, or `player-blocked` when it is closed. */
export async function lockPlayer(db: Database, order: LockOrder): Promise<Result<{ status: 'locked' }>> {
  return db.transaction().execute(async (trx) => {
    const player = await readForUpdate(trx, order.playerId);
    if (!player) return fail('not-found', 'There is no such player.');
    if (player.status === 'closed') return fail('player-blocked', 'This account is closed.');
    if (player.status === 'locked') return succeed({ status: 'locked' });
    await lockWallets(trx, order.playerId);
    await recordLock(trx, order);
    await trx.updateTable('pam.player').set({ status: 'locked' }).where('id', '=', order.playerId).execute();
    await setPlayBrake(trx, order.playerId, { until: 'infinity', reason: lockBrakeReason });
    await revokeAllSessions(trx, order.playerId, lockBrakeReason, { kind: 'operator', id: order.operatorId });
    await announce(trx, 'pam.player.locked', player.brand, order);
    return succeed({ status: 'locked' });
  });
}

/** Lifts the lock and puts back the brake that holds without it: an exclusion that still runs goes on running. */
export async function unlockPlayer(db: Database, order: LockOrder): Promise<Result<{ status: string }>> {
  return db.transaction().execute(async (trx) => {
    const player = await readForUpdate(trx, order.playerId);
    if (!player) return fail('not-found', 'There is no such player.');
    if (player.status !== 'locked') return succeed({ status: player.status });
    const status = player.verified ? 'active' : 'email-unverified';
    await trx.updateTable('pam.player').set({ status }).where('id', '=', order.playerId).execute();
    await restoreBrake(trx, order.playerId);
    await trx
      .updateTable('pam.playerLock')
      .set({ unlockedAt: sql`now()`, unlockReason: order.reason, unlockOperatorId: order.operatorId })
      .where('playerId', '=', order.playerId)
      .where('unlockedAt', 'is', null)
      .execute();
    await announce(trx, 'pam.player.unlocked', player.brand, order);
    return succeed({ status });
  });
}

async function readForUpdate(trx: Trx, playerId: string): Promise<LockedPlayer | undefined> {
  return trx
    .selectFrom('pam.player')
    .select(['brand', 'status', sql<boolean>`email_verified_at is not null`.as('verified')])
    .where('id', '=', playerId)
    .forUpdate()
    .executeTakeFirst();
}

async function recordLock(trx: Trx, order: LockOrder): Promise<void> {
  await sql`
    with lock as (
      insert into pam.player_lock (player_id, number, reason, operator_id)
      select ${order.playerId}, coalesce(max(number), 0) + 1, ${order.reason}, ${order.operatorId}
      from pam.player_lock where player_id = ${order.playerId}
      returning player_id, number
    )
    insert into pam.player_lock_brake (player_id, number, asset, play_blocked_until, play_block_reason)
    select lock.player_id, lock.number, w.asset, w.play_blocked_until, w.play_block_reason
    from lock join wallet.player_wallet w on w.player_id = lock.player_id
  `.execute(trx);
}

/**
 * The strictest of the exclusions that run now and of the brakes from before the lock that have not run out, unless
 * another module has set its own since. A brake of an exclusion that came to its end behind the lock is not put back.
 */
async function restoreBrake(trx: Trx, playerId: string): Promise<void> {
  await lockWallets(trx, playerId);
  const current = await trx
    .selectFrom('wallet.playerWallet')
    .select('playBlockReason')
    .where('playerId', '=', playerId)
    .execute();
  if (current.some((wallet) => wallet.playBlockReason !== lockBrakeReason)) return;
  const { rows } = await sql<{ forEver: boolean; until: Date; reason: string }>`
    with exclusion as (
      select kind, ended_at, case kind when 'self-exclusion' then 'infinity' else until end as until
      from responsible_gambling.exclusion where player_id = ${playerId}
    ), brake as (
      select kind as reason, until from exclusion where ended_at is null
      union all
      select b.play_block_reason, b.play_blocked_until
      from pam.player_lock_brake b
      join pam.player_lock l on l.player_id = b.player_id and l.number = b.number and l.unlocked_at is null
      where b.player_id = ${playerId}
        and not exists (select from exclusion e where e.kind = b.play_block_reason and e.ended_at >= l.locked_at)
    )
    select until = 'infinity' as for_ever, case when isfinite(until) then until end as until, reason
    from brake where until > now() order by until desc, reason limit 1
  `.execute(trx);
  const before = rows[0];
  await setPlayBrake(
    trx,
    playerId,
    before ? { until: before.forEver ? 'infinity' : before.until, reason: before.reason } : null,
  );
}

async function announce(
  trx: Trx,
  type: 'pam.player.locked' | 'pam.player.unlocked',
  brand: string,
  order: LockOrder,
): Promise<void> {
  const { playerId } = order;
  await appendEvent(
    trx,
    { type, version: 1, brand, playerId, payload: { playerId } },
    {
      actor: { kind: 'operator', id: order.operatorId },
      subject: `player:${playerId}`,
      reason: order.reason,
    },
  );
}
