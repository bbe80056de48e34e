/** A launch that was let in before its player signed out: whichever commits first, no token of it outlives the session. */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revokeSession } from '#activities/pam/commands/sessions.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer } from '#test/support/factories.ts';
import { makeIntegration } from '#test/support/integrations.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { openGameSession } from './commands/game-sessions.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await makePlayer(database.db);
  await makeIntegration(database.db, {
    id: 'studio',
    dialect: 'hub88',
    games: [{ code: 'slot', title: 'Slot', category: 'slots' }],
  });
});
afterAll(() => database?.drop());

async function signedIn() {
  const player = await makePlayer(database.db);
  await openTestSession(database, { playerId: player.id });
  const session = await database.db
    .selectFrom('pam.session')
    .select('id')
    .where('playerId', '=', player.id)
    .executeTakeFirstOrThrow();
  const who = { playerId: player.id, brand: player.brand, asset: 'EUR' };
  return { ...who, playerSessionId: session.id, integration: 'studio', game: 'slot' };
}

const signOut = (player: { playerId: string; playerSessionId: string }) =>
  revokeSession(database.db, {
    playerId: player.playerId,
    sessionId: player.playerSessionId,
    reason: 'signed-out',
    actor: { kind: 'player', id: player.playerId },
  });

test('a launch after the sign-out is refused', async () => {
  const player = await signedIn();
  expect(await openGameSession(database.db, player)).toMatchObject({ ok: true });
  orThrow(await signOut(player));
  expect(await openGameSession(database.db, player)).toMatchObject({ failure: { code: 'session-expired' } });
});

test('a launch while the sign-out is being written waits for it', async () => {
  const player = await signedIn();
  const written = Promise.withResolvers<void>();
  const committing = Promise.withResolvers<void>();
  const revoking = database.db.transaction().execute(async (trx) => {
    await trx
      .updateTable('pam.session')
      .set({ revokedAt: sql<Date>`now()`, revokeReason: 'signed-out' })
      .where('id', '=', player.playerSessionId)
      .execute();
    written.resolve();
    await committing.promise;
  });
  await written.promise;
  const launched = openGameSession(database.db, player);
  await delay(200);
  committing.resolve();
  await revoking;
  expect(await launched).toMatchObject({ failure: { code: 'session-expired' } });
});
