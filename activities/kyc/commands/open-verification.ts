/** Opens a verification: the row that its workflow is named after, before anything outside is asked. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { levelSatisfies, type VerifiableLevel } from '#domain/kyc/levels.ts';
import { verificationDaysMax } from '#domain/kyc/review.ts';
import { readKycLevel } from './levels.ts';

export type OpenVerification = {
  readonly id: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  /** Version of the jurisdiction's profile in force, stored as the rules that this check serves. */
  readonly profileVersion: number;
  readonly level: VerifiableLevel;
  readonly fingerprint: Buffer;
};

/**
 * Inserts the verification, or finds the one that the same key or the same open level has already made.
 * Failures: `idempotency-key-reused`; `already-decided` when the level is held or was refused for good.
 */
export async function openVerification(
  db: Database,
  request: OpenVerification,
): Promise<Result<{ id: string }>> {
  return db.transaction().execute(async (trx) => {
    const earlier = await findEarlier(trx, request);
    if (earlier) return earlier;
    const inserted = await trx
      .insertInto('kyc.verification')
      .values({
        ...request,
        // The check's own name at the vendor: no review of another check can be taken for its answer.
        vendorUserId: request.id,
        expiresAt: sql<Date>`now() + make_interval(days => ${verificationDaysMax})`,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    // Another request won the race for the key or for the open level: its row is there now.
    if (!inserted)
      return (await findEarlier(trx, request)) ?? fail('overloaded', 'The same request is under way.');
    await appendEvent(
      trx,
      {
        type: 'kyc.verification.opened',
        version: 1,
        brand: request.brand,
        playerId: request.playerId,
        payload: {
          verificationId: request.id,
          playerId: request.playerId,
          level: request.level,
          jurisdiction: request.jurisdiction,
          profileVersion: request.profileVersion,
        },
      },
      { actor: { kind: 'player', id: request.playerId }, subject: `verification:${request.id}` },
    );
    return succeed({ id: request.id });
  });
}

async function findEarlier(trx: Trx, request: OpenVerification): Promise<Result<{ id: string }> | null> {
  const rows = await trx
    .selectFrom('kyc.verification')
    .select(['id', 'playerId', 'state', 'fingerprint'])
    .where((where) =>
      where.or([
        where('id', '=', request.id),
        where.and([where('playerId', '=', request.playerId), where('level', '=', request.level)]),
      ]),
    )
    .execute();
  const same = rows.find((row) => row.id === request.id);
  if (same) {
    return same.fingerprint.equals(request.fingerprint)
      ? succeed({ id: same.id })
      : fail('idempotency-key-reused', 'This key was used for another verification.');
  }
  const open = rows.find((row) => ['opened', 'pending', 'on-hold'].includes(row.state));
  if (open) return succeed({ id: open.id });
  if (rows.some((row) => row.state === 'refused')) {
    return fail('already-decided', 'This level was refused for good; support can look at it again.');
  }
  return levelSatisfies(await readKycLevel(trx, request.playerId), request.level)
    ? fail('already-decided', 'The player holds this level.')
    : null;
}
