/** A player who has lost his password: the mail over real SMTP, the link used once, and what an attacker learns or gets by it. */
import { randomUUID } from 'node:crypto';
import { createTransport, type Transporter } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMessageActivities } from '#activities/crm/messages.ts';
import { setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { resetMailsMax, resetRequestsMax } from '#domain/pam/password-reset.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

const password = 'correct horse battery staple';
const another = 'tr0ubadour and three more';
const directory = createTemporaryDirectory();

let database: TestDatabase;
let app: TestApi;
let mailbox: PartyProcess;
let transport: Transporter;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  mailbox = await startParty('mailbox', { STATE_DIR: directory.path, SMTP_PORT: '0' });
  const port = mailbox.log.find((entry) => entry['event'] === 'smtp_listening')?.['port'];
  transport = createTransport({ host: '127.0.0.1', port: Number(port), secure: false, ignoreTLS: true });
}, 60_000);
afterAll(async () => {
  transport?.close();
  await mailbox?.stop();
  directory.remove();
  await app?.close();
  await database?.drop();
});

/** `200` where there is no code. */
const codeOf = ({ status, body: { code } }: Answer): string =>
  typeof code === 'string' ? `${status} ${code}` : String(status);

type Player = { readonly playerId: string; readonly email: string };

async function player({ isVerified = true } = {}): Promise<Player> {
  const email = `${randomUUID()}@example.org`;
  const person = { firstName: 'Ada', lastName: 'Lovelace', dateOfBirth: '1990-12-10', country: 'MT' };
  const account = { brand: 'aurora', jurisdiction: 'MT', currency: 'EUR', termsVersion: 1 };
  const registered = await app.send(
    'POST',
    '/v1/players',
    { email, password, ...person, ...account },
    { key: randomUUID() },
  );
  const playerId = String(registered.body['playerId']);
  if (isVerified)
    await database.ownerPool.query(
      `update pam.player set status = 'active', email_verified_at = now() where id = $1`,
      [playerId],
    );
  return { playerId, email };
}

const signIn = (email: string, given = password) =>
  app.send('POST', '/v1/sessions', { brand: 'aurora', email, password: given });
const ask = (email: string) => app.send('POST', '/v1/players/password-resets', { brand: 'aurora', email });
const complete = (token: string, given = another) =>
  app.send('POST', '/v1/players/reset-password', { token, password: given });

const resetsOf = async (playerId: string): Promise<string[]> =>
  (
    await database.db
      .selectFrom('pam.passwordReset')
      .select('id')
      .where('playerId', '=', playerId)
      .orderBy('requestedAt')
      .execute()
  ).map(({ id }) => id);

/** As the workflow does it for the fact of the request. */
const send = (messageId: string, playerId: string, template: 'password-reset' | 'password-changed') =>
  createMessageActivities({
    db: database.db,
    keyRing: app.deps.keyRing,
    mailer: { transport, from: 'Pitboss <no-reply@pitboss.localhost>' },
    publicUrl: 'http://127.0.0.1:8080',
  }).sendEmail({ messageId, playerId, template });

type Mail = { readonly subject: string; readonly text: string };
const mailsTo = async (email: string): Promise<Mail[]> =>
  (await (await fetch(`${mailbox.url}/messages?to=${encodeURIComponent(email)}`)).json()) as Mail[];

async function linkToken({ playerId, email }: Player): Promise<string> {
  expect(await ask(email)).toMatchObject({ status: 202, body: {} });
  const resetId = (await resetsOf(playerId)).at(-1) ?? '';
  expect(await send(resetId, playerId, 'password-reset')).toEqual({ state: 'sent' });
  const [mail] = await mailsTo(email);
  expect(mail?.subject).toBe('A new password for your account at Aurora');
  return /reset-password\?token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? '';
}

test('the link of the mail sets a new password once, and every session ends', async () => {
  const who = await player();
  const session = String((await signIn(who.email)).body['token']);
  const token = await linkToken(who);
  expect((await app.send('GET', '/v1/players/me', undefined, { token: session })).status).toBe(200);
  expect(await complete(token)).toMatchObject({ status: 200, body: {} });
  expect(codeOf(await app.send('GET', '/v1/players/me', undefined, { token: session }))).toBe(
    '401 session-expired',
  );
  expect(codeOf(await signIn(who.email))).toBe('401 invalid-credentials');
  expect((await signIn(who.email, another)).status).toBe(201);
  expect(codeOf(await complete(token, 'yet another password 9'))).toBe('400 reset-link-invalid');
  const facts = await database.db
    .selectFrom('compliance.outbox')
    .select(['type', 'payload'])
    .where('playerId', '=', who.playerId)
    .where('type', 'in', ['pam.password-reset.requested', 'pam.password.changed', 'pam.session.revoked'])
    .orderBy('id')
    .execute();
  expect(facts.map(({ type }) => type)).toEqual([
    'pam.password-reset.requested',
    'pam.session.revoked',
    'pam.password.changed',
  ]);
  const changed = facts.at(-1)?.payload as { readonly changeId: string } | undefined;
  expect(await send(changed?.changeId ?? '', who.playerId, 'password-changed')).toEqual({ state: 'sent' });
  expect((await mailsTo(who.email))[0]?.subject).toBe('Your password at Aurora was changed');
});

test('neither the token nor the password stands anywhere in the database', async () => {
  const who = await player();
  const token = await linkToken(who);
  await complete(token);
  for (const table of [
    'pam.password_reset',
    'pam.password_reset_token',
    'pam.credential',
    'compliance.outbox',
    'compliance.audit',
    'crm.message',
  ]) {
    const { rows } = await database.ownerPool.query<{ line: string }>(
      `select t::text as line from ${table} t`,
    );
    const all = rows.map(({ line }) => line).join('\n');
    for (const secret of [token, another, who.email]) expect(all.includes(secret), table).toBe(false);
  }
});

test('the answer is the same for an address without an account, and for one that is not verified', async () => {
  const known = await player();
  const unverified = await player({ isVerified: false });
  const answers = await Promise.all([known.email, unverified.email, `${randomUUID()}@example.org`].map(ask));
  expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(Array(3).fill('202 {}'));
  expect(await resetsOf(known.playerId)).toHaveLength(1);
  expect(await resetsOf(unverified.playerId)).toEqual([]);
});

test('asking has a pace, the same for every address, and mails to one player have one from wherever they are asked for', async () => {
  const who = await player();
  for (const email of [who.email, `${randomUUID()}@example.org`]) {
    for (let asked = 0; asked < resetRequestsMax; asked += 1) expect((await ask(email)).status).toBe(202);
    const refused = await ask(email);
    expect(codeOf(refused)).toBe('429 too-many-requests');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
  }
  await database.ownerPool.query('delete from pam.sign_in_throttle');
  expect((await ask(who.email)).status).toBe(202);
  expect(await resetsOf(who.playerId)).toHaveLength(resetMailsMax);
});

test('a link that is too old, foreign or overtaken by another one is worth nothing', async () => {
  const who = await player();
  const [first, second, third] = [await linkToken(who), await linkToken(who), await linkToken(who)];
  expect(codeOf(await complete('A'.repeat(43)))).toBe('400 reset-link-invalid');
  const old = (await resetsOf(who.playerId))[0];
  await database.ownerPool.query('alter table pam.password_reset disable trigger password_reset_states');
  await database.ownerPool.query(
    `update pam.password_reset set requested_at = now() - interval '2 hours', expires_at = now() - interval '1 second' where id = $1`,
    [old],
  );
  await database.ownerPool.query('alter table pam.password_reset enable trigger password_reset_states');
  expect(codeOf(await complete(first))).toBe('400 reset-link-invalid');
  const raced = await Promise.all([complete(second), complete(second, 'the other of the two 1')]);
  expect(raced.map(codeOf).toSorted()).toEqual(['200', '400 reset-link-invalid']);
  expect(codeOf(await complete(third))).toBe('400 reset-link-invalid');
});

test('a password that may not be leaves the link as it was', async () => {
  const who = await player();
  const token = await linkToken(who);
  for (const weak of ['short', 'aaaaaaaaaaaaaaaa', who.email])
    expect(codeOf(await complete(token, weak))).toBe('400 invalid-request');
  const form = (given: string) =>
    app.api.request('/reset-password', {
      method: 'POST',
      body: new URLSearchParams({ token, password: given }),
    });
  const page = await app.send('GET', `/v1/players/reset-password?token=${token}`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.text).toContain(`value="${token}"`);
  const refused = await form('short');
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining('at least 12 characters'),
  ]);
  expect((await form(another)).status).toBe(200);
  expect((await form(another)).status).toBe(400);
  expect((await signIn(who.email, another)).status).toBe(201);
});

test('a player who is excluded may reset and read his account; a locked one stays locked', async () => {
  const excluded = await player();
  await database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, excluded.playerId, { until: 'infinity', reason: 'self-exclusion' }));
  expect((await complete(await linkToken(excluded))).status).toBe(200);
  const session = String((await signIn(excluded.email, another)).body['token']);
  expect((await app.send('GET', '/v1/players/me', undefined, { token: session })).status).toBe(200);
  const locked = await player();
  await database.ownerPool.query(`update pam.player set status = 'locked' where id = $1`, [locked.playerId]);
  expect((await complete(await linkToken(locked))).status).toBe(200);
  expect(codeOf(await signIn(locked.email, another))).toBe('403 player-blocked');
});

test('the mail of a request that is over is not sent', async () => {
  const who = await player();
  const first = await linkToken(who);
  await ask(who.email);
  expect((await complete(first)).status).toBe(200);
  const open = (await resetsOf(who.playerId)).at(-1) ?? '';
  expect(await send(open, who.playerId, 'password-reset')).toEqual({ state: 'not-needed' });
});
