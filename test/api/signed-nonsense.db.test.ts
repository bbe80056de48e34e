/** Webhooks whose signature is right and whose content is nonsense: a documented answer, no fault of ours, and nothing moved. */
import { createHmac, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { Secret } from '#workers/secret.ts';

const secret = 'the-webhook-secret-of-the-tests';
const adyenKey = 'ab'.repeat(32);

let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  const plain = await createTestApi(database);
  const nobody = { url: 'http://127.0.0.1:1', apiKey: new Secret('k'), webhookSecret: new Secret(secret) };
  app = await createTestApi(database, {
    config: {
      ...plain.deps.config,
      psp: {
        alpha: nobody,
        beta: { ...nobody, merchantAccount: 'Pitboss', hmacKey: new Secret(adyenKey) },
        gamma: { ...nobody, processingChannelId: 'pc_1', currencyAccountId: 'ca_1' },
      },
      kycVendor: {
        url: 'http://127.0.0.1:1',
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

type Sender = {
  readonly path: string;
  /** What an honest sender says; chance spoils it. */
  body(): unknown;
  /** Headers that prove the body, and the body itself where the proof stands in it. */
  prove(body: unknown): { readonly text: string; readonly headers: Readonly<Record<string, string>> };
};

const hmac = (text: string, key: string | Buffer = secret, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', key).update(text).digest(encoding);
const textOf = (body: unknown): string => JSON.stringify(body) ?? '';
const nowS = () => String(Math.floor(Date.now() / 1_000));
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Signs each item that has the form of one over the eight fields of Adyen's rule. */
function proveAdyen(body: unknown) {
  const items = isObject(body) && Array.isArray(body['notificationItems']) ? body['notificationItems'] : [];
  for (const entry of items) {
    const item: unknown = isObject(entry) ? entry['NotificationRequestItem'] : null;
    if (!isObject(item) || !isObject(item['additionalData'])) continue;
    const amount = isObject(item['amount']) ? item['amount'] : {};
    const signed = [
      item['pspReference'],
      item['originalReference'] ?? '',
      item['merchantAccountCode'],
      item['merchantReference'],
      amount['value'],
      amount['currency'],
      item['eventCode'],
      item['success'],
    ];
    item['additionalData']['hmacSignature'] = hmac(
      signed.map((part) => (typeof part === 'string' ? part : textOf(part))).join(':'),
      Buffer.from(adyenKey, 'hex'),
      'base64',
    );
  }
  return { text: textOf(body), headers: { 'content-type': 'application/json' } };
}

const senders: Readonly<Record<string, Sender>> = {
  Stripe: {
    path: '/webhooks/psp/alpha',
    body: () => ({
      id: `evt_${randomUUID()}`,
      object: 'event',
      type: 'charge.dispute.created',
      created: 1,
      data: {
        object: {
          id: 'dp_1',
          payment_intent: 'pi_1',
          status: 'succeeded',
          metadata: { reference: `deposit:${randomUUID()}:a1` },
        },
      },
    }),
    prove(body) {
      const text = textOf(body);
      const time = nowS();
      return { text, headers: { 'stripe-signature': `t=${time},v1=${hmac(`${time}.${text}`)}` } };
    },
  },
  Adyen: {
    path: '/webhooks/psp/beta',
    body: () => ({
      live: 'false',
      notificationItems: [
        {
          NotificationRequestItem: {
            pspReference: `P${randomUUID()}`,
            originalReference: 'P0',
            merchantAccountCode: 'Pitboss',
            merchantReference: `deposit:${randomUUID()}:a1`,
            amount: { value: 100, currency: 'EUR' },
            eventCode: 'CHARGEBACK',
            success: 'true',
            additionalData: { hmacSignature: '', defensePeriodEndsAt: 'x', chargebackReasonCode: '1' },
          },
        },
      ],
    }),
    prove: proveAdyen,
  },
  'Checkout.com': {
    path: '/webhooks/psp/gamma',
    body: () => ({
      id: `evt_${randomUUID()}`,
      type: 'payment_captured',
      created_on: new Date().toISOString(),
      timestamp: new Date().toISOString(),
      data: { id: 'pay_1', payment_id: 'pay_2', reference: `deposit:${randomUUID()}:a1` },
    }),
    prove(body) {
      const text = textOf(body);
      return { text, headers: { 'cko-signature': hmac(text) } };
    },
  },
  'the KYC vendor': {
    path: '/webhooks/kyc/vendor',
    body: () => ({
      applicantId: `a-${randomUUID()}`,
      externalUserId: randomUUID(),
      type: 'applicantReviewed',
      createdAtMs: String(Date.now()),
    }),
    prove(body) {
      const text = textOf(body);
      return { text, headers: { 'x-payload-digest': hmac(text) } };
    },
  },
  'the odds feed': {
    path: '/webhooks/odds-feed',
    body: () => ({
      sequence: 1,
      type: 'event.updated',
      eventId: `ev-${randomUUID().slice(0, 8)}`,
      sport: 'football',
      name: 'Reds – Blues',
      startsAt: '2099-01-01T00:00:00Z',
      state: 'scheduled',
    }),
    prove(body) {
      const text = textOf(body);
      const [id, time] = [randomUUID(), nowS()];
      return {
        text,
        headers: {
          'webhook-id': id,
          'webhook-timestamp': time,
          'webhook-signature': `v1,${hmac(`${id}.${time}.${text}`, secret, 'base64')}`,
        },
      };
    },
  },
};

const deliver = (sender: Sender, body: unknown): Promise<Answer> => {
  const { text, headers } = sender.prove(body);
  return app.send('POST', sender.path, text, { headers });
};

/** What is put in the place of something. */
const nonsense = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    'a\u0000b',
    '\ud800',
    '\u001b[31m\r\n',
    'x'.repeat(5_000),
    '😀'.repeat(50),
    -1,
    0,
    1.5,
    1e21,
    2 ** 53,
    true,
    [],
    {},
    [null],
    '__proto__',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    'charge.refunded',
    'radar.early_fraud_warning.created',
    'NOTIFICATION_OF_FRAUD',
    'AUTHORISATION',
    'dispute_received',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Every place in a body, by its path of keys. */
const placesOf = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))]
    : [path];

/** A copy of `body` with another value at `path`; undefined takes the member away. */
function changed(body: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(body))
    return body.map((item, at) => (String(at) === key ? changed(item, rest, value) : item));
  const members: Record<string, unknown> = isObject(body) ? { ...body } : {};
  return { ...members, [key]: changed(members[key], rest, value) };
}

const journals = async (): Promise<string> =>
  (await database.ownerPool.query<{ rows: string }>('select count(*)::text as rows from wallet.journal'))
    .rows[0]?.rows ?? '';

/** What may be said to somebody whose signature is right. */
const refusals = ['malformed-json', 'invalid-request', 'invalid-signature', 'stale-signature', 'not-found'];

test.each(Object.keys(senders))('%s signs nonsense and is answered, with nothing moved', async (name) => {
  const sender = senders[name];
  if (sender === undefined) throw new Error(`Nobody is called ${name}.`);
  expect((await deliver(sender, sender.body())).status).toBe(200);
  const before = await journals();
  const wrong: string[] = [];
  const whole = [null, [], {}, 7, 'text', [null], undefined].map((body) => ({ at: null, value: body }));
  const places = placesOf(sender.body());
  const sure = ['a\u0000b', '\ud800', null, undefined, {}].flatMap((value) =>
    places.map((at) => ({ at, value })),
  );
  const chance = fc.sample(fc.record({ at: fc.constantFrom(...places), value: nonsense }), 120);
  for (const { at, value } of [...whole, ...sure, ...chance]) {
    const body = at === null ? value : changed(sender.body(), at, value);
    const answer = await deliver(sender, body);
    const isTaken = answer.status === 200 && answer.body['outcome'] !== 'stored';
    if (!isTaken && !(answer.status < 500 && refusals.includes(String(answer.body['code']))))
      wrong.push(`${answer.status} ${answer.text.slice(0, 200)} to ${JSON.stringify(body)?.slice(0, 300)}`);
  }
  expect(wrong).toEqual([]);
  expect(await journals()).toBe(before);
});
