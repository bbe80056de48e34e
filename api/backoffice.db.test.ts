/** Staff through the real application: sessions of their own realm, roles, brands, lists, and a seed that repeats. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putOperator } from '#activities/backoffice/operators.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer } from '#test/support/factories.ts';
import { seed } from '#workers/seed.ts';

let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const codeOf = (answer: Answer) => `${answer.status} ${String(answer.body['code'])}`;
const get = (path: string, token: string) => app.send('GET', path, undefined, { token });

test('an operator sees the own permissions, and nothing after signing out', async () => {
  const token = await app.signInAs(['payments', 'analyst']);
  const me = await get('/admin/v1/me', token);
  expect(me.body).toMatchObject({ roles: ['analyst', 'payments'], brands: ['*'] });
  expect(me.body['permissions']).toContain('payments:withdrawal:approve');
  expect(me.body['permissions']).not.toContain('pam:pii:read');
  expect((await app.send('DELETE', '/admin/v1/sessions/current', undefined, { token })).status).toBe(204);
  expect(codeOf(await get('/admin/v1/me', token))).toBe('401 session-expired');
});

test('signing in and out is on record, in the audit trail and as facts', async () => {
  const token = await app.signInAs(['support']);
  const operatorId = String((await get('/admin/v1/me', token)).body['id']);
  await app.send('DELETE', '/admin/v1/sessions/current', undefined, { token });
  await app.send('DELETE', '/admin/v1/sessions/current', undefined, { token });
  const { rows } = await database.ownerPool.query<{ type: string; actor: string }>(
    `select o.type, a.actor from compliance.outbox o join compliance.audit a on a.event_id = o.event_id
     where a.subject = $1 order by o.id`,
    [`operator:${operatorId}`],
  );
  expect(rows).toEqual([
    { type: 'backoffice.operator.signed-in', actor: `operator:${operatorId}` },
    { type: 'backoffice.operator.signed-out', actor: `operator:${operatorId}` },
  ]);
});

test('a page of rounds goes on where the last one ended, also within a round that many players share', async () => {
  const players = [];
  for (let seats = 0; seats < 5; seats += 1) players.push(await makePlayer(database.db));
  for (const { id } of players)
    await database.ownerPool.query(
      `insert into games.round (integration, round_ref, player_id, asset, game_code, state, opened_at, guard_at)
       values ('live', 'table-7', $1, 'EUR', 'roulette', 'manual', now(), now()),
              ('another', 'table-7', $1, 'EUR', 'roulette', 'manual', now(), now())`,
      [id],
    );
  const token = await app.signInAs(['support']);
  const seen: string[] = [];
  for (let next: string | null = ''; next !== null;) {
    const after: string = next === '' ? '' : `&after=${next}`;
    const page = await get(`/admin/v1/rounds?state=manual&limit=3${after}`, token);
    expect(page.status).toBe(200);
    const items = page.body['items'] as { integration: string; playerId: string }[];
    seen.push(...items.map(({ integration, playerId }) => `${integration} ${playerId}`));
    next = page.body['next'] as string | null;
  }
  expect(seen).toHaveLength(10);
  expect(new Set(seen).size).toBe(10);
  expect(codeOf(await get('/admin/v1/rounds?after=table-7', token))).toBe('400 invalid-request');
});

test('verifications are of players that exist, in the brands that the operator may see', async () => {
  const player = await makePlayer(database.db);
  const of = async (id: string, brands?: readonly string[]) =>
    get(`/admin/v1/players/${id}/verifications`, await app.signInAs(['compliance'], brands));
  expect(await of(player.id)).toMatchObject({ status: 200, body: { level: 'L0', items: [] } });
  expect(codeOf(await of(randomUUID()))).toBe('404 not-found');
  expect(codeOf(await of(player.id, ['borealis']))).toBe('404 not-found');
});

test('a role that is taken away is gone at the next request, a disabled account at once', async () => {
  const email = `${randomUUID()}@staff.example`;
  const id = await putOperator(database.db, {
    email,
    name: 'Staff',
    password: 'a password of staff',
    roles: ['compliance'],
  });
  const session = await app.send('POST', '/admin/v1/sessions', {
    email: email.toUpperCase(),
    password: 'a password of staff',
  });
  const token = String(session.body['token']);
  expect((await get('/admin/v1/audit', token)).status).toBe(200);
  await database.ownerPool.query('delete from backoffice.operator_role where operator_id = $1', [id]);
  expect(codeOf(await get('/admin/v1/audit', token))).toBe('403 forbidden');
  await database.ownerPool.query(`update backoffice.operator set status = 'disabled' where id = $1`, [id]);
  expect(codeOf(await get('/admin/v1/me', token))).toBe('401 session-expired');
  expect(
    codeOf(await app.send('POST', '/admin/v1/sessions', { email, password: 'a password of staff' })),
  ).toBe('401 invalid-credentials');
});

test('ten wrong passwords, and the account waits', async () => {
  const email = `${randomUUID()}@staff.example`;
  await putOperator(database.db, { email, name: 'Staff', password: 'a password of staff', roles: ['admin'] });
  const guess = (password: string) => app.send('POST', '/admin/v1/sessions', { email, password });
  for (let tries = 0; tries < 10; tries += 1) expect((await guess('wrong')).status).toBe(401);
  expect(codeOf(await guess('a password of staff'))).toBe('429 too-many-requests');
});

test('the token of one realm opens nothing in the other', async () => {
  const staff = await app.signInAs(['admin']);
  expect(codeOf(await get('/v1/players/me', staff))).toBe('401 not-authenticated');
  const { rows } = await database.ownerPool.query<{ hash: Buffer }>(
    'select token_hash as hash from backoffice.session limit 1',
  );
  expect(rows[0]?.hash.length).toBe(32);
  expect(codeOf(await get('/admin/v1/me', 'A'.repeat(43)))).toBe('401 not-authenticated');
  const cookie = await app.send('GET', '/admin/v1/me', undefined, {
    headers: { cookie: `__Host-pitboss=${staff}` },
  });
  expect(codeOf(cookie)).toBe('401 not-authenticated');
});

test('every list of staff is paged, guarded and strict', async () => {
  const admin = await app.signInAs(['admin']);
  const content = await app.signInAs(['content']);
  for (const path of [
    '/admin/v1/operators',
    '/admin/v1/audit',
    '/admin/v1/players',
    '/admin/v1/affiliates/referrals',
    '/admin/v1/messages',
  ]) {
    expect((await get(path, admin)).status, path).toBe(200);
    expect(codeOf(await get(`${path}?limit=201`, admin)), path).toBe('400 invalid-request');
    expect(codeOf(await get(`${path}?colour=red`, admin)), path).toBe('400 invalid-request');
    expect(codeOf(await get(`${path}?after=%00`, admin)), path).toBe('400 invalid-request');
    expect(codeOf(await app.send('GET', path)), path).toBe('401 not-authenticated');
  }
  expect(codeOf(await get('/admin/v1/players', content))).toBe('403 forbidden');
  expect(codeOf(await get('/admin/v1/audit?subject=%00', admin))).toBe('400 invalid-request');
  const first = await get('/admin/v1/operators?limit=1', admin);
  const second = await get(`/admin/v1/operators?limit=1&after=${String(first.body['next'])}`, admin);
  expect(second.body['items']).toHaveLength(1);
  expect(second.body['items']).not.toEqual(first.body['items']);
});

test('a brand shows its offer and the terms in force', async () => {
  const brand = await app.send('GET', '/v1/brands/borealis');
  expect(brand.body).toMatchObject({
    id: 'borealis',
    version: 1,
    jurisdictions: ['MT', 'SE'],
    terms: { version: 1 },
  });
  expect(codeOf(await app.send('GET', '/v1/brands/atlantis'))).toBe('404 unknown-brand');
  expect(codeOf(await app.send('GET', '/v1/brands/A%00'))).toBe('400 invalid-request');
});

test('the seed repeats without effect, and terms cannot be edited', async () => {
  const count = async () => {
    const { rows } = await database.ownerPool.query<{ counts: string }>(`
      select concat_ws(' ', (select count(*) from pam.brand_config), (select count(*) from cms.terms),
        (select count(*) from wallet.asset), (select count(*) from affiliates.affiliate),
        (select count(*) from compliance.jurisdiction_profile), (select count(*) from payments.psp_route)) as counts`);
    return rows[0]?.counts;
  };
  const before = await count();
  await seed(database.db, app.deps.config);
  expect(await count()).toBe(before);
  await expect(database.ownerPool.query(`update cms.terms set body = 'other'`)).rejects.toThrow(
    'append-only',
  );
});
