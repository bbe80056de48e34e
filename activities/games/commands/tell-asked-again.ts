/** Keeps that a person had a provider asked again about a round, and why, with the answer to the call that said so. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import { tellAnswer, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import type { Database } from '#db/connect.ts';

/** Once for each key, whoever repeats the call and whatever process died in between. */
export async function tellAskedAgain(
  db: Database,
  key: ActKey,
  asked: {
    readonly integration: string;
    readonly roundRef: string;
    readonly playerId: string;
    readonly brand: string;
    readonly operatorId: string;
    readonly reason: string;
    readonly stage: string;
  },
): Promise<void> {
  const { integration, roundRef: round, playerId, brand, operatorId, reason, stage } = asked;
  await db.transaction().execute(async (trx) => {
    if (!(await tellAnswer(trx, key, stage))) return;
    await appendEvent(
      trx,
      {
        type: 'games.round.asked-again',
        version: 1,
        brand,
        playerId,
        payload: { integration, round, playerId },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `round:${integration}:${round}`, reason },
    );
  });
}
