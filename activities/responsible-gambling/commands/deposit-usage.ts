/** How much of each calendar window a player's deposits have taken. */
import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { Database, Trx } from '#db/connect.ts';
import type { DepositUsage } from '#domain/responsible-gambling/limits.ts';
import { limitWindows } from '#domain/responsible-gambling/windows.ts';

const units = z.string().transform(BigInt);
const usageSchema = z.object({ day: units, week: units, month: units });

/**
 * The usage at the instant `at` as a part of somebody's statement, for `toDepositUsage`. Its windows are those of
 * `windowStartMs`: a test holds them against each other.
 */
export function depositUsage(playerId: string, asset: string, at: RawBuilder<Date>): RawBuilder<unknown> {
  const [day, week, month] = limitWindows.map((window) => sql`date_trunc(${sql.lit(window)}, ${at}, 'UTC')`);
  return sql`(
    select jsonb_build_object(
      'day', coalesce(sum(amount) filter (where reserved_at >= ${day}), 0)::text,
      'week', coalesce(sum(amount) filter (where reserved_at >= ${week}), 0)::text,
      'month', coalesce(sum(amount) filter (where reserved_at >= ${month}), 0)::text)
    from responsible_gambling.deposit_reservation
    where player_id = ${playerId} and asset = ${asset} and released_at is null
      and reserved_at >= least(${week}, ${month})
  )`;
}

export const toDepositUsage = (found: unknown): DepositUsage => usageSchema.parse(found);

/** Units at ledger scale that are reserved or deposited in the windows in which `nowMs` lies. */
export async function readDepositUsage(
  db: Database | Trx,
  playerId: string,
  asset: string,
  nowMs: number,
): Promise<DepositUsage> {
  const at = sql<Date>`${new Date(nowMs)}::timestamptz`;
  const { rows } = await sql<{
    usage: unknown;
  }>`select ${depositUsage(playerId, asset, at)} as usage`.execute(db);
  return toDepositUsage(rows[0]?.usage);
}
