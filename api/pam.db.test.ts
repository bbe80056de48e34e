/** Accounts through the real application: registration, the mail's link over SMTP, sessions, locks and what staff sees. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { simpleParser } from 'mailparser';
import { createTransport, type Transporter } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMessageActivities } from '#activities/crm/messages.ts';
import { createRegistrationActivities } from '#activities/pam/registrations.ts';
import { setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

const password = 'correct horse battery staple';

let database: TestDatabase;
let app: TestApi;
let smtp: SMTPServer;
let transport: Transporter;
let refuseWith: number | null = null;
const mails: { to: string; subject: string; text: string }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) =>
      done(refuseWith === null ? null : Object.assign(new Error('no'), { responseCode: refuseWith })),
    onData: (stream, _session, done) => {
      void simpleParser(stream).then((mail) => {
        const to = Array.isArray(mail.to) ? mail.to[0] : mail.to;
        mails.push({ to: to?.value[0]?.address ?? '', subject: mail.subject ?? '', text: mail.text ?? '' });
        done();
      }, done);
    },
  });
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');
  const address = smtp.server.address();
  if (address === null || typeof address === 'string') throw new Error('The mail server has no port');
  transport = createTransport({ host: '127.0.0.1', port: address.port, secure: false, ignoreTLS: true });
});

afterAll(async () => {
  transport?.close();
  await new Promise<void>((done) => (smtp ? smtp.close(done) : done()));
  await app?.close();
  await database?.drop();
});

beforeEach(() => {
  refuseWith = null;
});

const wish = (more: Record<string, unknown> = {}) => ({
  brand: 'aurora',
  jurisdiction: 'MT',
  email: `${randomUUID()}@example.org`,
  password,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '1990-12-10',
  country: 'MT',
  currency: 'EUR',
  termsVersion: 1,
  ...more,
});

const register = (body: object, key: string = randomUUID()) => app.send('POST', '/v1/players', body, { key });
const signIn = (email: unknown, more: object = {}) =>
  app.send('POST', '/v1/sessions', { brand: 'aurora', email, password, ...more });
const messages = () =>
  createMessageActivities({
    db: database.db,
    keyRing: app.deps.keyRing,
    mailer: { transport, from: 'Pitboss <no-reply@pitboss.localhost>' },
    publicUrl: 'http://127.0.0.1:8080',
  });

async function tokenByMail(playerId: string): Promise<string> {
  const sent = await messages().sendEmail({ messageId: randomUUID(), playerId, template: 'verify-email' });
  expect(sent).toEqual({ state: 'sent' });
  const link = /http\S+token=([\w-]{43})/.exec(mails.at(-1)?.text ?? '');
  return link?.[1] ?? '';
}

async function activePlayer(more: Record<string, unknown> = {}) {
  const body = wish(more);
  const playerId = String((await register(body)).body['playerId']);
  const token = await tokenByMail(playerId);
  expect((await app.send('POST', '/v1/players/verify-email', { token })).status).toBe(200);
  const session = await signIn(body.email, { brand: body.brand });
  expect(session.status).toBe(201);
  return { playerId, email: body.email, token: String(session.body['token']), session: session.body };
}

const codeOf = (answer: Answer) => `${answer.status} ${String(answer.body['code'])}`;

async function auditOf(subject: string): Promise<string[]> {
  const rows = await database.db
    .selectFrom('compliance.audit')
    .select('action')
    .where('subject', '=', subject)
    .orderBy('id')
    .execute();
  return rows.map((row) => row.action);
}

describe('registration', () => {
  test('makes player, wallet, sealed data and fact, and answers a repeat with the same account', async () => {
    const body = wish({ affiliateCode: 'northlights' });
    const key = randomUUID();
    const [first, second] = await Promise.all([register(body, key), register(body, key)]);
    expect(first.status).toBe(201);
    expect(second.body).toEqual(first.body);
    expect(first.body).toMatchObject({ status: 'email-unverified' });
    const playerId = String(first.body['playerId']);
    expect(await auditOf(`player:${playerId}`)).toEqual(['pam.player.registered']);
    const wallets = await database.db
      .selectFrom('wallet.playerWallet')
      .selectAll()
      .where('playerId', '=', playerId)
      .execute();
    expect(wallets).toMatchObject([{ asset: 'EUR', brand: 'aurora', jurisdiction: 'MT', cash: '0' }]);
    const referral = await database.db
      .selectFrom('affiliates.referral')
      .select('brand')
      .where('playerId', '=', playerId)
      .execute();
    expect(referral).toEqual([{ brand: 'aurora' }]);
    expect(codeOf(await register({ ...body, lastName: 'Byron' }, key))).toBe('422 idempotency-key-reused');
    expect(codeOf(await register({ ...body, password: 'another long password' }, key))).toBe(
      '422 idempotency-key-reused',
    );
  });

  test('no table holds address, name or password in clear', async () => {
    const body = wish({ firstName: 'Zebulonia', lastName: 'Quixwell' });
    await register(body);
    const { rows } = await database.ownerPool.query<{ hit: string }>(`
      select string_agg(query_to_xml('select t::text from ' || table_schema || '.' || table_name || ' t', true, false, '')::text, '') as hit
      from information_schema.tables
      where table_schema in ('pam', 'crm', 'compliance', 'wallet', 'affiliates') and table_type = 'BASE TABLE'`);
    const dump = rows[0]?.hit ?? '';
    expect(dump).toContain('pam.player.registered');
    for (const secret of [body.email, 'Zebulonia', 'Quixwell', password]) {
      expect(dump.includes(secret), secret).toBe(false);
      expect(dump.includes(Buffer.from(secret).toString('hex')), secret).toBe(false);
    }
  });

  test('an address has one account per brand, whatever its capitals', async () => {
    const body = wish();
    expect((await register(body)).status).toBe(201);
    expect(codeOf(await register({ ...body, email: body.email.toUpperCase() }))).toBe('409 email-taken');
    expect((await register({ ...body, brand: 'borealis' })).status).toBe(201);
    const racers = wish();
    const answers = await Promise.all(Array.from({ length: 6 }, () => register(racers)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.body['code'] === 'email-taken')).toHaveLength(5);
  });

  test.each([
    [{ brand: 'atlantis' }, '404 unknown-brand'],
    [{ jurisdiction: 'XX' }, '422 unknown-jurisdiction'],
    [{ brand: 'borealis', jurisdiction: 'GB' }, '422 unknown-jurisdiction'],
    [{ currency: 'BTC' }, '422 unsupported-asset'],
    [{ termsVersion: 2 }, '409 terms-not-current'],
    [{ dateOfBirth: new Date().toISOString().slice(0, 10) }, '422 player-underage'],
    [{ dateOfBirth: '1990-02-30' }, '400 invalid-request'],
    [{ password: 'too short' }, '400 invalid-request'],
    [{ email: 'ada@@example' }, '400 invalid-request'],
    [{ firstName: 'A\u0000da' }, '400 invalid-request'],
    [{ firstName: '  ' }, '400 invalid-request'],
    [{ termsVersion: '1' }, '400 invalid-request'],
    [{ isAdmin: true }, '400 invalid-request'],
    [{ country: 'Malta' }, '400 invalid-request'],
  ])('%j is %s', async (change, expected) => {
    expect(codeOf(await register(wish(change)))).toBe(expected);
  });

  test('by the hundred from one address is refused, since each sends a mail', async () => {
    const another = await createTestApi(database);
    const one = async () =>
      codeOf(await another.send('POST', '/v1/players', wish({ termsVersion: 99 }), { key: randomUUID() }));
    const seen = await Promise.all(Array.from({ length: 61 }, one));
    expect(seen.filter((code) => code === '429 too-many-requests')).toHaveLength(1);
    expect(new Set(seen).size).toBe(2);
    await another.close();
  });

  test('needs an idempotency key', async () => {
    expect(codeOf(await app.send('POST', '/v1/players', wish()))).toBe('400 idempotency-key-missing');
  });
});

describe('verification of the address', () => {
  test('the link opens a page; only its form verifies, and twice is as good as once', async () => {
    const body = wish();
    const playerId = String((await register(body)).body['playerId']);
    const token = await tokenByMail(playerId);
    expect(mails.at(-1)).toMatchObject({ to: body.email, subject: 'Confirm your e-mail address at Aurora' });
    const page = await app.send('GET', `/v1/players/verify-email?token=${token}`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.text).toContain(`value="${token}"`);
    expect(codeOf(await signIn(body.email))).toBe('403 email-not-verified');
    const form = () =>
      app.api.request('/verify-email', { method: 'POST', body: new URLSearchParams({ token }) });
    for (const type of ['multipart/form-data', 'multipart/form-data; boundary=x']) {
      const broken = { method: 'POST', body: '--x\r\nno form', headers: { 'content-type': type } };
      expect((await app.api.request('/verify-email', broken)).status).toBe(400);
    }
    expect((await form()).status).toBe(200);
    expect((await form()).status).toBe(200);
    expect((await signIn(body.email)).status).toBe(201);
    expect(
      (await auditOf(`player:${playerId}`)).filter((action) => action === 'pam.email.verified'),
    ).toHaveLength(1);
  });

  test('an unknown and an expired token are refused, and the page takes no markup', async () => {
    expect(codeOf(await app.send('POST', '/v1/players/verify-email', { token: 'A'.repeat(43) }))).toBe(
      '400 verification-link-invalid',
    );
    const playerId = String((await register(wish())).body['playerId']);
    const token = await tokenByMail(playerId);
    await database.ownerPool.query(
      'update pam.email_verification set expires_at = now() where player_id = $1',
      [playerId],
    );
    expect(codeOf(await app.send('POST', '/v1/players/verify-email', { token }))).toBe(
      '400 verification-link-invalid',
    );
    expect((await app.send('GET', '/v1/players/verify-email?token=%22%3E%3Cscript%3E')).status).toBe(400);
  });

  test('a message is sent once per id, and a refusal for good is on record without the address', async () => {
    const playerId = String((await register(wish())).body['playerId']);
    const order = { messageId: randomUUID(), playerId, template: 'verify-email' } as const;
    const before = mails.length;
    await messages().sendEmail(order);
    await messages().sendEmail(order);
    expect(mails.length).toBe(before + 1);
    refuseWith = 451;
    await expect(messages().sendEmail({ ...order, messageId: randomUUID() })).rejects.toThrow('(451)');
    refuseWith = 550;
    const refused = { ...order, messageId: randomUUID() };
    expect(await messages().sendEmail(refused)).toEqual({ state: 'failed' });
    expect(await auditOf(`message:${refused.messageId}`)).toEqual(['crm.message.failed']);
  });

  test('a registration that is closed frees its address and voids its links', async () => {
    const body = wish();
    const playerId = String((await register(body)).body['playerId']);
    const token = await tokenByMail(playerId);
    const registrations = createRegistrationActivities({ db: database.db });
    expect(await registrations.closeRegistration({ playerId })).toEqual({ state: 'closed' });
    expect(await registrations.closeRegistration({ playerId })).toEqual({ state: 'closed' });
    expect(await registrations.readRegistration({ playerId })).toEqual({ state: 'closed' });
    expect(codeOf(await app.send('POST', '/v1/players/verify-email', { token }))).toBe(
      '400 verification-link-invalid',
    );
    expect((await register(body)).status).toBe(201);
    const verified = await activePlayer();
    expect(await registrations.closeRegistration({ playerId: verified.playerId })).toEqual({
      state: 'verified',
    });
  });

  test('asking again answers 503 while Temporal is away, never half', async () => {
    const answer = await app.send('POST', '/v1/players/resend-verification', {
      brand: 'aurora',
      email: 'a@example.org',
    });
    expect(codeOf(answer)).toBe('503 dependency-unavailable');
    expect(answer.headers.get('retry-after')).not.toBeNull();
  });
});

describe('sessions', () => {
  test('record device and address, show the account, and are stored as a hash only', async () => {
    const player = await activePlayer();
    const me = await app.send('GET', '/v1/players/me', undefined, { token: player.token });
    expect(me.body).toMatchObject({
      id: player.playerId,
      status: 'active',
      firstName: 'Ada',
      email: player.email,
    });
    const balances = await app.send('GET', '/v1/players/me/balances', undefined, { token: player.token });
    expect(balances.body).toEqual({
      items: [{ asset: 'EUR', cash: '0.00', bonus: '0.00', held: '0.00', receivable: '0.00' }],
    });
    const stored = await database.db
      .selectFrom('pam.session')
      .selectAll()
      .where('playerId', '=', player.playerId)
      .execute();
    expect(JSON.stringify(stored)).not.toContain(player.token);
    const again = await signIn(player.email, { deviceId: player.session['deviceId'] });
    expect(again.body['deviceId']).toBe(player.session['deviceId']);
    const list = await app.send('GET', '/v1/sessions', undefined, { token: player.token });
    expect(list.body['items']).toHaveLength(2);
  });

  test('unknown account and wrong password get the same answer', async () => {
    const player = await activePlayer();
    const wrong = await signIn(player.email, { password: 'not the password' });
    const unknown = await signIn(`${randomUUID()}@example.org`);
    const { instance: _a, ...first } = wrong.body;
    const { instance: _b, ...second } = unknown.body;
    expect(codeOf(wrong)).toBe('401 invalid-credentials');
    expect(first).toEqual(second);
  });

  test('eleven parallel guesses do not get eleven tries, and the right password waits too', async () => {
    const { email } = await activePlayer();
    const guesses = await Promise.all(
      Array.from({ length: 14 }, () => signIn(email, { password: 'a wrong guess' })),
    );
    expect(guesses.filter((guess) => guess.status === 401)).toHaveLength(10);
    const locked = await signIn(email);
    expect(codeOf(locked)).toBe('429 too-many-requests');
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(60);
    await database.ownerPool.query(
      `update pam.sign_in_throttle set window_started_at = now() - interval '16 minutes'`,
    );
    expect((await signIn(email)).status).toBe(201);
  });

  test('end at sign-out, by idling, by age and by revocation; game tokens end with them', async () => {
    const player = await activePlayer();
    const me = (token: string) => app.send('GET', '/v1/players/me', undefined, { token });
    const other = String((await signIn(player.email)).body['token']);
    const before = await database.db
      .selectFrom('wallet.playerWallet')
      .select(['version', 'sessionsValidFrom'])
      .where('playerId', '=', player.playerId)
      .executeTakeFirstOrThrow();
    expect((await app.send('DELETE', '/v1/sessions/current', undefined, { token: other })).status).toBe(204);
    const after = await database.db
      .selectFrom('wallet.playerWallet')
      .select(['version', 'sessionsValidFrom'])
      .where('playerId', '=', player.playerId)
      .executeTakeFirstOrThrow();
    expect(after.version).toBe(before.version + 1n);
    expect(after.sessionsValidFrom > before.sessionsValidFrom).toBe(true);
    expect(codeOf(await me(other))).toBe('401 session-expired');
    expect((await me(player.token)).status).toBe(200);

    const third = await signIn(player.email);
    const stranger = await activePlayer();
    const foreign = await app.send('DELETE', `/v1/sessions/${String(third.body['sessionId'])}`, undefined, {
      token: stranger.token,
    });
    expect(codeOf(foreign)).toBe('404 not-found');
    expect((await me(String(third.body['token']))).status).toBe(200);
    const own = await app.send('DELETE', `/v1/sessions/${String(third.body['sessionId'])}`, undefined, {
      token: player.token,
    });
    expect(own.status).toBe(204);
    expect(codeOf(await me(String(third.body['token'])))).toBe('401 session-expired');

    await database.ownerPool.query('update pam.session set idle_expires_at = now() where id = $1', [
      player.session['sessionId'],
    ]);
    expect(codeOf(await me(player.token))).toBe('401 session-expired');
    await database.ownerPool.query(`update pam.session set expires_at = now() where id = $1`, [
      stranger.session['sessionId'],
    ]);
    expect(codeOf(await me(stranger.token))).toBe('401 session-expired');
  });

  test('the idle deadline slides at most once a minute and never past the end', async () => {
    const player = await activePlayer();
    const id = player.session['sessionId'];
    const read = async () =>
      (
        await database.ownerPool.query<{ seen: Date; idle: Date; end: Date }>(
          'select seen_at as seen, idle_expires_at as idle, expires_at as end from pam.session where id = $1',
          [id],
        )
      ).rows[0];
    const first = await read();
    await app.send('GET', '/v1/players/me', undefined, { token: player.token });
    expect((await read())?.seen).toEqual(first?.seen);
    await database.ownerPool.query(
      `update pam.session set seen_at = now() - interval '2 minutes', idle_expires_at = now() + interval '1 minute', expires_at = now() + interval '5 minutes' where id = $1`,
      [id],
    );
    await app.send('GET', '/v1/players/me', undefined, { token: player.token });
    const moved = await read();
    expect(moved?.idle).toEqual(moved?.end);
  });

  test('a cookie alone changes nothing from a foreign origin, and no token is no session', async () => {
    const player = await activePlayer();
    const headers = { cookie: `__Host-pitboss=${player.token}` };
    expect((await app.send('GET', '/v1/players/me', undefined, { headers })).status).toBe(200);
    const foreign = { ...headers, origin: 'https://evil.example' };
    expect(codeOf(await app.send('DELETE', '/v1/sessions/current', undefined, { headers: foreign }))).toBe(
      '403 forbidden',
    );
    expect(codeOf(await app.send('DELETE', '/v1/sessions/current', undefined, { headers }))).toBe(
      '403 forbidden',
    );
    expect(codeOf(await app.send('GET', '/v1/players/me'))).toBe('401 not-authenticated');
    expect(codeOf(await app.send('GET', '/v1/players/me', undefined, { token: 'A'.repeat(43) }))).toBe(
      '401 not-authenticated',
    );
    expect(codeOf(await app.send('GET', '/v1/players/me', undefined, { token: '%00' }))).toBe(
      '401 not-authenticated',
    );
  });
});

describe('a lock', () => {
  const lock = (id: string, token: string, verb = 'lock') =>
    app.send('POST', `/admin/v1/players/${id}/${verb}`, { reason: 'chargeback under review' }, { token });
  const brake = async (playerId: string) =>
    (
      await database.ownerPool.query<{ until: string; reason: string }>(
        'select play_blocked_until::text as until, play_block_reason as reason from wallet.player_wallet where player_id = $1',
        [playerId],
      )
    ).rows[0];

  test('ends sessions and play at once, and unlocking gives both back', async () => {
    const support = await app.signInAs(['support']);
    const player = await activePlayer();
    expect((await lock(player.playerId, support)).body).toMatchObject({ status: 'locked' });
    expect((await lock(player.playerId, support)).status).toBe(200);
    expect(codeOf(await app.send('GET', '/v1/players/me', undefined, { token: player.token }))).toBe(
      '403 player-blocked',
    );
    expect(codeOf(await signIn(player.email))).toBe('403 player-blocked');
    expect(await brake(player.playerId)).toEqual({ until: 'infinity', reason: 'account-locked' });
    expect((await lock(player.playerId, support, 'unlock')).body).toMatchObject({ status: 'active' });
    expect(await brake(player.playerId)).toEqual({ until: null, reason: null });
    expect((await signIn(player.email)).status).toBe(201);
    expect((await auditOf(`player:${player.playerId}`)).filter((action) => /locked/.test(action))).toEqual([
      'pam.player.locked',
      'pam.player.unlocked',
    ]);
  });

  test('never lifts an exclusion that was there before, or came during it', async () => {
    const support = await app.signInAs(['support']);
    const before = await activePlayer();
    const set = (playerId: string, until: Date | 'infinity') =>
      database.db
        .transaction()
        .execute((trx) => setPlayBrake(trx, playerId, { until, reason: 'self-exclusion' }));
    await set(before.playerId, 'infinity');
    await lock(before.playerId, support);
    await lock(before.playerId, support, 'unlock');
    expect(await brake(before.playerId)).toEqual({ until: 'infinity', reason: 'self-exclusion' });
    const during = await activePlayer();
    await lock(during.playerId, support);
    await set(during.playerId, new Date('2099-01-01T00:00:00Z'));
    await lock(during.playerId, support, 'unlock');
    expect(await brake(during.playerId)).toMatchObject({ reason: 'self-exclusion' });
  });

  test('needs the permission and a reason', async () => {
    const player = await activePlayer();
    const analyst = await app.signInAs(['analyst']);
    expect(codeOf(await lock(player.playerId, analyst))).toBe('403 forbidden');
    const support = await app.signInAs(['support']);
    const without = await app.send(
      'POST',
      `/admin/v1/players/${player.playerId}/lock`,
      {},
      { token: support },
    );
    expect(codeOf(without)).toBe('400 invalid-request');
    expect(codeOf(await lock(randomUUID(), support))).toBe('404 not-found');
  });
});

describe('what staff see of players', () => {
  test('personal data are masked without the permission, and on record with it', async () => {
    const player = await activePlayer();
    const payments = await app.signInAs(['payments']);
    const masked = await app.send('GET', `/admin/v1/players/${player.playerId}`, undefined, {
      token: payments,
    });
    expect(masked.body).toMatchObject({
      masked: true,
      firstName: 'A…',
      lastName: 'L…',
      dateOfBirth: '1990-**-**',
      openSessions: 1,
    });
    expect(masked.text).not.toContain(player.email);
    expect(await auditOf(`player:${player.playerId}`)).not.toContain('pam.personal-data.revealed');
    const compliance = await app.signInAs(['compliance']);
    const open = await app.send('GET', `/admin/v1/players/${player.playerId}`, undefined, {
      token: compliance,
    });
    expect(open.body).toMatchObject({ masked: false, email: player.email, lastName: 'Lovelace' });
    const trail = await app.send(
      'GET',
      `/admin/v1/audit?subject=player:${player.playerId}&limit=1`,
      undefined,
      { token: compliance },
    );
    expect(trail.body['items']).toMatchObject([{ action: 'pam.personal-data.revealed' }]);
    const rest = await app.send(
      'GET',
      `/admin/v1/audit?subject=player:${player.playerId}&after=${String(trail.body['next'])}`,
      undefined,
      { token: compliance },
    );
    expect(rest.body['items']).toMatchObject([
      { action: 'pam.email.verified' },
      { action: 'pam.player.registered' },
    ]);
  });

  test('search finds by exact address and pages in order; a brand scope hides the rest', async () => {
    const inAurora = await activePlayer();
    const inBorealis = await activePlayer({ brand: 'borealis' });
    const support = await app.signInAs(['support']);
    const found = await app.send(
      'GET',
      `/admin/v1/players?email=${inAurora.email.toUpperCase()}`,
      undefined,
      { token: support },
    );
    expect(found.body['items']).toMatchObject([{ id: inAurora.playerId }]);
    const first = await app.send('GET', '/admin/v1/players?limit=1', undefined, { token: support });
    const second = await app.send(
      'GET',
      `/admin/v1/players?limit=1&after=${String(first.body['next'])}`,
      undefined,
      { token: support },
    );
    expect(first.body['items']).toMatchObject([{ id: inBorealis.playerId }]);
    expect(second.body['items']).toMatchObject([{ id: inAurora.playerId }]);
    const scoped = await app.signInAs(['support'], ['aurora']);
    const hidden = await app.send('GET', `/admin/v1/players/${inBorealis.playerId}`, undefined, {
      token: scoped,
    });
    expect(codeOf(hidden)).toBe('404 not-found');
    const list = await app.send('GET', '/admin/v1/players?brand=borealis', undefined, { token: scoped });
    expect(list.body['items']).toEqual([]);
  });
});
