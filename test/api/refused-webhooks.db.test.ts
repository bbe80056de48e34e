/** Every webhook that is refused, by whoever, leaves one line with request id, sender and code, and nothing of what came. */
import { createHmac, randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedBy } from '#test/conformance/psp-connector/webhook-signing.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { Secret } from '#workers/secret.ts';

const secret = 'the-webhook-secret-of-the-tests';
const adyenKey = 'ab'.repeat(32);
/** Stands in every body that is sent. */
const said = 'what-nobody-may-read-in-a-log';

let database: TestDatabase;
let app: TestApi;
const lines: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const plain = await createTestApi(database);
  const psp = { url: 'http://127.0.0.1:1', apiKey: new Secret('k'), webhookSecret: new Secret(secret) };
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  app = await createTestApi(database, {
    log: pino({ level: 'debug' }, sink),
    config: {
      ...plain.deps.config,
      psp: {
        alpha: psp,
        beta: { ...psp, merchantAccount: 'Pitboss', hmacKey: new Secret(adyenKey) },
        gamma: { ...psp, processingChannelId: 'pc_1', currencyAccountId: 'ca_1' },
      },
      kycVendor: {
        url: psp.url,
        appToken: new Secret('a'),
        secretKey: new Secret('b'),
        webhookSecret: new Secret(secret),
      },
      oddsFeed: { webhookSecret: new Secret(secret) },
    },
  });
  await plain.close();
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

type Sent = { readonly body: string; readonly headers: Headers };

const hmac = (text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', secret).update(text).digest(encoding);
const ofVendor = (body: string, digest = hmac(body)): Sent => ({
  body,
  headers: new Headers({ 'x-payload-digest': digest }),
});
const ofFeed = (body: string, ageS = 0): Sent => {
  const [id, time] = [randomUUID(), String(Math.floor(Date.now() / 1_000) - ageS)];
  return {
    body,
    headers: new Headers({
      'webhook-id': id,
      'webhook-timestamp': time,
      'webhook-signature': `v1,${hmac(`${id}.${time}.${body}`, 'base64')}`,
    }),
  };
};
const stripe = signedBy.stripe(secret);
const checkout = signedBy.checkout(secret);
const adyen = signedBy.adyen(adyenKey).body(said);
const stripeEvent = stripe.body(said);
const json = JSON.stringify({ said });

const refusals: readonly [path: string, source: string, code: string, sent: () => Sent][] = [
  [
    'psp/alpha',
    'psp:alpha',
    'invalid-signature',
    () => ({ body: stripeEvent, headers: stripe.forged(stripeEvent) }),
  ],
  [
    'psp/alpha',
    'psp:alpha',
    'stale-signature',
    () => ({ body: stripeEvent, headers: stripe.headers(stripeEvent, 301) }),
  ],
  [
    'psp/beta',
    'psp:beta',
    'invalid-signature',
    () => ({ body: adyen.replace('1234', '9234'), headers: new Headers() }),
  ],
  ['psp/gamma', 'psp:gamma', 'invalid-signature', () => ({ body: json, headers: checkout.forged(json) })],
  [
    'psp/gamma',
    'psp:gamma',
    'stale-signature',
    () => {
      const body = checkout.body(said, 8 * 86_400);
      return { body, headers: checkout.headers(body) };
    },
  ],
  ['psp/nobody', 'psp:nobody', 'not-found', () => ({ body: json, headers: new Headers() })],
  ['psp/ALPHA', 'unknown', 'invalid-request', () => ({ body: json, headers: new Headers() })],
  [`psp/alpha/${said}`, 'unknown', 'not-found', () => ({ body: json, headers: new Headers() })],
  [`kyc/vendor?key=${said}%00`, 'kyc:vendor', 'invalid-request', () => ofVendor(json)],
  ['kyc/vendor', 'kyc:vendor', 'invalid-signature', () => ofVendor(json, 'ab'.repeat(32))],
  ['kyc/vendor', 'kyc:vendor', 'malformed-json', () => ofVendor(`{"${said}`)],
  ['kyc/vendor', 'kyc:vendor', 'invalid-request', () => ofVendor(json)],
  ['kyc/vendor', 'kyc:vendor', 'body-too-large', () => ofVendor(said.repeat(5_000))],
  ['odds-feed', 'odds-feed', 'invalid-signature', () => ({ ...ofFeed(json), body: `${json} ` })],
  ['odds-feed', 'odds-feed', 'stale-signature', () => ofFeed(json, 600)],
  ['odds-feed', 'odds-feed', 'malformed-json', () => ofFeed(`{"${said}`)],
  ['odds-feed', 'odds-feed', 'invalid-request', () => ofFeed(json)],
];

test.each(refusals)('/webhooks/%s, of %s, refused with %s', async (path, source, code, sent) => {
  const { body, headers } = sent();
  lines.length = 0;
  const answer = await app.api.request(`/webhooks/${path}`, { method: 'POST', body, headers });
  expect(await answer.json()).toMatchObject({ code });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: 40,
      requestId: answer.headers.get('x-request-id'),
      source,
      code,
      msg: 'webhook refused',
    }),
  ]);
  const written = lines.join('');
  for (const hidden of [said, secret, adyenKey, ...headers.values()])
    // The second in which it was sent is in the time of the line.
    if (!/^\d+$/.test(hidden)) expect(written).not.toContain(hidden);
});

test('what is taken, and what is refused elsewhere, leaves no such line', async () => {
  lines.length = 0;
  const body = stripe.body(`deposit:${randomUUID()}:a1`);
  const taken = await app.api.request('/webhooks/psp/alpha', {
    method: 'POST',
    body,
    headers: stripe.headers(body),
  });
  expect(taken.status).toBe(200);
  expect((await app.api.request('/v1/deposits')).status).toBe(401);
  expect(lines.join('')).not.toContain('webhook refused');
});
