/** Reads and publishes the rules of jurisdictions; whoever decides by them stores the version they got here. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { profileSchema, type VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { publishedProfiles } from '#domain/compliance/profiles.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { rememberShortly } from '../short-memory.ts';

/** The profile in force; failure `unknown-jurisdiction`. */
export async function currentProfile(
  db: Database | Trx,
  jurisdiction: string,
): Promise<Result<VersionedProfile>> {
  const row = await db
    .selectFrom('compliance.jurisdictionProfile')
    .select(['jurisdiction', 'version', 'profile'])
    .where('jurisdiction', '=', jurisdiction)
    .where('publishedAt', '<=', sql<Date>`now()`)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? succeed(fromRow(row)) : unknown(jurisdiction);
}

/** The same, at most two seconds old: for what waits for an answer and stores the version that it used. */
export const recentProfile = rememberShortly(2_000, currentProfile);

/** The profile that a decision was made under; failure `unknown-jurisdiction`. */
export async function profileVersion(
  db: Database | Trx,
  jurisdiction: string,
  version: number,
): Promise<Result<VersionedProfile>> {
  const row = await db
    .selectFrom('compliance.jurisdictionProfile')
    .select(['jurisdiction', 'version', 'profile'])
    .where('jurisdiction', '=', jurisdiction)
    .where('version', '=', version)
    .executeTakeFirst();
  return row ? succeed(fromRow(row)) : unknown(jurisdiction);
}

/** Every jurisdiction's profile in force, by code. */
export async function listCurrentProfiles(db: Database | Trx): Promise<VersionedProfile[]> {
  const rows = await db
    .selectFrom('compliance.jurisdictionProfile')
    .distinctOn('jurisdiction')
    .select(['jurisdiction', 'version', 'profile'])
    .where('publishedAt', '<=', sql<Date>`now()`)
    .orderBy('jurisdiction')
    .orderBy('version', 'desc')
    .execute();
  return rows.map(fromRow);
}

/** Publishes the shipped versions that the database does not have yet; running it again is harmless. */
export async function seedProfiles(trx: Database | Trx): Promise<void> {
  for (const { jurisdiction, version, profile } of publishedProfiles) {
    await trx
      .insertInto('compliance.jurisdictionProfile')
      .values({ jurisdiction, version, profile: JSON.stringify(profileSchema.parse(profile)) })
      .onConflict((conflict) => conflict.columns(['jurisdiction', 'version']).doNothing())
      .execute();
  }
}

const fromRow = (row: { jurisdiction: string; version: number; profile: unknown }): VersionedProfile => ({
  jurisdiction: row.jurisdiction,
  version: row.version,
  profile: profileSchema.parse(row.profile),
});

const unknown = (jurisdiction: string) =>
  fail('unknown-jurisdiction', `There are no rules for the jurisdiction ${jurisdiction.slice(0, 8)}.`);
