/** How much of each calendar window a player's deposits have taken. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { DepositUsage } from '#domain/responsible-gambling/limits.ts';
import { limitWindows, windowStartMs } from '#domain/responsible-gambling/windows.ts';

/** Units at ledger scale that are reserved or deposited in the windows in which `nowMs` lies. */
export async function readDepositUsage(
  db: Database | Trx,
  playerId: string,
  asset: string,
  nowMs: number,
): Promise<DepositUsage> {
  const [day, week, month] = limitWindows.map((window) => new Date(windowStartMs(window, nowMs)));
  const { rows } = await sql<{ day: string; week: string; month: string }>`
    select coalesce(sum(amount) filter (where reserved_at >= ${day}), 0) as day,
           coalesce(sum(amount) filter (where reserved_at >= ${week}), 0) as week,
           coalesce(sum(amount) filter (where reserved_at >= ${month}), 0) as month
    from responsible_gambling.deposit_reservation
    where player_id = ${playerId} and asset = ${asset} and released_at is null
      and reserved_at >= least(${week}::timestamptz, ${month}::timestamptz)
  `.execute(db);
  const used = rows[0];
  return { day: BigInt(used?.day ?? 0), week: BigInt(used?.week ?? 0), month: BigInt(used?.month ?? 0) };
}
