/** Matches with lists over HTTP and a real database: who sees them, who decides, once, and who is told. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { brand, seedWorld, workItemsOf } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let [cleo, other, desk, elsewhere] = ['', '', '', ''];
const told: string[] = [];
let isTemporalAway = false;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database, {
    // Nobody listens: what is looked at is who was told.
    temporal: () =>
      isTemporalAway
        ? Promise.reject(new FailureError(fail('dependency-unavailable', 'away').failure))
        : Promise.resolve({
            workflow: { getHandle: (id: string) => ({ signal: async () => void told.push(id) }) },
          } as never),
  });
  await seedWorld(database.db);
  [cleo, other, desk, elsewhere] = await Promise.all([
    app.signInAs(['compliance']),
    app.signInAs(['compliance']),
    app.signInAs(['payments']),
    app.signInAs(['compliance'], ['borealis']),
  ]);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** A match that waits for a person. */
async function hit(): Promise<{ id: string; subject: string }> {
  const [id, subject] = [randomUUID(), `withdrawal:${randomUUID()}`];
  await database.db
    .insertInto('kyc.screening')
    .values({
      id,
      subject,
      number: 1,
      playerId: randomUUID(),
      brand,
      state: 'hit',
      listVersion: 'l1',
      answeredAt: new Date(),
      hitIds: ['h1'],
      lists: ['sanctions'],
    })
    .execute();
  await openWorkItem(database.db, { kind: 'screening-hit', subject, brand, reason: 'on sanctions' });
  return { id, subject };
}

const decide = (id: string, decision: string, token: string, reason = 'another date of birth') =>
  app.send('POST', `/admin/v1/screenings/${id}/decisions`, { decision, reason }, { token });

test('compliance sees what waits and clears it, the work item ends with it, and the withdrawal is told', async () => {
  const { id, subject } = await hit();
  const list = await app.send('GET', '/admin/v1/screenings?state=hit', undefined, { token: cleo });
  expect(list.body).toMatchObject({
    items: [{ screeningId: id, subject, state: 'hit', lists: ['sanctions'], listVersion: 'l1' }],
  });
  expect((await decide(id, 'clear', cleo)).body).toMatchObject({
    state: 'cleared',
    reason: 'another date of birth',
  });
  expect(told).toEqual([subject]);
  expect(await workItemsOf(database.db, subject)).toEqual(['screening-hit:closed']);
  // The same word again is an answer that got lost; another one, or another person's, comes too late.
  expect((await decide(id, 'clear', cleo)).status).toBe(200);
  expect((await decide(id, 'confirm', cleo)).body).toMatchObject({ code: 'already-decided' });
  expect((await decide(id, 'clear', other)).body).toMatchObject({ code: 'already-decided' });
});

test('a payments desk neither sees nor decides, another brand finds nothing, and bad input is told as such', async () => {
  const { id } = await hit();
  expect((await decide(id, 'clear', desk)).status).toBe(403);
  expect((await app.send('GET', '/admin/v1/screenings', undefined, { token: desk })).status).toBe(403);
  expect((await decide(id, 'clear', elsewhere)).status).toBe(404);
  expect((await app.send('GET', '/admin/v1/screenings', undefined, { token: elsewhere })).body).toMatchObject(
    { items: [] },
  );
  expect((await decide(randomUUID(), 'clear', cleo)).status).toBe(404);
  expect((await decide(id, 'perhaps', cleo)).status).toBe(400);
  expect((await decide(id, 'clear', cleo, 'x')).status).toBe(400);
});

test('a decision is kept while Temporal is away, and its repeat tells the withdrawal', async () => {
  const { id, subject } = await hit();
  isTemporalAway = true;
  expect((await decide(id, 'confirm', cleo)).status).toBe(503);
  isTemporalAway = false;
  expect((await decide(id, 'confirm', cleo)).body).toMatchObject({ state: 'confirmed' });
  expect(told).toContain(subject);
});
