/**
 * Whether a player may be charged at this moment: asked again before each charge, because a deposit that was admitted may
 * wait for its player, a PSP or a worker, and an exclusion holds from its commit on.
 */
import { sql, type RawBuilder } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { Refusal } from '#domain/payments/uses.ts';

export type Stop = 'exclusion' | 'account';

/** Null while nothing stands in the way; as a part of somebody's statement. */
export const stopOf = (playerId: RawBuilder<unknown>): RawBuilder<Stop | null> => sql<Stop | null>`
  case
    when exists (
      select from responsible_gambling.exclusion e
      where e.player_id = ${playerId} and e.state <> 'ended' and (e.kind = 'self-exclusion' or e.until > now())
    ) then 'exclusion'
    when exists (select from pam.player p where p.id = ${playerId} and p.status in ('locked', 'closed')) then 'account'
  end`;

export async function readStop(db: Database | Trx, playerId: string): Promise<Stop | null> {
  const { rows } = await sql<{ stop: Stop | null }>`select ${stopOf(sql`${playerId}::uuid`)} as stop`.execute(
    db,
  );
  return rows[0]?.stop ?? null;
}

export const refusalOfStop = (stop: Stop): Refusal =>
  stop === 'exclusion'
    ? {
        code: 'self-excluded',
        detail: 'Deposits are closed while play is excluded or paused.',
        by: 'exclusion',
      }
    : { code: 'player-blocked', detail: 'The account is not open for deposits.', by: 'account-status' };

/** Why the player may not be charged at this moment; null while nothing stands in the way. */
export async function readRefusal(db: Database | Trx, playerId: string): Promise<Refusal | null> {
  const stop = await readStop(db, playerId);
  return stop === null ? null : refusalOfStop(stop);
}
