/** A deposit takes its amount of the player's limits when it is attempted, and gives it back only on a proven failure. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import { checkDeposit, type DepositUsage } from '#domain/responsible-gambling/limits.ts';
import { asWindow } from '../limit-rows.ts';
import { lockPlayerGuard } from '../player-guard.ts';
import { readDepositUsage } from './deposit-usage.ts';

export type DepositReservation = {
  readonly playerId: string;
  readonly asset: string;
  /** Units at ledger scale. */
  readonly amount: Units;
  readonly depositId: string;
  /** True where the jurisdiction admits no deposit before the player has set a limit. */
  readonly isLimitRequired: boolean;
};

/**
 * Reserves the deposit in every window, once per deposit id. Exact under races: a player's reservations take turns.
 * Failures: `self-excluded` (time-out or self-exclusion), `deposit-limit-required`, `deposit-limit-exceeded`. After a
 * failure nothing is reserved.
 */
export async function reserveDepositLimit(trx: Trx, deposit: DepositReservation): Promise<Result<void>> {
  await lockPlayerGuard(trx, deposit.playerId);
  const known = await readProtection(trx, deposit);
  if (known.earlier !== null) {
    const { playerId, asset, amount, isReleased } = known.earlier;
    const isSame =
      playerId === deposit.playerId && asset === deposit.asset && BigInt(amount) === deposit.amount;
    assert(isSame, `deposit ${deposit.depositId} was reserved with other content`);
    if (!isReleased) return succeed(undefined);
  }
  const nowMs = known.now.getTime();
  const usage = await readDepositUsage(trx, deposit.playerId, deposit.asset, nowMs);
  const allowed = admits({ ...known, usage }, deposit.amount, deposit.isLimitRequired);
  if (!allowed.ok) return allowed;
  const reservedAt = new Date(nowMs);
  await trx
    .insertInto('responsibleGambling.depositReservation')
    .values({
      depositId: deposit.depositId,
      playerId: deposit.playerId,
      asset: deposit.asset,
      amount: deposit.amount.toString(),
      reservedAt,
    })
    .onConflict((conflict) => conflict.column('depositId').doUpdateSet({ releasedAt: null, reservedAt }))
    .execute();
  return succeed(undefined);
}

export type DepositForesight = Pick<Protection, 'isExcluded' | 'limits'> & { readonly usage: DepositUsage };

/** What `reserveDepositLimit` would find now. Nothing is locked and the clock is ours, so it can be overtaken. */
export async function foreseeDepositLimit(
  db: Database,
  deposit: Pick<DepositReservation, 'playerId' | 'asset' | 'depositId'>,
): Promise<DepositForesight> {
  const [known, usage] = await Promise.all([
    readProtection(db, deposit),
    readDepositUsage(db, deposit.playerId, deposit.asset, Date.now()),
  ]);
  return { ...known, usage };
}

/** Failures: those of `reserveDepositLimit`. */
export function admits(
  { isExcluded, limits, usage }: DepositForesight,
  amount: Units,
  isLimitRequired: boolean,
): Result<void> {
  if (isExcluded) return fail('self-excluded', 'The player is excluded from gambling.');
  const set = limits.map(({ window, amount: most }) => ({ window: asWindow(window), amount: BigInt(most) }));
  return checkDeposit(set, usage, amount, isLimitRequired);
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

type Protection = {
  /** The clock that the windows go by. Read after the guard, since waiting for it may cross a window's edge. */
  readonly now: Date;
  readonly isExcluded: boolean;
  readonly limits: readonly { readonly window: string; readonly amount: string }[];
  readonly earlier: {
    readonly playerId: string;
    readonly asset: string;
    readonly amount: string;
    readonly isReleased: boolean;
  } | null;
};

/** One statement, because a player waits for the answer. */
async function readProtection(
  trx: Database | Trx,
  deposit: Pick<DepositReservation, 'playerId' | 'asset' | 'depositId'>,
): Promise<Protection> {
  const { rows } = await sql<Protection>`
    select clock_timestamp() as now,
      exists (
        select from responsible_gambling.exclusion e
        where e.player_id = ${deposit.playerId} and e.state <> 'ended'
          and (e.kind = 'self-exclusion' or e.until > now())
      ) as is_excluded,
      coalesce((
        select jsonb_agg(jsonb_build_object('window', l."window", 'amount', l.amount::text))
        from responsible_gambling."limit" l
        where l.player_id = ${deposit.playerId} and l.asset = ${deposit.asset} and l.kind = 'deposit' and l.active
      ), '[]') as limits,
      (
        select jsonb_build_object('playerId', r.player_id, 'asset', r.asset, 'amount', r.amount::text,
          'isReleased', r.released_at is not null)
        from responsible_gambling.deposit_reservation r
        where r.deposit_id = ${deposit.depositId}
      ) as earlier`.execute(trx);
  const known = rows[0];
  assert(known !== undefined, 'a select without a table gives one row');
  return known;
}
