/** Which KYC level a player holds, read from the grants. */
import type { Database, Trx } from '#db/connect.ts';
import { highestLevel, isKycLevel, type KycLevel } from '#domain/kyc/levels.ts';

/** The highest level granted and not revoked; L0 for everyone else. Read from the primary. */
export async function readKycLevel(db: Database | Trx, playerId: string): Promise<KycLevel> {
  const rows = await db
    .selectFrom('kyc.levelGrant')
    .select('level')
    .where('playerId', '=', playerId)
    .where('revokedAt', 'is', null)
    .execute();
  return highestLevel(rows.map((row) => row.level).filter(isKycLevel));
}
