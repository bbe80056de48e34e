/** Which KYC level a player holds, read from the grants. */
import { sql, type RawBuilder } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { highestLevel, isKycLevel, type KycLevel } from '#domain/kyc/levels.ts';

/** The levels granted and not revoked, as a part of somebody's statement. */
export const grantedLevels = (playerId: RawBuilder<unknown>): RawBuilder<string[]> => sql<string[]>`
  array(select g.level from kyc.level_grant g where g.player_id = ${playerId} and g.revoked_at is null)`;

/** L0 for whom nothing was granted. */
export const levelOf = (granted: readonly string[]): KycLevel => highestLevel(granted.filter(isKycLevel));

/** The highest level granted and not revoked; L0 for everyone else. Read from the primary. */
export async function readKycLevel(db: Database | Trx, playerId: string): Promise<KycLevel> {
  const { rows } = await sql<{
    levels: string[];
  }>`select ${grantedLevels(sql`${playerId}`)} as levels`.execute(db);
  return levelOf(rows[0]?.levels ?? []);
}
