/** A database of its own with one PSP that follows a script: what a file of tests about a single PSP stands on. */
import { afterAll, beforeAll } from 'vitest';
import type { Database } from '#db/connect.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { paymentActivities, scriptedPsp, seedWorld } from './payment-world.ts';

/** To be called where the file begins: the database is there in its tests, and dropped after them. */
export function openAlphaWorld() {
  const alpha = scriptedPsp('alpha');
  let database: TestDatabase | undefined;
  const must = (): TestDatabase => {
    if (database === undefined) throw new Error('the world opens with the first test');
    return database;
  };
  beforeAll(async () => {
    database = await createTestDatabase();
    await seedWorld(database.db);
  }, 120_000);
  afterAll(() => database?.drop());
  return {
    alpha,
    get db(): Database {
      return must().db;
    },
    get database(): TestDatabase {
      return must();
    },
    acts: () => paymentActivities(must().db, new Map([['alpha', alpha]])),
  };
}
