/** Closes a round because its provider says that it is over; money does not move. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';

export type FinishRound = {
  readonly integration: string;
  readonly brand: string;
  readonly round: string;
  readonly playerId: string;
  readonly asset: string;
};

/** True when the round was open, or waited for a person, and is settled now; an unknown or closed round stays as it is. */
export async function finishRound(db: Database, input: FinishRound): Promise<boolean> {
  const { integration, brand, round, playerId, asset } = input;
  return db.transaction().execute(async (trx) => {
    const closed = await trx
      .updateTable('games.round')
      .set((eb) => ({ state: 'settled', closedAt: eb.fn<Date>('now', []), version: eb('version', '+', 1) }))
      .where('integration', '=', integration)
      .where('roundRef', '=', round)
      .where('playerId', '=', playerId)
      .where('asset', '=', asset)
      .where('state', 'in', ['open', 'manual'])
      .returning('roundRef')
      .executeTakeFirst();
    if (!closed) return false;
    await appendEvent(
      trx,
      {
        type: 'games.round.resolved',
        version: 1,
        brand,
        playerId,
        payload: { integration, round, playerId, outcome: 'settled' },
      },
      {
        actor: { kind: 'system', id: `integration:${integration}` },
        subject: `round:${integration}:${round}`,
      },
    );
    return true;
  });
}
