/** Looks after the sportsbook's workflows: results that nobody carries out, and followed bets that nobody follows. */
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { betStart, legResulted } from '#workflows/bet.contract.ts';
import type { bet } from '#workflows/bet.ts';
import { marketStart } from '#workflows/market.contract.ts';
import type { market } from '#workflows/market.ts';
import { startOnce } from './event-routes.ts';

const rowsMax = 200;

/** Results that were taken a while ago and are not carried out: their workflow runs, or was never started. */
export async function sweepMarketResults(client: Client, db: Database): Promise<number> {
  const rows = await db
    .selectFrom('games.marketResult')
    .select(['eventId', 'marketId', 'version'])
    .where('settledAt', 'is', null)
    .where('receivedAt', '<', sql<Date>`now() - interval '1 minute'`)
    .orderBy('receivedAt', 'desc')
    .limit(rowsMax)
    .execute();
  for (const row of rows) await startOnce(client.workflow.start<typeof market>('market', marketStart(row)));
  return rows.length;
}

/**
 * Starts or pokes the workflow of each open followed bet, the longest unseen first and each at most once an hour, so
 * that many bets of next year do not hide one of today.
 */
export async function sweepBets(client: Client, db: Database): Promise<number> {
  const { rows } = await sql<{
    betId: string;
    reopened: number;
    playerId: string;
    brand: string;
    asset: string;
  }>`
    with due as (
      select id from games.bet
      where state = 'open' and followed and placed_at < now() - interval '1 minute'
        and (swept_at is null or swept_at < now() - interval '1 hour')
      order by swept_at nulls first, placed_at limit ${rowsMax} for update skip locked
    )
    update games.bet b set swept_at = now() from due where b.id = due.id
    returning b.id as bet_id, b.reopened, b.player_id, b.brand, b.asset
  `.execute(db);
  for (const row of rows)
    await startOnce(
      client.workflow.signalWithStart<typeof bet, []>('bet', { ...betStart(row), signal: legResulted }),
    );
  return rows.length;
}
