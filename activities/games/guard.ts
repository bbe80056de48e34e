/** Claims rounds that are still open past their guard time, so that each is handed to its workflow. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';

export type ExpiredRound = {
  readonly integration: string;
  readonly roundRef: string;
  readonly playerId: string;
  readonly asset: string;
  readonly game: string;
  readonly brand: string;
  /** Which opening of the round by a stake this is, counted from one. */
  readonly opening: number;
};

/** A claim that led to no workflow (the process died in between) may be taken again after this time. */
const reclaimAfterS = 60;

/**
 * Claims up to `limit` expired rounds. Several sweepers never get the same round at once. A round whose workflow is
 * running is offered again and again on purpose: starting it twice is harmless, losing it is not.
 */
export async function claimExpiredRounds(db: Database, limit: number): Promise<ExpiredRound[]> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<ExpiredRound & { firstTime: boolean }>`
      with claimed as (
        select r.integration, r.round_ref, r.player_id, r.guarded_at is null as first_time
        from games.round r
        where r.state = 'open' and r.guard_at < now()
          and (r.guarded_at is null or r.guarded_at < now() - make_interval(secs => ${reclaimAfterS}))
        order by r.guard_at limit ${limit}
        for update skip locked
      )
      update games.round r set guarded_at = now()
      from claimed c join wallet.player_wallet w on w.player_id = c.player_id
      where r.integration = c.integration and r.round_ref = c.round_ref and r.player_id = c.player_id and w.asset = r.asset
      returning r.integration, r.round_ref, r.player_id, r.asset, r.game_code as game, w.brand, greatest(r.openings, 1) as opening, c.first_time
    `.execute(trx);
    for (const round of rows.filter((row) => row.firstTime)) {
      await appendEvent(
        trx,
        {
          type: 'games.round.guarded',
          version: 1,
          brand: round.brand,
          playerId: round.playerId,
          payload: { integration: round.integration, round: round.roundRef, playerId: round.playerId },
        },
        {
          actor: { kind: 'system', id: 'round-guard' },
          subject: `round:${round.integration}:${round.roundRef}`,
        },
      );
    }
    return rows;
  });
}
