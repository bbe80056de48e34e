/** What is left of a registration that nobody verified: a row without a person, of which every reader is told. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMessageActivities } from '#activities/crm/messages.ts';
import { readPersonalData } from '#activities/pam/commands/personal-data.ts';
import { createRegistrationActivities } from '#activities/pam/registrations.ts';
import { sealForPlayer } from '#activities/personal-data.ts';
import { createTransport } from 'nodemailer';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const wish = () => ({
  email: `${randomUUID()}@example.org`,
  password: 'correct horse battery staple',
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '1990-12-10',
  country: 'MT',
  brand: 'aurora',
  jurisdiction: 'MT',
  currency: 'EUR',
  termsVersion: 1,
});

async function closed() {
  const body = wish();
  const key = randomUUID();
  const registered = await app.send('POST', '/v1/players', body, { key });
  const playerId = String(registered.body['playerId']);
  const close = () => createRegistrationActivities({ db: database.db }).closeRegistration({ playerId });
  expect(await close()).toEqual({ state: 'closed' });
  return { playerId, body, key, close };
}

test('its keys are destroyed with the closing, once, and the fact is told', async () => {
  const { playerId, close } = await closed();
  expect(await close()).toEqual({ state: 'closed' });
  const keys = await database.db
    .selectFrom('pam.playerKey')
    .select(['purpose', 'wrapped', 'destroyedAt'])
    .where('playerId', '=', playerId)
    .orderBy('purpose')
    .execute();
  expect(keys).toMatchObject([
    { purpose: 'aml', wrapped: null, destroyedAt: expect.any(Date) },
    { purpose: 'general', wrapped: null, destroyedAt: expect.any(Date) },
  ]);
  const facts = await database.db
    .selectFrom('compliance.audit')
    .select('action')
    .where('subject', '=', `player:${playerId}`)
    .orderBy('id')
    .execute();
  expect(facts.map(({ action }) => action)).toEqual([
    'pam.player.registered',
    'pam.player.closed',
    'pam.personal-data.erased',
  ]);
  await expect(
    database.ownerPool.query(
      `update pam.player_key set wrapped = '\\x00', destroyed_at = null where player_id = $1`,
      [playerId],
    ),
  ).rejects.toThrow('destroyed');
});

test('every read of such a player answers, and says that the person is erased', async () => {
  const { playerId, body, key } = await closed();
  expect(await readPersonalData(app.deps, playerId)).toEqual({ general: null, aml: null });
  for (const role of ['support', 'analyst'] as const) {
    const token = await app.signInAs([role]);
    const seen = await app.send('GET', `/admin/v1/players/${playerId}`, undefined, { token });
    if (seen.status === 403) continue;
    expect(seen).toMatchObject({
      status: 200,
      body: {
        status: 'closed',
        email: null,
        firstName: null,
        lastName: null,
        dateOfBirth: null,
        personalDataErasedAt: expect.stringMatching(/^\d{4}-/),
      },
    });
  }
  const staff = await app.signInAs(['admin']);
  const found = await app.send('GET', `/admin/v1/players?id=${playerId}`, undefined, { token: staff });
  expect(found.status).toBe(200);
  const owner = { playerId, purpose: 'aml' } as const;
  expect(await sealForPlayer(database.db, app.deps.keyRing, owner, 'account', 'DE00')).toBeNull();
  // A mail that was still under way ends without an address, and a repeat of the registration is told that its key is used.
  const messages = createMessageActivities({
    db: database.db,
    keyRing: app.deps.keyRing,
    mailer: { transport: createTransport({ jsonTransport: true }), from: 'no-reply@pitboss.localhost' },
    publicUrl: 'http://127.0.0.1:8080',
  });
  expect(await messages.sendEmail({ messageId: randomUUID(), playerId, template: 'verify-email' })).toEqual({
    state: 'not-needed',
  });
  expect(await app.send('POST', '/v1/players', body, { key })).toMatchObject({
    status: 422,
    body: { code: 'idempotency-key-reused' },
  });
  expect((await app.send('POST', '/v1/players', body, { key: randomUUID() })).status).toBe(201);
});

test('the person of a player who is there stands as before', async () => {
  const registered = await app.send('POST', '/v1/players', wish(), { key: randomUUID() });
  const token = await app.signInAs(['support']);
  const path = `/admin/v1/players/${String(registered.body['playerId'])}`;
  expect((await app.send('GET', path, undefined, { token })).body).toMatchObject({
    firstName: 'Ada',
    personalDataErasedAt: null,
  });
});
