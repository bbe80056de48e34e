/** A deposit takes its amount of the player's limits when it is attempted, and gives it back only on a proven failure. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import { checkDeposit, type DepositLimit } from '#domain/responsible-gambling/limits.ts';
import { asWindow } from '../limit-rows.ts';
import { lockPlayerGuard, readNowMs } from '../player-guard.ts';
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
  const earlier = await trx
    .selectFrom('responsibleGambling.depositReservation')
    .select(['playerId', 'asset', 'amount', 'releasedAt'])
    .where('depositId', '=', deposit.depositId)
    .executeTakeFirst();
  if (earlier) {
    const isSame =
      earlier.playerId === deposit.playerId &&
      earlier.asset === deposit.asset &&
      BigInt(earlier.amount) === deposit.amount;
    assert(isSame, `deposit ${deposit.depositId} was reserved with other content`);
    if (earlier.releasedAt === null) return succeed(undefined);
  }
  const allowed = await checkAllowed(trx, deposit);
  if (!allowed.ok) return allowed;
  await trx
    .insertInto('responsibleGambling.depositReservation')
    .values({
      depositId: deposit.depositId,
      playerId: deposit.playerId,
      asset: deposit.asset,
      amount: deposit.amount.toString(),
      reservedAt: new Date(allowed.value.nowMs),
    })
    .onConflict((conflict) =>
      conflict
        .column('depositId')
        .doUpdateSet({ releasedAt: null, reservedAt: new Date(allowed.value.nowMs) }),
    )
    .execute();
  return succeed(undefined);
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

async function checkAllowed(trx: Trx, deposit: DepositReservation): Promise<Result<{ nowMs: number }>> {
  if (await isExcluded(trx, deposit.playerId))
    return fail('self-excluded', 'The player is excluded from gambling.');
  const nowMs = await readNowMs(trx);
  const checked = checkDeposit(
    await readDepositLimits(trx, deposit),
    await readDepositUsage(trx, deposit.playerId, deposit.asset, nowMs),
    deposit.amount,
    deposit.isLimitRequired,
  );
  return checked.ok ? succeed({ nowMs }) : checked;
}

async function isExcluded(trx: Trx, playerId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('responsibleGambling.exclusion')
    .select('number')
    .where('playerId', '=', playerId)
    .where('state', '!=', 'ended')
    .where((where) => where.or([where('kind', '=', 'self-exclusion'), where('until', '>', sql<Date>`now()`)]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function readDepositLimits(trx: Trx, deposit: DepositReservation): Promise<DepositLimit[]> {
  const rows = await trx
    .selectFrom('responsibleGambling.limit')
    .select(['window', 'amount'])
    .where('playerId', '=', deposit.playerId)
    .where('asset', '=', deposit.asset)
    .where('kind', '=', 'deposit')
    .where('active', '=', true)
    .execute();
  return rows.map((row) => ({ window: asWindow(row.window), amount: BigInt(row.amount) }));
}
