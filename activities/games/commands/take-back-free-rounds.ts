/** Free rounds that a provider was given are asked back once their player may not play any more. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { cancelFreeRounds } from './free-rounds.ts';

const rowsMax = 200;

/**
 * Orders the cancellation of open free rounds whose players are under a brake without an end: excluded, or locked by staff. A
 * time-out is over by itself, and takes nothing away. A provider that has said no is asked again a day later. Returns how
 * many it ordered; their workflows ask the providers.
 */
export async function takeBackFreeRounds(db: Database): Promise<number> {
  const { rows } = await sql<{ id: string; reason: string }>`
    select f.id, w.play_block_reason as reason
    from games.free_round_issue f
    join wallet.player_wallet w on w.player_id = f.player_id and w.asset = f.asset
    where f.state in ('requested', 'issued') and f.brand is not null and f.valid_until > now()
      and w.play_blocked_until = 'infinity'
      and (f.asked_back_at is null or f.asked_back_at < now() - interval '1 day')
    order by f.asked_back_at nulls first, f.id limit ${rowsMax}
  `.execute(db);
  for (const { id, reason } of rows)
    await db.transaction().execute(async (trx) => {
      orThrow(
        await cancelFreeRounds(trx, {
          id,
          actor: { kind: 'system', id: 'free-rounds-taken-back' },
          reason: `The player may not play any more: ${reason}.`,
        }),
      );
      await trx
        .updateTable('games.freeRoundIssue')
        .set({ askedBackAt: sql<Date>`now()` })
        .where('id', '=', id)
        .execute();
    });
  return rows.length;
}

/** Whether the player is under a brake without an end now. */
export async function isBarred(
  trx: Trx,
  { playerId, asset }: { readonly playerId: string; readonly asset: string },
): Promise<boolean> {
  const row = await trx
    .selectFrom('wallet.playerWallet')
    .select('playerId')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .where(sql<boolean>`play_blocked_until = 'infinity'`)
    .executeTakeFirst();
  return row !== undefined;
}
