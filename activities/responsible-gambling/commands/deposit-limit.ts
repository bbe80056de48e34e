/** A deposit takes its amount of the player's limits when it is attempted, and gives it back only on a proven failure. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import { checkDeposit } from '#domain/responsible-gambling/limits.ts';
import { asWindow } from '../limit-rows.ts';
import { lockPlayerGuard } from '../player-guard.ts';
import { depositUsage, toDepositUsage } from './deposit-usage.ts';

// For who locks the guard by a statement of its own.
export { writePlayerGuard } from '../player-guard.ts';

export type DepositReservation = {
  readonly playerId: string;
  readonly asset: string;
  /** Units at ledger scale. */
  readonly amount: Units;
  readonly depositId: string;
  /** True where the jurisdiction admits no deposit before the player has set a limit. */
  readonly isLimitRequired: boolean;
};

type DepositQuestion = Pick<DepositReservation, 'playerId' | 'asset' | 'depositId'>;

/**
 * Reserves the deposit in every window, once per deposit id. Exact under races: a player's reservations take turns.
 * Failures: `self-excluded` (time-out or self-exclusion), `deposit-limit-required`, `deposit-limit-exceeded`. After a
 * failure nothing is reserved.
 */
export async function reserveDepositLimit(trx: Trx, deposit: DepositReservation): Promise<Result<void>> {
  await lockPlayerGuard(trx, deposit.playerId);
  const standing = await readLimitStanding(trx, deposit);
  if (isReserved(standing, deposit)) return succeed(undefined);
  const allowed = admits(standing, deposit);
  if (allowed.ok) await takeDepositLimit(trx, standing, deposit);
  return allowed;
}

/** Of money that comes long after its share was reserved. Failure: `self-excluded`. */
export async function refuseExcluded(trx: Trx, deposit: DepositQuestion): Promise<Result<void>> {
  await lockPlayerGuard(trx, deposit.playerId);
  const { isExcluded } = await readLimitStanding(trx, deposit);
  return isExcluded ? fail('self-excluded', 'The player is excluded from gambling.') : succeed(undefined);
}

/** True when this deposit holds its share already. */
export function isReserved({ earlier }: LimitStanding, deposit: DepositReservation): boolean {
  if (earlier === null) return false;
  const { playerId, asset, amount, isReleased } = earlier;
  const isSame =
    playerId === deposit.playerId && asset === deposit.asset && BigInt(amount) === deposit.amount;
  assert(isSame, `deposit ${deposit.depositId} was reserved with other content`);
  return !isReleased;
}

/** Failures: those of `reserveDepositLimit`. */
export function admits(
  { isExcluded, limits, usage }: LimitStanding,
  { amount, isLimitRequired }: Pick<DepositReservation, 'amount' | 'isLimitRequired'>,
): Result<void> {
  if (isExcluded) return fail('self-excluded', 'The player is excluded from gambling.');
  const set = limits.map(({ window, amount: most }) => ({ window: asWindow(window), amount: BigInt(most) }));
  return checkDeposit(set, toDepositUsage(usage), amount, isLimitRequired);
}

/** Writes what `admits` has admitted, by who still holds the guard. */
export async function takeDepositLimit(
  trx: Trx,
  { now }: LimitStanding,
  { depositId, playerId, asset, amount }: Omit<DepositReservation, 'isLimitRequired'>,
): Promise<void> {
  await trx
    .insertInto('responsibleGambling.depositReservation')
    .values({ depositId, playerId, asset, amount: amount.toString(), reservedAt: now })
    .onConflict((conflict) => conflict.column('depositId').doUpdateSet({ releasedAt: null, reservedAt: now }))
    .execute();
}

/** Gives back what a deposit took; for one that took nothing, or gave back already, it does nothing. */
export async function releaseDepositLimit(trx: Trx, depositId: string): Promise<void> {
  await trx
    .updateTable('responsibleGambling.depositReservation')
    .set({ releasedAt: sql<Date>`now()` })
    .where('depositId', '=', depositId)
    .where('releasedAt', 'is', null)
    .execute();
}

/**
 * Takes again what was given back, whatever the limit: the money is there and is the player's, so the next deposit must
 * count it. It counts in the windows of the day on which it came. Does nothing while the share is still held.
 */
export async function retakeDepositLimit(
  trx: Trx,
  { playerId, depositId }: Pick<DepositReservation, 'playerId' | 'depositId'>,
): Promise<void> {
  await lockPlayerGuard(trx, playerId);
  await trx
    .updateTable('responsibleGambling.depositReservation')
    .set({ releasedAt: null, reservedAt: sql<Date>`date_trunc('milliseconds', clock_timestamp())` })
    .where('depositId', '=', depositId)
    .where('releasedAt', 'is not', null)
    .execute();
}

export type LimitStanding = {
  /** The clock that the windows go by. Read after the guard, since waiting for it may cross a window's edge. */
  readonly now: Date;
  readonly isExcluded: boolean;
  readonly limits: readonly { readonly window: string; readonly amount: string }[];
  readonly usage: unknown;
  readonly earlier: {
    readonly playerId: string;
    readonly asset: string;
    readonly amount: string;
    readonly isReleased: boolean;
  } | null;
};

/** What stands between a player and a deposit, for who holds the player's guard: nobody else can change it until then. */
export async function readLimitStanding(
  trx: Trx,
  { playerId, asset, depositId }: DepositQuestion,
): Promise<LimitStanding> {
  const { rows } = await sql<LimitStanding>`
    select clock.now,
      exists (
        select from responsible_gambling.exclusion e
        where e.player_id = ${playerId} and e.state <> 'ended'
          and (e.kind = 'self-exclusion' or e.until > now())
      ) as is_excluded,
      coalesce((
        select jsonb_agg(jsonb_build_object('window', l."window", 'amount', l.amount::text))
        from responsible_gambling."limit" l
        where l.player_id = ${playerId} and l.asset = ${asset} and l.kind = 'deposit' and l.active
      ), '[]') as limits,
      ${depositUsage(playerId, asset, sql<Date>`clock.now`)} as usage,
      (
        select jsonb_build_object('playerId', r.player_id, 'asset', r.asset, 'amount', r.amount::text,
          'isReleased', r.released_at is not null)
        from responsible_gambling.deposit_reservation r
        where r.deposit_id = ${depositId}
      ) as earlier
    from (select date_trunc('milliseconds', clock_timestamp()) as now) clock`.execute(trx);
  const standing = rows[0];
  assert(standing !== undefined, 'the clock gives one row');
  return standing;
}
