/** Connections under the back office: versions, keys under four eyes and never readable, two keys at the doors, networks. */
import { createHmac, createSign, createVerify, generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openGameSession } from '#activities/games/commands/game-sessions.ts';
import { createGameProviders } from '#activities/games/configured-providers.ts';
import { sealPlainSecrets } from '#activities/games/configured-keys.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer } from '#test/support/factories.ts';
import { makeIntegration } from '#test/support/integrations.ts';
import { startWireServer } from '#test/support/wire-server.ts';
import { orThrow } from '#domain/failures.ts';
import { createIntegrationDirectory } from './integration-directory.ts';

let database: TestDatabase;
let app: TestApi;
let content: string;
let second: string;
let compliance: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  [content, second, compliance] = await Promise.all([
    app.signInAs(['content']),
    app.signInAs(['admin']),
    app.signInAs(['compliance']),
  ]);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await app?.close();
  await database?.drop();
});

const reason = 'as agreed with the provider';
const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

async function create(changes: object = {}): Promise<string> {
  const id = `agg-${randomUUID().slice(0, 8)}`;
  const answer = await app.send(
    'POST',
    '/admin/v1/integrations',
    {
      id,
      dialect: 'a8r-v2',
      brand: 'aurora',
      operatorId: 'casino',
      baseUrl: 'http://127.0.0.1:1',
      enabled: true,
      reason,
      ...changes,
    },
    { token: content },
  );
  expect(answer.status).toBe(202);
  expect((await agree(answer)).status).toBe(200);
  return id;
}

const decideProposal = (
  proposal: Answer,
  decision: 'apply' | 'refuse',
  token = compliance,
): Promise<Answer> =>
  app.send(
    'POST',
    `/admin/v1/integration-proposals/${String(proposal.body['id'])}/decisions`,
    { decision, payloadHash: proposal.body['payloadHash'], reason },
    { token },
  );
const agree = (proposal: Answer, token = compliance): Promise<Answer> =>
  decideProposal(proposal, 'apply', token);

const propose = (id: string, body: object, token = content): Promise<Answer> =>
  app.send('POST', `/admin/v1/integrations/${id}/credentials`, { reason, ...body }, { token });
/** As somebody decides who has looked at the list. */
async function decide(id: string, credential: unknown, body: object, token = compliance): Promise<Answer> {
  const path = `/admin/v1/integrations/${id}/credentials`;
  const { items } = (await app.send('GET', path, undefined, { token: compliance })).body as {
    items: { id: string; payloadHash: string }[];
  };
  const payloadHash = items.find((key) => key.id === credential)?.payloadHash;
  return app.send(
    'POST',
    `${path}/${String(credential)}/decisions`,
    { reason, payloadHash, ...body },
    { token },
  );
}

async function activeSecret(id: string, material: string, more: object = {}): Promise<unknown> {
  const proposed = await propose(id, { kind: 'hmac-secret', material, ...more });
  expect(proposed.status).toBe(201);
  expect((await decide(id, proposed.body['id'], { decision: 'activate' })).status).toBe(200);
  return proposed.body['id'];
}

const balanceBody = JSON.stringify({ player_id: randomUUID(), currency: 'EUR' });
/** 400 is behind the signature, 403 before it. */
async function knock(id: string, secret: string, address?: string, forwardedFor?: string): Promise<number> {
  const response = await app.api.request(
    `/wallet/a8r/v2/${id}/a8r_casino.Player/Balance`,
    {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-request-sign': createHmac('sha256', secret).update(balanceBody).digest('hex'),
        ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }),
      },
      body: balanceBody,
    },
    address === undefined ? undefined : { incoming: { socket: { remoteAddress: address } } },
  );
  return response.status;
}

/** The doors remember for five seconds, by the monotonic clock. */
let skippedMs = 0;
const realNow = performance.now.bind(performance);
function forgetWhatDoorsRemember(): void {
  skippedMs += 6_000;
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + skippedMs);
}

test('a connection is made, read, changed in versions, and each change is a deed', async () => {
  const id = await create({ dialect: 'hub88', enabled: false });
  const read = await app.send('GET', `/admin/v1/integrations/${id}`, undefined, { token: compliance });
  expect(read.body).toMatchObject({
    id,
    version: 1,
    dialect: 'hub88',
    enabled: false,
    callerNetworks: [],
    balanceOnInsufficientFunds: true,
    credentialKinds: ['rsa-public', 'rsa-private'],
  });
  expect(read.body['walletUrl']).toMatch(new RegExp(`/wallet/hub88/${id}$`));
  const change = (body: object) =>
    app.send('PATCH', `/admin/v1/integrations/${id}`, { reason, ...body }, { token: content });
  const opening = await change({
    version: 1,
    enabled: true,
    callerNetworks: ['192.0.2.0/24'],
    subPartnerId: 'sub',
  });
  expect(opening.status).toBe(202);
  expect((await agree(opening)).body).toMatchObject({ state: 'applied' });
  expect((await change({ version: 1, enabled: false })).body['code']).toBe('version-outdated');
  expect((await change({ version: 2, enabled: true })).body).toEqual({ id, version: 2 });
  expect((await agree(await change({ version: 2, subPartnerId: '' }))).status).toBe(200);
  const versions = await app.send('GET', `/admin/v1/integrations/${id}/versions`, undefined, {
    token: compliance,
  });
  expect(versions.body['items']).toMatchObject([
    { version: 3, config: { subPartnerId: null } },
    { version: 2, config: { subPartnerId: 'sub', callerNetworks: ['192.0.2.0/24'] } },
    { version: 1, config: { enabled: false } },
  ]);
  const { rows } = await database.pool.query(
    "select action, reason, details -> 'fields' as fields from compliance.audit where subject = $1 order by id",
    [`integration:${id}`],
  );
  expect(rows).toMatchObject([
    { action: 'games.integration-change.proposed', reason },
    { action: 'games.integration.created', reason },
    { action: 'games.integration-change.approved', reason },
    { action: 'games.integration-change.proposed', fields: ['callerNetworks', 'enabled', 'subPartnerId'] },
    { action: 'games.integration.changed', fields: ['callerNetworks', 'enabled', 'subPartnerId'] },
    { action: 'games.integration-change.approved', fields: ['callerNetworks', 'enabled', 'subPartnerId'] },
    { action: 'games.integration-change.proposed', fields: ['subPartnerId'] },
    { action: 'games.integration.changed', fields: ['subPartnerId'] },
    { action: 'games.integration-change.approved', fields: ['subPartnerId'] },
  ]);
});

test('choices that a dialect does not have, networks that are none and foreign brands are refused', async () => {
  const id = await create();
  const change = (body: object, token = content) =>
    app.send('PATCH', `/admin/v1/integrations/${id}`, { version: 1, reason, ...body }, { token });
  expect((await change({ tokensRotate: true })).body).toMatchObject({
    code: 'invalid-request',
    errors: [{ pointer: '/tokensRotate' }],
  });
  expect((await change({ catalogueUrl: 'https://x.example/list.yml' })).status).toBe(400);
  expect((await change({ callerNetworks: ['192.0.2.0/240'] })).status).toBe(400);
  expect((await change({ baseUrl: 'file:///etc/passwd' })).status).toBe(400);
  const foreign = await app.signInAs(['content'], ['borealis']);
  expect((await change({ enabled: false }, foreign)).status).toBe(404);
  const support = await app.signInAs(['support']);
  expect((await change({ enabled: false }, support)).status).toBe(403);
});

test('what opens a connection waits for another person, who is shown from what to what', async () => {
  const id = await create({ enabled: false, callerNetworks: ['192.0.2.0/24'] });
  const read = async () =>
    (await app.send('GET', `/admin/v1/integrations/${id}`, undefined, { token: content })).body;
  const change = (body: object, token = content) =>
    app.send('PATCH', `/admin/v1/integrations/${id}`, { version: 1, reason, ...body }, { token });
  const before = await read();
  for (const body of [
    { baseUrl: 'https://elsewhere.example' },
    { operatorId: 'another-casino' },
    { callerNetworks: ['192.0.2.0/24', '198.51.100.7'] },
    { callerNetworks: [] },
    { sharesPersonalData: true },
    { enabled: true },
  ])
    expect([body, (await change(body)).status]).toEqual([body, 202]);
  expect(await read()).toEqual(before);

  const wish = { baseUrl: 'https://provider.example', newGamesEnabled: true };
  const proposed = await change(wish, second);
  expect(proposed.body).toMatchObject({
    kind: 'change',
    integration: id,
    after: 1,
    before: { baseUrl: before['baseUrl'], newGamesEnabled: false },
    changes: wish,
    state: 'proposed',
  });
  // Said twice it is one proposal, whoever says it.
  expect((await change(wish)).body['id']).toBe(proposed.body['id']);
  expect((await agree(proposed, second)).body['code']).toBe('own-approval');
  expect((await agree(proposed, content)).body['code']).toBe('forbidden');
  const elsewhere = await app.signInAs(['admin'], ['borealis']);
  expect((await agree(proposed, elsewhere)).body['code']).toBe('not-found');
  const unlike = { ...proposed, body: { ...proposed.body, payloadHash: 'ab'.repeat(32) } };
  expect((await agree(unlike)).body['code']).toBe('setting-not-open');
  const applied = await agree(proposed);
  expect(applied.body).toMatchObject({ state: 'applied', decisionReason: reason });
  expect((await agree(proposed)).body).toEqual(applied.body);
  expect(await read()).toMatchObject({ version: 2, ...wish });
  const list = await app.send(
    'GET',
    `/admin/v1/integration-proposals?integration=${id}&state=applied`,
    undefined,
    { token: compliance },
  );
  expect(list.body['items']).toMatchObject([{ id: proposed.body['id'] }, { kind: 'creation' }]);
});

test('a proposal that something happened after is looked at again, and who made it may take it back', async () => {
  const id = await create();
  const change = (version: number, body: object, token = content) =>
    app.send('PATCH', `/admin/v1/integrations/${id}`, { version, reason, ...body }, { token });
  const proposed = await change(1, { operatorId: 'another' }, second);
  expect((await change(1, { enabled: false })).body).toEqual({ id, version: 2 });
  expect((await agree(proposed)).body['code']).toBe('version-outdated');
  expect((await decideProposal(proposed, 'refuse', second)).body['state']).toBe('refused');
  const late = await change(2, { operatorId: 'another' }, second);
  const aWeek = 7 * 86_400_000;
  expect(Date.parse(String(late.body['openUntil'])) - Date.parse(String(late.body['proposedAt']))).toBe(
    aWeek,
  );
  await database.ownerPool.query(
    `alter table games.integration_proposal disable trigger user;
     update games.integration_proposal set open_until = now() where id = '${String(late.body['id'])}';
     alter table games.integration_proposal enable trigger user`,
  );
  expect((await agree(late)).body['code']).toBe('setting-not-open');
  expect((await decideProposal(late, 'refuse')).body['state']).toBe('refused');
  const twice = { dialect: 'a8r-v2', brand: 'aurora', operatorId: 'casino', baseUrl: 'http://127.0.0.1:1' };
  const taken = await app.send(
    'POST',
    '/admin/v1/integrations',
    { id, reason, ...twice },
    { token: content },
  );
  expect(taken.body['code']).toBe('name-taken');
  await expect(
    database.ownerPool.query(
      `insert into games.integration_proposal (id, kind, integration, brand, after, content, fingerprint, payload_hash,
         author, reason, state, decided_by, decision_reason, decided_at)
       select gen_random_uuid(), kind, integration, brand, after, content, fingerprint, payload_hash, author, reason,
         'applied', author, reason, now() from games.integration_proposal where id = $1`,
      [proposed.body['id']],
    ),
  ).rejects.toThrow(/check constraint/);
});

test('what closes is one person’s, at once: stakes, networks, players’ data', async () => {
  const id = await create({ callerNetworks: ['192.0.2.0/24', '2001:db8::/32'], sharesPersonalData: true });
  const change = (version: number, body: object) =>
    app.send('PATCH', `/admin/v1/integrations/${id}`, { version, reason, ...body }, { token: content });
  expect((await change(1, { callerNetworks: ['192.0.2.0/24'] })).body).toEqual({ id, version: 2 });
  expect((await change(2, { sharesPersonalData: false })).body).toEqual({ id, version: 3 });
  expect((await change(3, { enabled: false })).body).toEqual({ id, version: 4 });
  expect((await change(4, { importEveryH: 24 })).body).toEqual({ id, version: 5 });
});

test('a key is activated as it was shown, and nobody prolongs it', async () => {
  const id = await create();
  const inAnHour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const proposed = await propose(id, {
    kind: 'hmac-secret',
    material: 'a-secret-for-two-hours',
    validUntil: inAnHour(2),
  });
  const key = proposed.body['id'];
  const blind = await decide(id, key, { decision: 'activate', payloadHash: undefined });
  expect(blind.body).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/payloadHash' }] });
  const other = await decide(id, key, { decision: 'activate', payloadHash: 'ab'.repeat(32) });
  expect(other.body['code']).toBe('already-decided');
  expect((await decide(id, key, { decision: 'activate' })).body).toEqual({ state: 'active' });
  expect((await decide(id, key, { decision: 'end', at: inAnHour(3) })).body['code']).toBe('invalid-request');
  expect((await decide(id, key, { decision: 'end', at: inAnHour(1) })).body).toEqual({ state: 'active' });
  await expect(
    database.pool.query('update games.integration_credential set valid_until = null where id = $1', [key]),
  ).rejects.toThrow('only ever shortened');
  expect((await decide(id, key, { decision: 'end' })).body).toEqual({ state: 'retired' });
});

test('a key needs two people, and nobody can read it back', async () => {
  const id = await create();
  const secret = 'a-secret-of-the-aggregator';
  const proposed = await propose(id, { kind: 'hmac-secret', material: secret }, second);
  expect(proposed.status).toBe(201);
  expect(await knock(id, secret)).toBe(403);
  const own = await decide(id, proposed.body['id'], { decision: 'activate' }, second);
  expect(own.body['code']).toBe('own-approval');
  expect((await decide(id, proposed.body['id'], { decision: 'activate' }, content)).status).toBe(403);
  expect((await decide(id, proposed.body['id'], { decision: 'activate' })).body).toEqual({ state: 'active' });
  expect(await knock(id, secret)).toBe(400);
  const list = await app.send('GET', `/admin/v1/integrations/${id}/credentials`, undefined, {
    token: compliance,
  });
  expect(list.body['items']).toMatchObject([
    { kind: 'hmac-secret', state: 'active', publicKey: null, fingerprint: proposed.body['fingerprint'] },
  ]);
  const { rows } = await database.ownerPool.query(
    `select concat((select jsonb_agg(to_jsonb(c))::text from games.integration_credential c),
      (select jsonb_agg(to_jsonb(a))::text from compliance.audit a),
      (select jsonb_agg(to_jsonb(v))::text from games.integration_version v),
      (select string_agg(encode(sealed, 'escape'), '') from games.integration_credential c)) as everything`,
  );
  expect(list.text).not.toContain(secret);
  expect(rows[0].everything).not.toContain(secret);
});

test('who proposed a key by mistake takes it back, and its secret is gone', async () => {
  const id = await create();
  const mistaken = await propose(id, { kind: 'hmac-secret', material: 'a-secret-of-somebody-else' }, second);
  const takenBack = await decide(id, mistaken.body['id'], { decision: 'refuse' }, second);
  expect(takenBack.body).toEqual({ state: 'refused' });
  const { rows } = await database.pool.query(
    'select state, wrapped from games.integration_credential where integration = $1',
    [id],
  );
  expect(rows).toEqual([{ state: 'refused', wrapped: null }]);
});

test('two keys are accepted while one replaces the other, a third is not, and a retired one ends', async () => {
  const id = await create();
  const [old, fresh, third] = ['the-old-secret-of-ours', 'the-new-secret-of-ours', 'a-third-secret-of-ours'];
  const oldId = await activeSecret(id, old);
  expect(await knock(id, old)).toBe(400);
  await activeSecret(id, fresh);
  forgetWhatDoorsRemember();
  expect([await knock(id, old), await knock(id, fresh), await knock(id, third)]).toEqual([400, 400, 403]);
  const one = await propose(id, { kind: 'hmac-secret', material: third });
  expect((await decide(id, one.body['id'], { decision: 'activate' })).body['code']).toBe('too-many-keys');
  expect((await decide(id, oldId, { decision: 'end' })).body).toEqual({ state: 'retired' });
  forgetWhatDoorsRemember();
  expect([await knock(id, old), await knock(id, fresh)]).toEqual([403, 400]);
  const { rows } = await database.pool.query(
    'select wrapped from games.integration_credential where id = $1',
    [oldId],
  );
  expect(rows[0].wrapped).toBeNull();
});

test('a key holds between its instants', async () => {
  const id = await create();
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const current = await activeSecret(id, 'the-secret-of-this-hour');
  await activeSecret(id, 'the-secret-of-next-hour', { validFrom: later });
  expect([await knock(id, 'the-secret-of-this-hour'), await knock(id, 'the-secret-of-next-hour')]).toEqual([
    400, 403,
  ]);
  expect((await decide(id, current, { decision: 'end', at: later })).body).toEqual({ state: 'active' });
  await database.ownerPool.query('alter table games.integration_credential disable trigger credential_time');
  await database.ownerPool.query(
    `update games.integration_credential set valid_from = valid_from - interval '1 hour',
      valid_until = valid_until - interval '1 hour' where integration = $1`,
    [id],
  );
  await database.ownerPool.query('alter table games.integration_credential enable trigger credential_time');
  forgetWhatDoorsRemember();
  expect([await knock(id, 'the-secret-of-this-hour'), await knock(id, 'the-secret-of-next-hour')]).toEqual([
    403, 400,
  ]);
  const over = await propose(id, {
    kind: 'hmac-secret',
    material: 'a-secret-that-never-was',
    validFrom: later,
    validUntil: new Date().toISOString(),
  });
  expect(over.body['code']).toBe('invalid-request');
});

test('which of our keys signs is decided, and a key made here shows its public half only', async () => {
  const wire = await startWireServer(() => ({ body: [] }));
  try {
    const id = await create({ dialect: 'hub88', baseUrl: wire.url });
    const now = new Date().toISOString();
    const mine = pair();
    const first = await propose(id, { kind: 'rsa-private', material: mine.privateKey, signsFrom: now });
    await decide(id, first.body['id'], { decision: 'activate' });
    const made = await propose(id, { kind: 'rsa-private' });
    expect(JSON.stringify(made.body)).not.toContain('PRIVATE');
    const fresh = String(made.body['publicKey']);
    expect(fresh).toContain('BEGIN PUBLIC KEY');
    await decide(id, made.body['id'], { decision: 'activate' });
    const providers = createGameProviders(app.deps);
    const signedBy = async (publicKey: string): Promise<boolean> => {
      wire.requests.length = 0;
      await (await providers.get(id))?.gameList?.();
      const [request] = wire.requests;
      if (!request) throw new Error('nothing was sent');
      const signature = String(request.headers['x-hub88-signature']);
      return createVerify('RSA-SHA256').update(request.raw).verify(publicKey, signature, 'base64');
    };
    expect(await signedBy(mine.publicKey)).toBe(true);
    expect((await decide(id, made.body['id'], { decision: 'sign' })).body).toEqual({ state: 'active' });
    expect(await signedBy(fresh)).toBe(true);
    expect((await decide(id, made.body['id'], { decision: 'end' })).body).toEqual({ state: 'retired' });
    expect(await signedBy(mine.publicKey)).toBe(true);
  } finally {
    await wire.close();
  }
});

test('material that is no key, a private key called public, and kinds of other dialects are refused', async () => {
  const id = await create({ dialect: 'hub88' });
  const weak = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  for (const body of [
    { kind: 'rsa-public', material: 'no key at all, just words' },
    { kind: 'rsa-public', material: pair().privateKey },
    { kind: 'rsa-public', material: weak.publicKey },
    { kind: 'rsa-private', material: pair().publicKey },
    { kind: 'rsa-public' },
    { kind: 'rsa-public', material: pair().publicKey, signsFrom: new Date().toISOString() },
    { kind: 'hmac-secret', material: 'a-secret-that-rsa-cannot-use' },
  ]) {
    expect((await propose(id, body)).body['code']).toBe('invalid-request');
  }
  const { publicKey } = pair();
  expect((await propose(id, { kind: 'rsa-public', material: publicKey })).status).toBe(201);
  expect((await propose(id, { kind: 'rsa-public', material: publicKey })).body['code']).toBe('name-taken');
});

test('Hub88: either of two caller keys opens the door', async () => {
  const [old, fresh, stranger] = [pair(), pair(), pair()];
  const id = await create({ dialect: 'hub88' });
  for (const { publicKey } of [old, fresh]) {
    const proposed = await propose(id, { kind: 'rsa-public', material: publicKey });
    await decide(id, proposed.body['id'], { decision: 'activate' });
  }
  const statusWith = async (privateKey: string): Promise<unknown> => {
    const body = JSON.stringify({ request_uuid: randomUUID(), user: randomUUID() });
    const response = await app.api.request(`/wallet/hub88/${id}/user/info`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-hub88-signature': createSign('RSA-SHA256').update(body).sign(privateKey, 'base64'),
      },
      body,
    });
    return ((await response.json()) as Record<string, unknown>)['status'];
  };
  expect(await statusWith(old.privateKey)).toBe('RS_ERROR_INVALID_TOKEN');
  expect(await statusWith(fresh.privateKey)).toBe('RS_ERROR_INVALID_TOKEN');
  expect(await statusWith(stranger.privateKey)).toBe('RS_ERROR_INVALID_SIGNATURE');
});

test('calls come from the networks of the list, IPv4 and IPv6, or are refused before the signature', async () => {
  const secret = 'the-secret-of-the-networks';
  const id = await create({ callerNetworks: ['192.0.2.0/24', '2001:db8::/32'] });
  await activeSecret(id, secret);
  expect(await knock(id, secret, '192.0.2.9')).toBe(400);
  expect(await knock(id, secret, '::ffff:192.0.2.9')).toBe(400);
  expect(await knock(id, secret, '2001:db8::7')).toBe(400);
  expect(await knock(id, secret, '198.51.100.1')).toBe(403);
  expect(await knock(id, secret)).toBe(403);
  // No proxy is trusted here, so a header opens nothing.
  expect(await knock(id, secret, '198.51.100.1', '192.0.2.9')).toBe(403);
  const behind = await createTestApi(database, {
    keyRing: app.deps.keyRing,
    config: {
      ...app.deps.config,
      api: { ...app.deps.config.api, trustedProxies: ['10.0.0.0/8'] },
    },
  });
  try {
    const own = app;
    app = behind;
    expect(await knock(id, secret, '10.0.0.1', '192.0.2.9')).toBe(400);
    expect(await knock(id, secret, '10.0.0.1', '192.0.2.9, 198.51.100.1')).toBe(403);
    app = own;
  } finally {
    await behind.close();
  }
});

test('a secret that an older database kept in the clear is sealed and works on; a new one is refused by the database', async () => {
  const id = await create();
  await database.ownerPool.query('alter table games.integration disable trigger integration_no_plain_secret');
  await database.ownerPool.query(
    "update games.integration set caller_secret = 'kept-in-the-clear' where id = $1",
    [id],
  );
  await database.ownerPool.query('alter table games.integration enable trigger integration_no_plain_secret');
  expect(await knock(id, 'kept-in-the-clear')).toBe(403);
  const seal = () => database.db.transaction().execute((trx) => sealPlainSecrets(trx, app.deps.keyRing));
  expect(await seal()).toBe(1);
  expect(await seal()).toBe(0);
  forgetWhatDoorsRemember();
  expect(await knock(id, 'kept-in-the-clear')).toBe(400);
  const { rows } = await database.pool.query(
    'select caller_secret, (select count(*)::int from games.integration_version v where v.config::text like $2) as kept from games.integration where id = $1',
    [id, '%kept-in-the-clear%'],
  );
  expect(rows).toEqual([{ caller_secret: null, kept: 0 }]);
  await expect(
    database.pool.query("update games.integration set caller_secret = 'again' where id = $1", [id]),
  ).rejects.toThrow('secrets are sealed');
});

test('a configured key comes with each start, unless people have ended it', async () => {
  const start = (callerSecret: string) =>
    makeIntegration(database.db, {
      id: 'configured',
      dialect: 'a8r-v2',
      callerSecret,
      keyRing: app.deps.keyRing,
    });
  const states = async (): Promise<readonly string[]> => {
    const { rows } = await database.pool.query<{ state: string }>(
      "select state from games.integration_credential where integration = 'configured' order by proposed_at",
    );
    return rows.map(({ state }) => state);
  };
  await start('the-first-of-configuration');
  await start('the-first-of-configuration');
  expect(await states()).toEqual(['active']);
  await start('the-second-of-configuration');
  expect(await states()).toEqual(['retired', 'active']);
  expect(await knock('configured', 'the-second-of-configuration')).toBe(400);
  const { rows } = await database.pool.query(
    "select id from games.integration_credential where integration = 'configured' and state = 'active'",
  );
  await decide('configured', rows[0].id, { decision: 'end' });
  await start('the-second-of-configuration');
  expect(await states()).toEqual(['retired', 'retired']);
  await activeSecret('configured', 'one-secret-that-people-chose');
  await activeSecret('configured', 'two-secrets-that-people-chose');
  await start('the-third-of-configuration');
  expect(await states()).toEqual(['retired', 'retired', 'active', 'active']);
});

test('what was sealed for one integration opens for no other', async () => {
  await makeIntegration(database.db, {
    id: 'first-owner',
    dialect: 'a8r-v2',
    callerSecret: 'the-secret-of-the-first',
    keyRing: app.deps.keyRing,
  });
  const id = await create();
  await database.ownerPool.query(
    'alter table games.integration_credential disable trigger credential_states',
  );
  await database.ownerPool.query(
    "update games.integration_credential set integration = $1 where integration = 'first-owner'",
    [id],
  );
  await database.ownerPool.query('alter table games.integration_credential enable trigger credential_states');
  expect(await knock(id, 'the-secret-of-the-first')).toBe(500);
});

test('doors read and open an integration once, however many calls come', async () => {
  await makeIntegration(database.db, {
    id: 'busy-door',
    dialect: 'a8r-v2',
    callerSecret: 'the-secret-of-the-busy',
    keyRing: app.deps.keyRing,
  });
  const open = vi.fn(app.deps.keyRing.open.bind(app.deps.keyRing));
  const query = vi.spyOn(database.pool, 'connect');
  const directory = createIntegrationDirectory(
    { db: database.db, keyRing: { ...app.deps.keyRing, open } },
    'a8r-v2',
  );
  await directory.integration('busy-door');
  const reads = query.mock.calls.length;
  for (let call = 0; call < 500; call += 1) await directory.integration('busy-door');
  expect(query.mock.calls.length).toBe(reads);
  forgetWhatDoorsRemember();
  await directory.integration('busy-door');
  expect(query.mock.calls.length).toBeGreaterThan(reads);
  expect(open).toHaveBeenCalledTimes(1);
  query.mockRestore();
});

test('an integration that is switched off takes no stakes, and settles what was staked', async () => {
  const secret = 'the-secret-of-the-closing';
  await makeIntegration(database.db, {
    id: 'closing',
    dialect: 'a8r-v2',
    callerSecret: secret,
    keyRing: app.deps.keyRing,
    games: [{ code: 'acme:test', title: 'Test', category: 'slots' }],
  });
  const player = await makePlayer(database.db);
  await makeDeposit(database.db, player);
  const play = async (transactions: readonly object[]): Promise<number> => {
    const body = JSON.stringify({
      player_id: player.id,
      round_id: 'r1',
      game_id: 'acme:test',
      currency: 'EUR',
      provider: 'acme',
      transactions,
    });
    const response = await app.api.request('/wallet/a8r/v2/closing/a8r_casino.Round/BetWin', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-request-sign': createHmac('sha256', secret).update(body).digest('hex'),
      },
      body,
    });
    return response.status;
  };
  expect(await play([{ id: 'b1', type: 'bet', amount: '1.00' }])).toBe(200);
  const off = { version: 1, enabled: false, reason };
  expect((await app.send('PATCH', '/admin/v1/integrations/closing', off, { token: content })).status).toBe(
    200,
  );
  forgetWhatDoorsRemember();
  expect(await play([{ id: 'b2', type: 'bet', amount: '1.00' }])).toBe(400);
  expect(await play([{ id: 'w1', type: 'win', amount: '3.00', bet_id: 'b1' }])).toBe(200);
});

test('Caleta: tokens stay where the integration does not let them rotate', async () => {
  const keys = pair();
  await makeIntegration(database.db, {
    id: 'steady',
    dialect: 'caleta',
    callerPublicKey: keys.publicKey,
    games: [{ code: 'slot', title: 'Slot', category: 'slots' }],
  });
  const player = await makePlayer(database.db);
  const opened = await openGameSession(database.db, {
    playerId: player.id,
    playerSessionId: randomUUID(),
    brand: 'aurora',
    integration: 'steady',
    game: 'slot',
    asset: 'EUR',
  });
  const check = async (token: string): Promise<unknown> => {
    const body = JSON.stringify({ token });
    const response = await app.api.request('/wallet/caleta/steady/wallet/check', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-auth-signature': createSign('RSA-SHA256').update(body).sign(keys.privateKey, 'base64'),
      },
      body,
    });
    return ((await response.json()) as Record<string, unknown>)['token'];
  };
  const { token } = orThrow(opened);
  const fresh = String(await check(token));
  expect(fresh).not.toBe(token);
  const change = { version: 1, tokensRotate: false, reason };
  await agree(await app.send('PATCH', '/admin/v1/integrations/steady', change, { token: content }));
  forgetWhatDoorsRemember();
  expect(await check(fresh)).toBe(fresh);
});
