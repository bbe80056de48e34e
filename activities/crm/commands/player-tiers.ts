/** The tier of a player: staff set it, every change is the next version, and rules of payments may ask for it. */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { CrmPlayerTier } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type PlayerTierRow = Selectable<CrmPlayerTier>;

export type SetTier = {
  readonly playerId: string;
  /** Null takes the tier away. */
  readonly tier: string | null;
  /** The version that the person saw, 0 for none: of two who set it at once, one is told. */
  readonly after: number;
  readonly operatorId: string;
  readonly reason: string;
};

/** Failures: `not-found`, `version-outdated`. A repeat by the same person answers with the version it made. */
export async function setPlayerTier(trx: Trx, order: SetTier): Promise<Result<PlayerTierRow>> {
  const { playerId, tier, after, operatorId, reason } = order;
  const player = await trx
    .selectFrom('pam.player')
    .select('brand')
    .where('id', '=', playerId)
    .executeTakeFirst();
  if (player === undefined) return fail('not-found', 'There is no such player.');
  await sql`select pg_advisory_xact_lock(hashtextextended(${`player-tier ${playerId}`}, 0))`.execute(trx);
  const last = await trx
    .selectFrom('crm.playerTier')
    .selectAll()
    .where('playerId', '=', playerId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const author = `operator:${operatorId}`;
  if (last?.version === after + 1 && last.author === author && last.tier === tier && last.reason === reason)
    return succeed(last);
  if ((last?.version ?? 0) !== after)
    return fail('version-outdated', `The tier is at version ${last?.version ?? 0}.`);
  const row = await trx
    .insertInto('crm.playerTier')
    .values({ playerId, version: after + 1, tier, author, reason })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'crm.tier.set',
      version: 1,
      brand: player.brand,
      playerId,
      payload: { tierVersion: row.version, tier },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `player:${playerId}`, reason },
  );
  return succeed(row);
}
