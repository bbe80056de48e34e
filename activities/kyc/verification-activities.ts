/** The steps of a verification that need only the database. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { checkDecidable, isVerificationOver, type VerificationState } from '#domain/kyc/review.ts';
import { expire, lockVerification, stateOf, takeStep } from './transitions.ts';

export type VerificationStatus = { readonly state: VerificationState; readonly attempt: number };

export type OperatorDecision = {
  readonly verificationId: string;
  readonly operatorId: string;
  readonly decision: 'approve' | 'refuse';
  readonly reason: string;
};

export function createVerificationActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    expireVerification: (input: { verificationId: string }) => expireVerification(deps.db, input),
    remindOfVerification: (input: { verificationId: string }) => remindOfVerification(deps.db, input),
    applyVerificationDecision: (input: OperatorDecision) => applyVerificationDecision(deps.db, input),
  };
}

/**
 * Ends a verification whose time is up by the database's clock and that waits for the player.
 * `remainingMs` says when to ask again; what is under review is never ended by time.
 */
async function expireVerification(
  db: Database,
  { verificationId }: { verificationId: string },
): Promise<VerificationStatus & { remainingMs: number }> {
  return db.transaction().execute(async (trx) => {
    const row = await lockExisting(trx, verificationId);
    const { remainingMs } = await trx
      .selectFrom('kyc.verification')
      .select(sql<string>`ceil(extract(epoch from expires_at - now()) * 1000)`.as('remainingMs'))
      .where('id', '=', verificationId)
      .executeTakeFirstOrThrow();
    const state = stateOf(row);
    if (state === 'opened' && Number(remainingMs) <= 0) {
      await expire(trx, row, workflowActor(verificationId));
      return { state: 'expired', attempt: row.attempt, remainingMs: 0 };
    }
    return { state, attempt: row.attempt, remainingMs: Math.max(0, Number(remainingMs)) };
  });
}

/** States that the player should be reminded, once per attempt: the message itself is CRM's. */
async function remindOfVerification(
  db: Database,
  { verificationId }: { verificationId: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const row = await lockExisting(trx, verificationId);
    if (row.state !== 'opened') return;
    const reminded = await trx
      .selectFrom('compliance.audit')
      .select('id')
      .where('subject', '=', `verification:${row.id}`)
      .where('action', '=', 'kyc.verification.reminded')
      .where(sql<number>`(details ->> 'attempt')::int`, '=', row.attempt)
      .executeTakeFirst();
    if (reminded) return;
    await appendEvent(
      trx,
      {
        type: 'kyc.verification.reminded',
        version: 1,
        brand: row.brand,
        playerId: row.playerId,
        payload: { verificationId: row.id, playerId: row.playerId, level: row.level, attempt: row.attempt },
      },
      { actor: workflowActor(row.id), subject: `verification:${row.id}` },
    );
  });
}

/** Writes an operator's decision; failures `not-found`, `verification-not-open`, `already-decided`. A repeat is harmless. */
async function applyVerificationDecision(db: Database, input: OperatorDecision): Promise<VerificationStatus> {
  return db.transaction().execute(async (trx) => {
    const row = await lockExisting(trx, input.verificationId);
    const wanted = input.decision === 'approve' ? 'approved' : 'refused';
    const state = stateOf(row);
    if (state === wanted && row.decidedBy === input.operatorId) return { state, attempt: row.attempt };
    if (isVerificationOver(state)) {
      throw new FailureError(fail('already-decided', `The verification is ${state}.`).failure);
    }
    orThrow(checkDecidable(state));
    await takeStep(trx, row, {
      step: wanted === 'approved' ? { to: 'approved' } : { to: 'refused', labels: ['not-accepted'] },
      reviewRef: null,
      actor: { kind: 'operator', id: input.operatorId },
      operatorId: input.operatorId,
      reason: input.reason,
    });
    return { state: wanted, attempt: row.attempt };
  });
}

const workflowActor = (verificationId: string) =>
  ({ kind: 'workflow', id: `verification:${verificationId}` }) as const;

async function lockExisting(trx: Parameters<typeof lockVerification>[0], verificationId: string) {
  const row = await lockVerification(trx, verificationId);
  if (!row) throw new FailureError(fail('not-found', 'There is no such verification.').failure);
  return row;
}
