/** The vendor's webhooks through the real application: proven, stored once, and delivered even after an outage. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pokeOpenWebhooks } from '#activities/compliance/commands/webhook-inbox.ts';
import { openVerification } from '#activities/kyc/commands/open-verification.ts';
import type { VerifiableLevel } from '#domain/kyc/levels.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, openTestSession, type TestPlayer } from '#test/support/protected-player.ts';
import { Secret } from '#workers/secret.ts';

const secret = 'the-webhook-secret-of-the-tests';
const away = () =>
  Promise.reject(new FailureError(fail('dependency-unavailable', 'Temporal is away.').failure));

let database: TestDatabase;
let app: TestApi;
let temporal: () => Promise<Client> = away;

beforeAll(async () => {
  database = await createTestDatabase();
  const plain = await createTestApi(database);
  const vendor = {
    url: 'http://127.0.0.1:1',
    appToken: new Secret('a'),
    secretKey: new Secret('b'),
    webhookSecret: new Secret(secret),
  };
  app = await createTestApi(database, {
    config: { ...plain.deps.config, kycVendor: vendor },
    temporal: () => temporal(),
  });
  await plain.close();
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function opened(
  level: VerifiableLevel = 'L1',
  ofPlayer?: TestPlayer,
): Promise<{ player: TestPlayer; id: string; subject: string }> {
  const player = ofPlayer ?? (await createTestPlayer(database));
  const request = {
    ...player,
    id: randomUUID(),
    profileVersion: 1,
    level,
    fingerprint: Buffer.from('L1'),
  } as const;
  const { id } = orThrow(await openVerification(database.db, request));
  return { player, id, subject: `verification:${id}` };
}

const notice = (check: { id: string }, createdAtMs: string | number = String(Date.now())) =>
  JSON.stringify({
    applicantId: `a-${check.id}`,
    externalUserId: check.id,
    type: 'applicantReviewed',
    createdAtMs,
  });

const deliver = (text: string, headers: Record<string, string> = {}, key = secret, hash = 'sha256') =>
  app.send('POST', '/webhooks/kyc/vendor', text, {
    headers: { 'x-payload-digest': createHmac(hash, key).update(text).digest('hex'), ...headers },
  });

const inboxOf = (subject: string) =>
  database.db.selectFrom('compliance.webhookInbox').selectAll().where('subject', '=', subject).execute();

/** A client that hears signals; nothing else of it is used here. */
const hearing = (heard: string[]) =>
  ({
    workflow: { getHandle: (id: string) => ({ signal: async () => void heard.push(id) }) },
  }) as unknown as Client;

test('an event pokes its workflow once, however often it is delivered', async () => {
  const heard: string[] = [];
  temporal = async () => hearing(heard);
  const { id, subject } = await opened();
  const text = notice({ id });
  expect((await deliver(text)).body).toEqual({ outcome: 'accepted' });
  expect((await deliver(text)).body).toEqual({ outcome: 'duplicate' });
  expect(heard).toEqual([subject]);
  expect(await inboxOf(subject)).toMatchObject([{ processedAt: expect.any(Date) }]);
});

test('of two open checks of one player an event wakes the one whose applicant it names', async () => {
  const heard: string[] = [];
  temporal = async () => hearing(heard);
  const first = await opened('L1');
  const second = await opened('L2', first.player);
  expect((await deliver(notice(first))).body).toEqual({ outcome: 'accepted' });
  expect((await deliver(notice(second))).body).toEqual({ outcome: 'accepted' });
  // Also when our note of the applicant's id is there, and the vendor does not say whose it is.
  await database.ownerPool.query(
    `update kyc.verification set vendor_applicant_id = 'a-' || id where id = $1`,
    [first.id],
  );
  const silent = JSON.stringify({
    applicantId: `a-${first.id}`,
    type: 'applicantPending',
    createdAtMs: Date.now(),
  });
  expect((await deliver(silent)).body).toEqual({ outcome: 'accepted' });
  expect(heard).toEqual([first.subject, second.subject, first.subject]);
});

test('with Temporal away the vendor gets its answer and the sweep pokes later, once', async () => {
  temporal = away;
  const { id, subject } = await opened();
  expect(await deliver(notice({ id }))).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  expect(await inboxOf(subject)).toMatchObject([{ processedAt: null }]);
  await database.ownerPool.query(
    `update compliance.webhook_inbox set received_at = received_at - interval '5 seconds' where subject = $1`,
    [subject],
  );
  const heard: string[] = [];
  const failing = () => Promise.reject(new Error('still away'));
  expect(await pokeOpenWebhooks(database.db, 'kyc:vendor', failing)).toBe(0);
  const poke = async (id: string) => (heard.push(id), 'told' as const);
  expect(await pokeOpenWebhooks(database.db, 'kyc:vendor', poke)).toBe(1);
  expect(await pokeOpenWebhooks(database.db, 'kyc:vendor', poke)).toBe(0);
  expect(heard).toEqual([subject]);
});

test('a forged, altered or unsigned body is refused and leaves no row', async () => {
  const { id, subject } = await opened();
  const text = notice({ id });
  const refused = { status: 401, body: { code: 'invalid-signature' } };
  expect(await deliver(text, {}, 'another secret')).toMatchObject(refused);
  expect(await deliver(text, { 'x-payload-digest': '' })).toMatchObject(refused);
  expect(await deliver(text, { 'x-payload-digest': 'zz' })).toMatchObject(refused);
  expect(await deliver(text, { 'x-payload-digest-alg': 'HMAC_SHA1_HEX' }, secret, 'sha1')).toMatchObject(
    refused,
  );
  expect(await deliver(text, { 'x-payload-digest-alg': 'HMAC_SHA512_HEX' })).toMatchObject(refused);
  expect(await inboxOf(subject)).toEqual([]);
  expect((await deliver(text, { 'x-payload-digest-alg': 'HMAC_SHA512_HEX' }, secret, 'sha512')).status).toBe(
    200,
  );
});

test('old, foreign and malformed events have stated outcomes and poke nobody', async () => {
  const heard: string[] = [];
  temporal = async () => hearing(heard);
  const { id } = await opened();
  expect((await deliver(notice({ id }, '2020-02-21 13:23:19.321'))).body).toEqual({ outcome: 'stale' });
  expect((await deliver(notice({ id }, Date.now() - 80 * 3_600_000))).body).toEqual({ outcome: 'stale' });
  expect((await deliver(notice({ id: randomUUID() }))).body).toEqual({ outcome: 'unknown-applicant' });
  expect(await deliver('{"applicantId":')).toMatchObject({ status: 400, body: { code: 'malformed-json' } });
  expect(await deliver('[]')).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(heard).toEqual([]);
});

test('a player reads his own verification, and opening one while Temporal is away can be repeated', async () => {
  temporal = away;
  const player = await createTestPlayer(database);
  const token = await openTestSession(database, player);
  const options = { token, key: 'verification-0001' };
  const refused = await app.send('POST', '/v1/kyc/verifications', { level: 'L1' }, options);
  expect(refused).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
  expect(refused.headers.get('retry-after')).not.toBeNull();
  const again = await app.send('POST', '/v1/kyc/verifications', { level: 'L1' }, options);
  expect(again.status).toBe(503);
  const rows = await database.db
    .selectFrom('kyc.verification')
    .select('id')
    .where('playerId', '=', player.playerId)
    .execute();
  expect(rows).toHaveLength(1);
  const path = `/v1/kyc/verifications/${rows[0]?.id}`;
  expect(await app.send('GET', path, undefined, { token })).toMatchObject({
    status: 200,
    body: { state: 'opened' },
  });
  const stranger = await openTestSession(database, await createTestPlayer(database));
  expect((await app.send('GET', path, undefined, { token: stranger })).status).toBe(404);
  const other = await app.send('POST', '/v1/kyc/verifications', { level: 'L2' }, options);
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  expect((await app.send('GET', '/v1/kyc/level', undefined, { token })).body).toEqual({ level: 'L0' });
});
