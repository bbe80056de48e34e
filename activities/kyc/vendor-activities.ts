/** The steps of a verification that ask the vendor. Each can be repeated: the vendor's answer is fetched, never assumed. */
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { verifiableLevels, vendorLevelName, type VerifiableLevel } from '#domain/kyc/levels.ts';
import { stepOnReview, type HoldReason } from '#domain/kyc/review.ts';
import { lockVerification, stateOf, takeStep, type VerificationRow } from './transitions.ts';
import type { VerificationStatus } from './verification-activities.ts';

/** A link that leaks is worth little: it dies with the player's visit. */
const linkTtlS = 1_800;

type KycVendorDeps = Pick<ActivityDeps, 'db' | 'kycVendor'>;

export function createKycVendorActivities(deps: KycVendorDeps) {
  return {
    inviteToVerify: (input: { verificationId: string }) => inviteToVerify(deps, input),
    reviewApplicant: (input: { verificationId: string }) => reviewApplicant(deps, input),
  };
}

/** Makes sure that the applicant exists and gives a fresh link to the hosted page while the player may use it. */
async function inviteToVerify(
  deps: KycVendorDeps,
  { verificationId }: { verificationId: string },
): Promise<VerificationStatus & { verifyUrl: string | null }> {
  const row = await readVerification(deps.db, verificationId);
  if (row.state !== 'opened') return { state: stateOf(row), attempt: row.attempt, verifyUrl: null };
  const who = { externalUserId: row.vendorUserId, levelName: vendorLevelName(levelOf(row)) };
  if (row.vendorApplicantId === null) {
    const { applicantId } = await deps.kycVendor.ensureApplicant(who);
    await deps.db
      .updateTable('kyc.verification')
      .set({ vendorApplicantId: applicantId })
      .where('id', '=', verificationId)
      .where('vendorApplicantId', 'is', null)
      .execute();
  }
  const { url } = await deps.kycVendor.createVerifyLink({ ...who, ttlS: linkTtlS });
  return { state: 'opened', attempt: row.attempt, verifyUrl: url };
}

/** Fetches the applicant and moves the verification as its review says; safe to call at any time. */
async function reviewApplicant(
  deps: KycVendorDeps,
  { verificationId }: { verificationId: string },
): Promise<VerificationStatus> {
  const known = await readVerification(deps.db, verificationId);
  if (known.vendorApplicantId === null) return { state: stateOf(known), attempt: known.attempt };
  const applicant = await deps.kycVendor.readApplicant(known.vendorApplicantId);
  if (applicant.externalUserId !== known.vendorUserId) {
    throw new FailureError(fail('dependency-unavailable', 'The KYC vendor gave another applicant.').failure);
  }
  // What the vendor decided about another level says nothing about this one.
  if (applicant.levelName !== vendorLevelName(levelOf(known))) {
    return { state: stateOf(known), attempt: known.attempt };
  }
  return deps.db.transaction().execute(async (trx) => {
    const row = await lockVerification(trx, verificationId);
    if (!row) throw notFound();
    const step = stepOnReview(
      {
        state: stateOf(row),
        attempt: row.attempt,
        holdReason: holdReasonOf(row),
        lastReviewRef: row.vendorReviewRef,
      },
      applicant.review,
    );
    await takeStep(trx, row, {
      step,
      reviewRef: applicant.review.ref,
      actor: { kind: 'workflow', id: `verification:${verificationId}` },
    });
    return {
      state: step.to === 'unchanged' ? stateOf(row) : step.to,
      attempt: step.to === 'opened' ? step.attempt : row.attempt,
    };
  });
}

async function readVerification(db: Database, verificationId: string): Promise<VerificationRow> {
  const row = await db
    .selectFrom('kyc.verification')
    .selectAll()
    .where('id', '=', verificationId)
    .executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

function levelOf(row: VerificationRow): VerifiableLevel {
  const level = verifiableLevels.find((name) => name === row.level);
  if (level === undefined) throw new Error(`Invariant broken: verification ${row.id} is for ${row.level}`);
  return level;
}

const holdReasonOf = (row: VerificationRow): HoldReason | null =>
  row.holdReason === 'vendor' || row.holdReason === 'attempts' ? row.holdReason : null;

const notFound = () => new FailureError(fail('not-found', 'There is no such verification.').failure);
