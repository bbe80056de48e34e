/** Moves a verification row, under its lock, together with the fact that tells of it. */
import { sql, type Selectable } from 'kysely';
import type { Trx } from '#db/connect.ts';
import type { KycVerification } from '#db/schema.generated.ts';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { assertNever } from '#domain/failures.ts';
import type { ReviewStep, VerificationState } from '#domain/kyc/review.ts';

export type VerificationRow = Selectable<KycVerification>;

/** The row under its lock until `trx` ends, or undefined. */
export const lockVerification = (trx: Trx, verificationId: string): Promise<VerificationRow | undefined> =>
  trx
    .selectFrom('kyc.verification')
    .selectAll()
    .where('id', '=', verificationId)
    .forUpdate()
    .executeTakeFirst();

export function stateOf(row: VerificationRow): VerificationState {
  switch (row.state) {
    case 'opened':
    case 'pending':
    case 'on-hold':
    case 'approved':
    case 'refused':
    case 'expired':
      return row.state;
    default:
      throw new Error(`Invariant broken: verification ${row.id} is ${row.state}`);
  }
}

export type StepTaken = {
  readonly step: ReviewStep;
  /** Review that the step answers; null when a person decided. */
  readonly reviewRef: string | null;
  readonly actor: Actor;
  readonly operatorId?: string;
  readonly reason?: string;
};

/** Writes the step; `unchanged` writes nothing. The row must be locked by `trx`. */
export async function takeStep(trx: Trx, row: VerificationRow, taken: StepTaken): Promise<void> {
  const { step } = taken;
  const deed = {
    actor: taken.actor,
    subject: `verification:${row.id}`,
    ...(taken.reason === undefined ? {} : { reason: taken.reason }),
  };
  const about = { verificationId: row.id, playerId: row.playerId, level: row.level };
  const fact = { version: 1, brand: row.brand, playerId: row.playerId } as const;
  switch (step.to) {
    case 'unchanged':
      return;
    case 'pending':
      await update(trx, row, { state: 'pending', holdReason: null });
      return appendEvent(
        trx,
        { ...fact, type: 'kyc.verification.submitted', payload: { ...about, attempt: row.attempt } },
        deed,
      );
    case 'on-hold':
      await update(trx, row, {
        state: 'on-hold',
        holdReason: step.reason,
        labels: [...step.labels],
        vendorReviewRef: taken.reviewRef,
      });
      return appendEvent(
        trx,
        { ...fact, type: 'kyc.verification.held', payload: { ...about, reason: step.reason } },
        deed,
      );
    case 'opened':
      await update(trx, row, {
        state: 'opened',
        holdReason: null,
        attempt: step.attempt,
        labels: [...step.labels],
        vendorReviewRef: taken.reviewRef,
      });
      return appendEvent(
        trx,
        {
          ...fact,
          type: 'kyc.verification.refused',
          payload: { ...about, kind: 'retry', labels: [...step.labels] },
        },
        deed,
      );
    case 'refused':
      await close(trx, row, 'refused', taken, step.labels);
      return appendEvent(
        trx,
        {
          ...fact,
          type: 'kyc.verification.refused',
          payload: { ...about, kind: 'final', labels: [...step.labels] },
        },
        deed,
      );
    case 'approved':
      await close(trx, row, 'approved', taken, []);
      await trx
        .insertInto('kyc.levelGrant')
        .values({
          playerId: row.playerId,
          level: row.level,
          verificationId: row.id,
          profileVersion: row.profileVersion,
        })
        .execute();
      return appendEvent(trx, { ...fact, type: 'kyc.verification.approved', payload: about }, deed);
    default:
      return assertNever(step);
  }
}

/** Ends a verification that the player let lie. */
export async function expire(trx: Trx, row: VerificationRow, actor: Actor): Promise<void> {
  await update(trx, row, { state: 'expired', holdReason: null, decidedAt: sql<Date>`now()` });
  await appendEvent(
    trx,
    {
      type: 'kyc.verification.refused',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        verificationId: row.id,
        playerId: row.playerId,
        level: row.level,
        kind: 'expired',
        labels: [],
      },
    },
    { actor, subject: `verification:${row.id}` },
  );
}

const close = (
  trx: Trx,
  row: VerificationRow,
  state: 'approved' | 'refused',
  taken: StepTaken,
  labels: readonly string[],
) =>
  update(trx, row, {
    state,
    holdReason: null,
    labels: [...labels],
    decidedAt: sql<Date>`now()`,
    ...(taken.operatorId === undefined ? {} : { decidedBy: taken.operatorId }),
    ...(taken.reviewRef === null ? {} : { vendorReviewRef: taken.reviewRef }),
  });

async function update(
  trx: Trx,
  row: VerificationRow,
  change: {
    state: VerificationState;
    holdReason: string | null;
    attempt?: number;
    labels?: string[];
    vendorReviewRef?: string | null;
    decidedAt?: ReturnType<typeof sql<Date>>;
    decidedBy?: string;
  },
): Promise<void> {
  await trx.updateTable('kyc.verification').set(change).where('id', '=', row.id).execute();
}
