/** Secrets of webhooks are rotated while events come: the old and the new one count until the day that was set, and no other. */
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { fail, FailureError } from '#domain/failures.ts';
import type { FormerSecret } from '#domain/former-secrets.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { signedBy } from '#test/conformance/psp-connector/webhook-signing.ts';
import { Secret } from '#workers/secret.ts';

const psps = ['alpha', 'beta', 'gamma'] as const;
type Psp = (typeof psps)[number];
const old = { alpha: 'whsec_old', beta: '0a'.repeat(32), gamma: 'gamma-old', kyc: 'kyc-old' };
const next = { alpha: 'whsec_new', beta: '0b'.repeat(32), gamma: 'gamma-new', kyc: 'kyc-new' };
const thief = { alpha: 'whsec_no', beta: '0c'.repeat(32), gamma: 'gamma-no', kyc: 'kyc-no' };
type Secrets = typeof old;

let database: TestDatabase;
const apps: TestApi[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 10 });
});
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  for (const app of apps) await app.close();
  await database?.drop();
});

/** A process that was started with these secrets. */
async function started(
  current: Secrets,
  former?: { secrets: Secrets; validUntil: string },
): Promise<TestApi> {
  const plain = await createTestApi(database);
  const with_ = (of: keyof Secrets) => ({
    formerSecrets: new Secret<readonly FormerSecret[]>(
      former === undefined
        ? []
        : [{ name: '2025', secret: former.secrets[of], validUntil: former.validUntil }],
    ),
  });
  const at = { url: 'http://127.0.0.1:1', apiKey: new Secret('key') };
  const app = await createTestApi(database, {
    temporal: () =>
      Promise.reject(new FailureError(fail('dependency-unavailable', 'Temporal is away.').failure)),
    config: {
      ...plain.deps.config,
      psp: {
        alpha: { ...at, webhookSecret: new Secret(current.alpha), ...with_('alpha') },
        beta: { ...at, merchantAccount: 'PitbossTest', hmacKey: new Secret(current.beta), ...with_('beta') },
        gamma: {
          ...at,
          processingChannelId: 'pc',
          currencyAccountId: 'ca',
          webhookSecret: new Secret(current.gamma),
          ...with_('gamma'),
        },
      },
      kycVendor: {
        url: at.url,
        appToken: new Secret('a'),
        secretKey: new Secret('b'),
        webhookSecret: new Secret(current.kyc),
        ...with_('kyc'),
      },
    },
  });
  await plain.close();
  apps.push(app);
  return app;
}

const reference = () => `deposit:${randomUUID()}:a1`;
/** Each event is another one, as a PSP sends them. */
const fresh = (body: string): string =>
  body.replace(/evt_contract/, `evt_${randomUUID()}`).replace(/"created":\d+/, `"created":1`);

async function send(app: TestApi, psp: Psp, secrets: Secrets): Promise<number> {
  const signing = { alpha: signedBy.stripe, beta: signedBy.adyen, gamma: signedBy.checkout }[psp](
    secrets[psp],
  );
  const body = fresh(signing.body(reference()));
  const headers = signing.headers(body);
  return (await app.api.request(`/webhooks/psp/${psp}`, { method: 'POST', body, headers })).status;
}

async function sendKyc(app: TestApi, secrets: Secrets): Promise<number> {
  const text = JSON.stringify({
    applicantId: randomUUID(),
    externalUserId: randomUUID(),
    type: 'applicantReviewed',
    createdAtMs: String(Date.now()),
  });
  const headers = { 'x-payload-digest': createHmac('sha256', secrets.kyc).update(text).digest('hex') };
  return (await app.send('POST', '/webhooks/kyc/vendor', text, { headers })).status;
}

const sendAll = async (app: TestApi, secrets: Secrets): Promise<readonly number[]> => [
  ...(await Promise.all(psps.map((psp) => send(app, psp, secrets)))),
  await sendKyc(app, secrets),
];
const taken = [200, 200, 200, 200];
const refused = [401, 401, 401, 401];

test('events of the old and the new secret are taken while both are valid, and none is lost when processes change', async () => {
  const validUntil = new Date(Date.now() + 3_600_000).toISOString();
  const before = await started(old);
  const during = await started(next, { secrets: old, validUntil });
  const after = await started(next);
  // A rolling deployment: the PSP signs with the old secret, then with the new one, and both kinds of process listen.
  const results = await Promise.all([
    ...Array.from({ length: 20 }, () => sendAll(during, old)),
    ...Array.from({ length: 20 }, () => sendAll(during, next)),
    sendAll(before, old),
    sendAll(after, next),
  ]);
  for (const result of results) expect(result).toEqual(taken);
  expect(await sendAll(during, thief)).toEqual(refused);
  expect(await sendAll(after, old)).toEqual(refused);
});

test('a secret that has ended proves nothing, to the second, though it is still configured', async () => {
  const validUntil = new Date(Date.now() + 3_600_000).toISOString();
  const app = await started(next, { secrets: old, validUntil });
  expect(await sendAll(app, old)).toEqual(taken);
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.parse(validUntil) - 1);
  expect(await sendAll(app, old)).toEqual(taken);
  vi.setSystemTime(Date.parse(validUntil));
  expect(await sendAll(app, old)).toEqual(refused);
  expect(await sendAll(app, next)).toEqual(taken);
});
