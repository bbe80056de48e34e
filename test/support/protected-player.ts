/** A player with a wallet in euro, in the words of what protects him, and a session of his. */
import { randomUUID } from 'node:crypto';
import { seedProfiles } from '#activities/compliance/profiles.ts';
import { createToken, hashToken } from '#activities/tokens.ts';
import type { TestDatabase } from './database.ts';
import { makePlayer } from './factories.ts';

export type TestPlayer = { readonly playerId: string; readonly brand: string; readonly jurisdiction: string };

/** The jurisdictions' profiles; call it once per database that no seed has filled. */
export const seedProtection = (database: TestDatabase): Promise<void> => seedProfiles(database.db);

export async function createTestPlayer(database: TestDatabase, jurisdiction = 'MT'): Promise<TestPlayer> {
  const { id, brand } = await makePlayer(database.db, { jurisdiction });
  return { playerId: id, brand, jurisdiction };
}

/** Opens a session from a device and an address; answers with its bearer token. */
export async function openTestSession(
  database: TestDatabase,
  { playerId }: Pick<TestPlayer, 'playerId'>,
  { deviceId = randomUUID(), ip = '203.0.113.7' } = {},
): Promise<string> {
  const token = createToken();
  await database.db
    .insertInto('pam.device')
    .values({ playerId, deviceId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const laterMs = Date.now() + 3_600_000;
  await database.db
    .insertInto('pam.session')
    .values({
      id: randomUUID(),
      tokenHash: hashToken(token),
      playerId,
      deviceId,
      ip,
      idleExpiresAt: new Date(laterMs),
      expiresAt: new Date(laterMs),
    })
    .execute();
  return token;
}
