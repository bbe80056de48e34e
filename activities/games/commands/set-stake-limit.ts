/** Sets the largest stake that the book takes of one player, or takes that limit away; each setting stays on record. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText, type Units } from '#domain/money.ts';

export type StakeLimit = {
  readonly id: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  /** Null takes the limit away. */
  readonly stakeMax: Units | null;
  readonly operatorId: string;
  readonly reason: string;
};

/** A repeat with the same id and content changes nothing; with other content it is `idempotency-key-reused`. */
export async function setStakeLimit(db: Database, limit: StakeLimit): Promise<Result<null>> {
  const { id, playerId, brand, asset, stakeMax, operatorId: setBy, reason } = limit;
  return db.transaction().execute(async (trx) => {
    const written = await trx
      .insertInto('games.bookPlayerLimit')
      .values({ id, playerId, asset, stakeMax: stakeMax?.toString() ?? null, setBy, reason })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!written) {
      const known = await trx
        .selectFrom('games.bookPlayerLimit')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const isSame =
        known.playerId === playerId &&
        known.asset === asset &&
        known.stakeMax === (stakeMax?.toString() ?? null) &&
        known.reason === reason;
      return isSame ? succeed(null) : fail('idempotency-key-reused', 'The key was used for another limit.');
    }
    await appendEvent(
      trx,
      {
        type: 'games.stake-limit.set',
        version: 1,
        brand,
        playerId,
        payload: { playerId, asset, stakeMax: stakeMax === null ? null : toMoneyText(stakeMax, asset) },
      },
      { actor: { kind: 'operator', id: setBy }, subject: `player:${playerId}`, reason },
    );
    return succeed(null);
  });
}
