/** Which of a player's applicants at the vendor is asked about lists: the one whose documents were approved last. */
import type { Database } from '#db/connect.ts';

export type ScreenedApplicant = { readonly applicantId: string; readonly externalUserId: string };

/** Null while no check of the player has been approved at the vendor, or its level was taken back. */
export async function identifiedApplicant(db: Database, playerId: string): Promise<ScreenedApplicant | null> {
  const row = await db
    .selectFrom('kyc.levelGrant')
    .innerJoin('kyc.verification', 'kyc.verification.id', 'kyc.levelGrant.verificationId')
    .select(['vendorApplicantId', 'vendorUserId'])
    .where('kyc.levelGrant.playerId', '=', playerId)
    .where('revokedAt', 'is', null)
    .where('vendorApplicantId', 'is not', null)
    .orderBy('grantedAt', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row || row.vendorApplicantId === null) return null;
  return { applicantId: row.vendorApplicantId, externalUserId: row.vendorUserId };
}
