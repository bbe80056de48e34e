/** Carries on voids of rounds that two people agreed on and whose process died before the round's workflow was told. */
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { carryOutVoid } from '#api/games/carry-out-void.ts';
import type { Database } from '#db/connect.ts';
import { FailureError } from '#domain/failures.ts';

const rowsMax = 200;

/** One whose round does not wait for a person right now is met again at the next turn. Returns how many were carried out. */
export async function sweepRoundVoids(
  client: Client,
  db: Database,
  { olderThanS = 60 }: { readonly olderThanS?: number } = {},
): Promise<number> {
  const rows = await db
    .selectFrom('games.roundVoidProposal')
    .selectAll()
    .where('state', '=', 'approved')
    .where('decidedAt', '<=', sql<Date>`now() - make_interval(secs => ${olderThanS})`)
    .orderBy('decidedAt', 'desc')
    .limit(rowsMax)
    .execute();
  let carriedOut = 0;
  for (const row of rows)
    try {
      const { state } = await carryOutVoid({ db, temporal: () => Promise.resolve(client) }, row);
      if (state === 'carried-out') carriedOut += 1;
    } catch (error) {
      if (!(error instanceof FailureError) || error.failure.code === 'dependency-unavailable') throw error;
    }
  return carriedOut;
}
