/** Pages over a real table: every row once, whatever the size of the page, rows of the same instant among them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer } from '#test/support/factories.ts';
import { newerThan, olderThan, pageById } from './keyset.ts';

const place = { table: 'pam.session', column: 'openedAt' };
const later = new Date('2030-01-01T00:00:00Z');
let database: TestDatabase;
let mine: string;
let ofAnother: string;

async function openSessions(openedAtS: readonly number[]): Promise<string> {
  const { id: playerId } = await makePlayer(database.db);
  const deviceId = randomUUID();
  await database.db.insertInto('pam.device').values({ playerId, deviceId }).execute();
  const rows = openedAtS.map((second) => ({
    id: randomUUID(),
    tokenHash: randomBytes(32),
    playerId,
    deviceId,
    openedAt: new Date(second * 1_000),
    idleExpiresAt: later,
    expiresAt: later,
  }));
  await database.db.insertInto('pam.session').values(rows).execute();
  return playerId;
}

beforeAll(async () => {
  database = await createTestDatabase();
  mine = await openSessions([0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 4]);
  ofAnother = await openSessions([2]);
});
afterAll(() => database.drop());

const read = (limit: number, after: string | null, direction: 'asc' | 'desc') => {
  const follows = direction === 'desc' ? olderThan : newerThan;
  return database.db
    .selectFrom('pam.session')
    .select(['id', 'openedAt'])
    .where('playerId', '=', mine)
    .$if(after !== null, (query) => query.where(follows({ ...place, after: after ?? '', playerId: mine })))
    .orderBy('openedAt', direction)
    .orderBy('id', direction)
    .limit(limit + 1)
    .execute();
};

test.each([
  { direction: 'desc', limit: 1 },
  { direction: 'desc', limit: 3 },
  { direction: 'asc', limit: 2 },
  { direction: 'asc', limit: 11 },
] as const)('pages of $limit, $direction, are the whole list in its order', async ({ direction, limit }) => {
  const whole = (await read(100, null, direction)).map(({ id }) => id);
  expect(whole).toHaveLength(11);
  const paged: string[] = [];
  let after: string | null = null;
  do {
    const page: { items: string[]; next: string | null } = pageById(
      await read(limit, after, direction),
      limit,
      ({ id }) => id,
    );
    expect(page.items.length).toBeLessThanOrEqual(limit);
    paged.push(...page.items);
    after = page.next;
  } while (after !== null);
  expect(paged).toEqual(whole);
});

test('nothing follows an id that names nothing, or a row of another player', async () => {
  expect(await read(5, randomUUID(), 'desc')).toEqual([]);
  const { id } = await database.db
    .selectFrom('pam.session')
    .select('id')
    .where('playerId', '=', ofAnother)
    .executeTakeFirstOrThrow();
  expect(await read(5, id, 'desc')).toEqual([]);
});
