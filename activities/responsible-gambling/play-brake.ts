/** Sets the wallet's play brake to what the player's exclusions together demand. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { lockWallets, setPlayBrake } from '#activities/wallet/player-wallet.ts';

/** Reasons on the wallet that belong to this module; pam's lock has its own and is not ours to lift. */
const ownReasons = ['time-out', 'self-exclusion'];
const lockReason = 'account-locked';

type Standing = {
  selfExcluded: boolean;
  timeOutUntil: Date | null;
  locked: boolean;
  reasons: (string | null)[];
};

/**
 * Recomputes the brake in `trx`; the player's guard must be locked. A self-exclusion holds without end until the
 * player is reinstated; a time-out holds to its end; an operator's lock outlives both.
 */
export async function applyPlayBrake(trx: Trx, playerId: string): Promise<void> {
  await lockWallets(trx, playerId);
  const standing = await readStanding(trx, playerId);
  if (standing.selfExcluded)
    return setPlayBrake(trx, playerId, { until: 'infinity', reason: 'self-exclusion' });
  if (standing.timeOutUntil !== null) {
    // Over a lock the time-out must not run out by itself: its clock puts the lock back.
    const until = standing.locked ? 'infinity' : standing.timeOutUntil;
    return setPlayBrake(trx, playerId, { until, reason: 'time-out' });
  }
  const isOurs = standing.reasons.some((reason) => reason !== null && ownReasons.includes(reason));
  if (!isOurs) return;
  return setPlayBrake(trx, playerId, standing.locked ? { until: 'infinity', reason: lockReason } : null);
}

async function readStanding(trx: Trx, playerId: string): Promise<Standing> {
  const { rows } = await sql<Standing>`
    select coalesce(bool_or(kind = 'self-exclusion'), false) as self_excluded,
           max(until) filter (where kind = 'time-out' and until > now()) as time_out_until,
           exists (select 1 from pam.player_lock where player_id = ${playerId} and unlocked_at is null) as locked,
           array(select play_block_reason from wallet.player_wallet where player_id = ${playerId}) as reasons
    from responsible_gambling.exclusion
    where player_id = ${playerId} and state <> 'ended'
  `.execute(trx);
  const standing = rows[0];
  if (!standing) throw new Error('Invariant broken: an aggregate gave no row');
  return standing;
}
