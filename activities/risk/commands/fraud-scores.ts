/** Fraud scores of players, given by whoever scores them, with their source and the time until which they hold. */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { RiskFraudScore } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type FraudScoreRow = Selectable<RiskFraudScore>;

export type GiveScore = {
  readonly playerId: string;
  /** 0 is harmless, 1000 is fraud for certain. */
  readonly score: number;
  readonly source: string;
  readonly expiresAt: Date;
  /** The version before, 0 for none: a score that was made on older knowledge does not replace a newer one. */
  readonly after: number;
  readonly operatorId: string;
  readonly reason: string;
};

/** Failures: `not-found`, `invalid-request` (an end that has passed), `version-outdated`. A repeat answers with its version. */
export async function giveFraudScore(trx: Trx, order: GiveScore): Promise<Result<FraudScoreRow>> {
  const { playerId, score, source, expiresAt, after, operatorId, reason } = order;
  const player = await trx
    .selectFrom('pam.player')
    .select(['brand', sql<boolean>`${expiresAt}::timestamptz > now()`.as('isAhead')])
    .where('id', '=', playerId)
    .executeTakeFirst();
  if (player === undefined) return fail('not-found', 'There is no such player.');
  await sql`select pg_advisory_xact_lock(hashtextextended(${`fraud-score ${playerId}`}, 0))`.execute(trx);
  const last = await trx
    .selectFrom('risk.fraudScore')
    .selectAll()
    .where('playerId', '=', playerId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const author = `operator:${operatorId}`;
  const isRepeat =
    last?.version === after + 1 &&
    last.author === author &&
    last.score === score &&
    last.source === source &&
    last.reason === reason &&
    last.expiresAt.getTime() === expiresAt.getTime();
  if (isRepeat) return succeed(last);
  if ((last?.version ?? 0) !== after)
    return fail('version-outdated', `The score is at version ${last?.version ?? 0}.`);
  if (!player.isAhead)
    return fail('invalid-request', 'The score has run out already.', {
      fields: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
    });
  const row = await trx
    .insertInto('risk.fraudScore')
    .values({ playerId, version: after + 1, score, source, author, reason, expiresAt })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'risk.score.given',
      version: 1,
      brand: player.brand,
      playerId,
      payload: { scoreVersion: row.version, score, source },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `player:${playerId}`, reason },
  );
  return succeed(row);
}
