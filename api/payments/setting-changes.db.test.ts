/** Fee terms, bands, policies and routes over HTTP: who may, what is refused, and that the next payment follows them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PaymentOrder } from '#activities/payments/connectors.ts';
import { currentRoute } from '#activities/payments/routes.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  makePlayer,
  paymentActivities,
  scriptedPsp,
} from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let staff: {
  lead: string;
  other: string;
  compliance: string;
  payments: string;
  support: string;
  scoped: string;
};
const changes = '/admin/v1/payments/setting-changes';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  const [lead, other, compliance, payments, support, scoped] = await Promise.all([
    app.signInAs(['payments-lead']),
    app.signInAs(['payments-lead']),
    app.signInAs(['compliance']),
    app.signInAs(['payments']),
    app.signInAs(['support']),
    app.signInAs(['payments-lead'], ['aurora']),
  ]);
  staff = { lead, other, compliance, payments, support, scoped };
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

type Setting = Record<string, unknown>;

const propose = (setting: Setting, after: number, token = staff.lead, key: string = randomUUID()) =>
  app.send('POST', changes, { setting, after, reason: 'for the test' }, { token, key });
const decide = (change: Setting, token: string, decision = 'apply', payloadHash = change['payloadHash']) =>
  app.send(
    'POST',
    `${changes}/${String(change['changeId'])}/decisions`,
    { decision, payloadHash, reason: 'as it should be' },
    { token },
  );

async function proposed(setting: Setting, after: number, token = staff.lead): Promise<Setting> {
  const answer = await propose(setting, after, token);
  expect(answer.status, answer.text).toBe(200);
  expect(answer.body).toMatchObject({ setting, version: after + 1, state: 'proposed', decidedBy: null });
  return answer.body;
}

async function inForce(kind: string, scope: string, brand = '*'): Promise<Setting | undefined> {
  const answer = await app.send('GET', `/admin/v1/payments/settings?kind=${kind}`, undefined, {
    token: staff.payments,
  });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body['items'] as Setting[]).find(
    (item) => item['scope'] === scope && item['brand'] === brand,
  );
}

const route = (more: Setting = {}): Setting => ({
  kind: 'psp-route',
  brand: 'aurora',
  method: 'card',
  currency: 'EUR',
  psps: ['beta', 'alpha'],
  captureMode: 'manual',
  ...more,
});
const pspFee = { kind: 'psp-fee', psp: 'gamma', movement: 'charge', bps: 95, fixedMinor: 12 };
const withdrawalFee = {
  kind: 'withdrawal-fee',
  brand: 'aurora',
  method: 'bank-account',
  bps: 50,
  fixed: { amount: '1.50', asset: 'EUR' },
  freePerMonth: 2,
};
const band = { kind: 'approver-band', brand: '*', role: 'payments', asset: 'EUR', amountMax: '7500.00' };
const policy = { kind: 'second-charge', brand: 'aurora', jurisdiction: 'MT', action: 'person' };
const unauthenticated = { ...policy, kind: 'unauthenticated-charge' };

test('every kind goes from proposal through another person into its table, with author and reason', async () => {
  for (const [setting, scope, brand, after] of [
    [pspFee, 'gamma charge', '*', 1],
    [withdrawalFee, 'bank-account EUR', 'aurora', 0],
    [band, 'payments EUR', '*', 1],
    [policy, 'MT', 'aurora', 1],
    [unauthenticated, 'MT', 'aurora', 1],
    [route(), 'card EUR', 'aurora', 1],
  ] as const) {
    const change = await proposed(setting, after);
    expect((await inForce(setting.kind as string, scope, brand))?.['version'] ?? 0).toBe(after);
    const applied = await decide(change, staff.compliance);
    expect(applied, applied.text).toMatchObject({ status: 200, body: { state: 'applied' } });
    expect((await decide(change, staff.compliance)).body).toEqual(applied.body);
    expect(await inForce(setting.kind as string, scope, brand)).toMatchObject({
      version: after + 1,
      setting,
      changeId: change['changeId'],
    });
    const { rows } = await database.pool.query(
      'select action, reason from compliance.audit where subject = $1 order by id',
      [`setting-change:${String(change['changeId'])}`],
    );
    expect(rows).toEqual([
      { action: 'payments.setting.proposed', reason: 'for the test' },
      { action: 'payments.setting.applied', reason: 'as it should be' },
    ]);
  }
  expect(await currentRoute(database.db, 'aurora', 'card', 'EUR')).toMatchObject({
    version: 2,
    captureMode: 'manual',
    psps: ['beta', 'alpha'],
  });
  const { rows } = await database.pool.query(
    "select payments.may_approve('aurora', 'payments', 'EUR', 7500 * 10::numeric ^ 12) as within, payments.may_approve('aurora', 'payments', 'EUR', 7500 * 10::numeric ^ 12 + 1) as above",
  );
  expect(rows).toEqual([{ within: true, above: false }]);
});

describe('nobody alone', () => {
  test('applies his own proposal, or decides on the band of his own role', async () => {
    const change = await proposed(route({ currency: 'SEK' }), 1);
    expect(await decide(change, staff.lead)).toMatchObject({ status: 403, body: { code: 'own-approval' } });
    expect(await decide(change, staff.payments)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await decide(change, staff.lead, 'refuse')).body).toMatchObject({ state: 'refused' });
    expect((await decide(change, staff.other)).body).toMatchObject({ code: 'setting-not-open' });

    const own = await proposed({ ...band, role: 'payments-lead', amountMax: null }, 1, staff.compliance);
    expect((await decide(own, staff.lead)).body).toMatchObject({ code: 'own-approval' });
    const { rows } = await database.pool.query(
      "select count(*)::int as count from payments.approver_band where role = 'payments-lead' and version > 1",
    );
    expect(rows).toEqual([{ count: 0 }]);
  });

  test('gets a version past the database', async () => {
    const change = await proposed(route({ currency: 'NOK' }), 1);
    const id = String(change['changeId']);
    await expect(
      database.pool.query(
        "insert into payments.psp_route (brand, method, currency, version, psps, change_id) values ('aurora', 'card', 'NOK', 2, '{alpha}', $1)",
        [id],
      ),
    ).rejects.toThrow(/was not decided/);
    await expect(
      database.pool.query(
        "update payments.setting_change set state = 'applied', decided_by = author, decision_reason = 'mine', decided_at = now() where id = $1",
        [id],
      ),
    ).rejects.toThrow(/check constraint/);
    await expect(
      database.pool.query("update payments.setting_change set content = '{}' where id = $1", [id]),
    ).rejects.toThrow(/cannot change/);
  });
});

test('what was shown is what is decided, and of proposals that race one is applied', async () => {
  const [one, two] = [
    await proposed(route({ currency: 'GBP' }), 1),
    await proposed(route({ currency: 'GBP', psps: ['gamma'] }), 1, staff.other),
  ];
  expect((await decide(one, staff.compliance, 'apply', two['payloadHash'])).body).toMatchObject({
    code: 'setting-not-open',
  });
  const answers = await Promise.all([decide(one, staff.compliance), decide(two, staff.compliance)]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
  expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'version-outdated' });
  expect(await inForce('psp-route', 'card GBP', 'aurora')).toMatchObject({ version: 2 });
  expect((await propose(route({ currency: 'GBP' }), 1)).body).toMatchObject({ code: 'version-outdated' });
});

test('a key is one proposal, and a proposal needs the role and the brand', async () => {
  const key = randomUUID();
  const first = await propose(route({ currency: 'USD' }), 1, staff.lead, key);
  expect((await propose(route({ currency: 'USD' }), 1, staff.lead, key)).body).toEqual(first.body);
  expect((await propose(route({ currency: 'USD', psps: ['alpha'] }), 1, staff.lead, key)).body).toMatchObject(
    {
      code: 'idempotency-key-reused',
    },
  );
  expect((await propose(route(), 1, staff.payments)).status).toBe(403);
  expect((await propose(pspFee, 1, staff.scoped)).status).toBe(404);
  expect((await propose(route({ brand: 'nowhere' }), 0)).status).toBe(404);
  expect((await propose(route({ currency: 'PLN' }), 1, staff.scoped)).status).toBe(200);
  const global = await proposed({ ...band, asset: 'USD' }, 1);
  expect((await decide(global, staff.scoped)).status).toBe(404);
  expect((await decide({ ...global, changeId: randomUUID() }, staff.compliance)).status).toBe(404);
  const forbidden = await app.send('GET', changes, undefined, { token: staff.support });
  expect(forbidden.status).toBe(403);
  const list = await app.send('GET', `${changes}?kind=approver-band&state=proposed`, undefined, {
    token: staff.payments,
  });
  expect(list.body['items']).toContainEqual(global);
});

test('a policy of unauthenticated charges stays as it is until another person has decided, and its history stays', async () => {
  const place = { ...unauthenticated, brand: 'borealis', jurisdiction: 'SE', action: 'refund' };
  const inDatabase = async () =>
    (
      await database.pool.query(
        `select version, action, change_id from payments.unauthenticated_charge_policy
         where brand = 'borealis' and jurisdiction = 'SE' order by version`,
      )
    ).rows as { version: number; action: string; change_id: string | null }[];
  const before = await inDatabase();
  const after = before.at(-1)?.version ?? 0;

  const refused = await proposed({ ...place, action: 'person' }, after);
  expect(await decide(refused, staff.lead)).toMatchObject({ status: 403, body: { code: 'own-approval' } });
  expect(await decide(refused, staff.payments)).toMatchObject({ status: 403 });
  expect((await decide(refused, staff.compliance, 'apply', 'f'.repeat(64))).body).toMatchObject({
    code: 'setting-not-open',
  });
  expect((await decide(refused, staff.scoped)).status).toBe(404);
  expect((await decide(refused, staff.compliance, 'refuse')).body).toMatchObject({ state: 'refused' });
  expect(await inDatabase()).toEqual(before);

  const first = await proposed({ ...place, action: 'person' }, after);
  await decide(first, staff.compliance);
  const second = await proposed(place, after + 1, staff.other);
  await decide(second, staff.lead);
  expect((await inDatabase()).slice(before.length)).toEqual([
    { version: after + 1, action: 'person', change_id: first['changeId'] },
    { version: after + 2, action: 'refund', change_id: second['changeId'] },
  ]);
  const history = await app.send('GET', `${changes}?kind=unauthenticated-charge`, undefined, {
    token: staff.payments,
  });
  expect(
    (history.body['items'] as Setting[]).flatMap(({ brand: of, state, author, decidedBy }) =>
      of === 'borealis' ? [{ state, isByTwo: author !== decidedBy }] : [],
    ),
  ).toEqual([
    { state: 'applied', isByTwo: true },
    { state: 'applied', isByTwo: true },
    { state: 'refused', isByTwo: true },
  ]);
  await expect(
    database.pool.query(
      `insert into payments.unauthenticated_charge_policy (brand, jurisdiction, version, action, change_id)
       values ('borealis', 'SE', $1, 'person', $2)`,
      [after + 3, refused['changeId']],
    ),
  ).rejects.toThrow(/was not decided/);
});

test('the next charge that was not authenticated follows the policy that was decided last', async () => {
  const psps = ['alpha', 'beta'].map(scriptedPsp);
  const { money } = paymentActivities(database.db, new Map(psps.map((psp) => [psp.name, psp])));
  const refundOfNext = async () => {
    const { id: depositId } = await askDeposit(database.db, await makePlayer(database.db));
    const refused = (order: PaymentOrder): PspOutcome => ({
      ...(approved(order) as Extract<PspOutcome, { kind: 'approved' }>),
      threeDs: {
        transStatus: 'N',
        eci: '07',
        dsTransactionId: randomUUID(),
        version: '2.2.0',
        network: 'visa',
        issuerCountry: 'MT',
        exemptionGranted: null,
      },
    });
    for (const psp of psps) psp.play({ authorise: [refused], status: [refused] });
    expect(await money.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'approved' });
    return money.requestUnauthenticatedRefund({ depositId, number: 1 });
  };
  const decideOn = async (action: string) => {
    const now = (await inForce('unauthenticated-charge', 'MT', 'aurora'))?.['version'] as number;
    const change = await proposed({ ...unauthenticated, action }, now);
    expect((await decide(change, staff.compliance)).body).toMatchObject({ state: 'applied' });
  };
  await decideOn('person');
  expect(await refundOfNext()).toBeNull();
  await decideOn('refund');
  expect(await refundOfNext()).toMatchObject({ money: { amount: '50.00', asset: 'EUR' } });
});

test.each<[string, Setting]>([
  ['a PSP twice', route({ psps: ['alpha', 'alpha'] })],
  ['no PSP', route({ psps: [] })],
  ['a PSP that is none', route({ psps: ['delta'] })],
  ['a capture mode that is none', route({ captureMode: 'later' })],
  ['a route for all brands', route({ brand: '*' })],
  ['a currency that is none', route({ currency: 'XXX' })],
  ['something more', route({ more: 1 })],
  ['a fee above the whole', { ...pspFee, bps: 10_001 }],
  ['a part of a minor unit', { ...pspFee, fixedMinor: 0.5 }],
  ['a fee below zero', { ...withdrawalFee, fixed: { amount: '-1.00', asset: 'EUR' } }],
  ['a fee too precise', { ...withdrawalFee, fixed: { amount: '0.0000000000001', asset: 'EUR' } }],
  ['a fee in nothing', { ...withdrawalFee, fixed: { amount: '1', asset: 'NOPE' } }],
  ['a fee as a number', { ...withdrawalFee, fixed: { amount: 1, asset: 'EUR' } }],
  ['a band of all assets with an end', { ...band, asset: '*' }],
  ['a band beyond what is stored', { ...band, amountMax: '9'.repeat(27) }],
  ['a role that is none', { ...band, role: 'boss' }],
  ['a jurisdiction that is none', { ...policy, jurisdiction: 'ZZ' }],
  ['a deed that is none', { ...policy, action: 'keep' }],
  ['an unauthenticated charge that is kept', { ...unauthenticated, action: 'capture' }],
  ['an unauthenticated charge of all brands', { ...unauthenticated, brand: '*' }],
  ['an unauthenticated charge of nowhere', { ...unauthenticated, jurisdiction: 'ZZ' }],
  ['a kind that is none', { kind: 'everything' }],
])('%s is refused as bad input', async (_, setting) => {
  const answer = await propose(setting, 0);
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
  expect(answer.status, answer.text).toBeLessThan(500);
  const { rows } = await database.pool.query(
    'select count(*)::int as count from payments.setting_change where version = 1 and content = $1',
    [JSON.stringify(setting)],
  );
  expect(rows).toEqual([{ count: 0 }]);
});
