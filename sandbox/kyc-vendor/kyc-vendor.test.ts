/** The vendor as a separate process: signed requests in, the player's form, signed webhooks out. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTemporaryDirectory, type PartyProcess, startParty } from '../support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const directory = createTemporaryDirectory();
let receiver: WebhookReceiver;
let vendor: PartyProcess;

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex');

async function call(
  method: string,
  uri: string,
  body?: object,
  { ageSeconds = 0, secret = 'app-secret' } = {},
): Promise<Response> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
  return fetch(vendor.url + uri, {
    method,
    headers: {
      'x-app-token': 'app-token',
      'x-app-access-ts': timestamp,
      'x-app-access-sig': hmac(secret, timestamp + method + uri + text),
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: text }),
  });
}

const json = async <T>(response: Promise<Response>) => (await (await response).json()) as T;
const scenario = (body: object) =>
  fetch(`${vendor.url}/_scenario`, { method: 'PUT', body: JSON.stringify(body) });

interface Webhook {
  type: string;
  externalUserId: string;
  applicantId: string;
  reviewResult?: Record<string, unknown>;
  createdAtMs: string;
}
const webhookOf = async (externalUserId: string, type: string, after = 0) => {
  const found = await receiver.waitFor((received) => {
    const body = JSON.parse(received.body) as Webhook;
    return (
      body.externalUserId === externalUserId &&
      body.type === type &&
      receiver.received.indexOf(received) >= after
    );
  });
  return { ...found, event: JSON.parse(found.body) as Webhook };
};

/** From access token to submitted form, as the player's browser would. */
async function submit(userId: string, documentNumber: string): Promise<void> {
  const { url } = await json<{ url: string }>(
    call('POST', '/resources/accessTokens/sdk', { userId, levelName: 'identity' }),
  );
  expect(await (await fetch(url)).text()).toContain('multipart/form-data');
  const form = new FormData();
  for (const [name, value] of Object.entries({
    firstName: 'Ann',
    lastName: 'Player',
    dob: '1990-05-17',
    documentNumber,
  }))
    form.set(name, value);
  form.set('document', new File(['pixels'], 'passport.jpg', { type: 'image/jpeg' }));
  expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200);
}

const environment = () => ({
  STATE_DIR: directory.path,
  APP_TOKEN: 'app-token',
  SECRET_KEY: 'app-secret',
  WEBHOOK_URL: receiver.url,
  WEBHOOK_SECRET: 'hook-secret',
});

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  vendor = await startParty('kyc-vendor', environment());
  await scenario({ reviewMs: 30 });
});
afterAll(async () => {
  await vendor.stop();
  await receiver.close();
  directory.remove();
});

test('unsigned, wrongly signed and stale requests are refused', async () => {
  expect((await fetch(`${vendor.url}/resources/applicants/-;externalUserId=x/one`)).status).toBe(401);
  expect((await call('GET', '/resources/applicants/x/one', undefined, { secret: 'other' })).status).toBe(401);
  expect((await call('GET', '/resources/applicants/x/one', undefined, { ageSeconds: 301 })).status).toBe(401);
  expect((await call('GET', '/resources/applicants/x/one')).status).toBe(404);
});

test('an applicant is created once and found by both ids', async () => {
  const created = await json<{ id: string; review: { levelName: string; reviewStatus: string } }>(
    call('POST', '/resources/applicants?levelName=identity', {
      externalUserId: 'player-1',
      info: { firstName: 'Ann' },
    }),
  );
  expect(created.review).toMatchObject({ levelName: 'identity', reviewStatus: 'init' });
  expect(
    (await call('POST', '/resources/applicants?levelName=identity', { externalUserId: 'player-1' })).status,
  ).toBe(409);
  expect(await json(call('GET', '/resources/applicants/-;externalUserId=player-1/one'))).toMatchObject({
    id: created.id,
    info: { firstName: 'Ann' },
  });
  expect((await webhookOf('player-1', 'applicantCreated')).event.applicantId).toBe(created.id);
});

test('an ordinary document is approved; the webhook carries a digest and nothing personal', async () => {
  await submit('player-2', 'P1234567');
  await webhookOf('player-2', 'applicantPending');
  const { body, headers, event } = await webhookOf('player-2', 'applicantReviewed');
  expect(event.reviewResult).toEqual({ reviewAnswer: 'GREEN' });
  expect(headers['x-payload-digest-alg']).toBe('HMAC_SHA256_HEX');
  expect(headers['x-payload-digest']).toBe(hmac('hook-secret', body));
  expect(body).not.toMatch(/Ann|1990|P1234567/);
  expect(await json(call('GET', `/resources/applicants/${event.applicantId}/one`))).toMatchObject({
    info: { firstName: 'Ann', lastName: 'Player', dob: '1990-05-17', idDocs: [{ number: 'P1234567' }] },
    review: { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } },
  });
});

test('a document ending in 0000 is refused for good, one ending in 1111 may be tried again', async () => {
  await submit('player-3', 'P0000');
  expect((await webhookOf('player-3', 'applicantReviewed')).event.reviewResult).toMatchObject({
    reviewAnswer: 'RED',
    reviewRejectType: 'FINAL',
  });
  await submit('player-4', 'P1111');
  expect((await webhookOf('player-4', 'applicantReviewed')).event.reviewResult).toMatchObject({
    reviewAnswer: 'RED',
    reviewRejectType: 'RETRY',
  });
  const before = receiver.received.length;
  await submit('player-4', 'P1112');
  expect((await webhookOf('player-4', 'applicantReviewed', before)).event.reviewResult).toEqual({
    reviewAnswer: 'GREEN',
  });
});

test('a case on hold waits for a reviewer, also over kill -9', async () => {
  await submit('player-5', 'P2222');
  await webhookOf('player-5', 'applicantOnHold');
  await vendor.stop('SIGKILL');
  vendor = await startParty('kyc-vendor', environment());
  const answer = await fetch(`${vendor.url}/_scenario/applicants/player-5/review`, {
    method: 'POST',
    body: JSON.stringify({ answer: 'GREEN' }),
  });
  expect(answer.status).toBe(200);
  await webhookOf('player-5', 'applicantReviewed');
});
