/** Whether a method is open, as a rule set from draft to roll-back, and limits that say whom they apply to. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeEligibility } from '#activities/payments/decide-eligibility.ts';
import { readDepositMethods } from '#activities/payments/deposit-methods.ts';
import { readPayer } from '#activities/payments/payer-facts.ts';
import { shippedRules } from '#activities/backoffice/shipped-rules.ts';
import { readEligibility, readRuleSet } from '#domain/backoffice/rule-sets.ts';
import { orThrow } from '#domain/failures.ts';
import { eligibilityCatalogue } from '#domain/payments/eligibility-fields.ts';
import { eligibilityBy } from '#domain/payments/eligibility.ts';
import { fromStoredFacts } from '#domain/rules/facts.ts';
import { createTestApi, type TestApi } from './support/api.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { outliveMemory } from './support/passing-time.ts';
import { askDeposit, brand, makePlayer, seedWorld } from './workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let author: string;
let lead: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  [author, lead] = [await app.signInAs(['payments-lead']), await app.signInAs(['payments-lead'])];
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const set = 'payments.method-eligibility';
type Version = { id: string; contentHash: string; version: number; state: string };

async function post(path: string, body: unknown, token: string): Promise<Record<string, unknown>> {
  const answer = await app.send('POST', path, body, { token, key: randomUUID() });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

const draft = async (content: unknown): Promise<Version> =>
  (await post(
    `/admin/v1/rule-sets/${set}/versions`,
    { brand, content, note: 'for the test' },
    author,
  )) as Version;

const step = (version: Version, name: string) =>
  post(
    `/admin/v1/rule-versions/${version.id}/steps`,
    { step: name, contentHash: version.contentHash, reason: 'as the test wants it' },
    lead,
  );

const versions = async (): Promise<readonly Version[]> => {
  const answer = await app.send('GET', `/admin/v1/rule-sets/${set}/versions?brand=${brand}`, undefined, {
    token: lead,
  });
  return answer.body['items'] as readonly Version[];
};

const closes = (offer: string) => ({
  form: 'table',
  hitPolicy: 'first',
  columns: ['method'],
  rows: [{ name: 'for the test', cells: [{ is: 'in', values: ['card'] }], outcome: { offer } }],
  otherwise: { offer: 'open' },
});

const decisionsOf = (playerId: string) =>
  database.db
    .selectFrom('payments.eligibilityDecision')
    .selectAll()
    .where('playerId', '=', playerId)
    .orderBy('decidedAt')
    .execute();

const methodsOf = (playerId: string) =>
  readDepositMethods(database.db, { playerId, brand, jurisdiction: 'MT', hasBank: true });

test('it is drafted, tried on history, published by another person, tried beside, live, and rolled back', async () => {
  const playerId = await makePlayer(database.db);
  const open = await askDeposit(database.db, playerId, '20.00');
  const [shipped] = await versions();
  expect(await decisionsOf(playerId)).toMatchObject([
    { paymentId: open.id, ruleVersionId: shipped!.id, offer: 'open', rowName: null, shadowOffer: null },
  ]);

  const closed = await draft(closes('closed'));
  expect(await post(`/admin/v1/rule-versions/${closed.id}/simulations`, { days: 1 }, author)).toMatchObject({
    decisions: 1,
    changed: 1,
    backEnd: 'postgres',
    samples: [{ paymentId: open.id, was: ['open'], would: ['closed'], row: 'for the test' }],
  });
  await step(closed, 'publish');
  await step(closed, 'shadow');
  outliveMemory();
  await askDeposit(database.db, playerId, '20.00');
  expect((await decisionsOf(playerId)).at(-1)).toMatchObject({ offer: 'open', shadowOffer: 'closed' });

  await step(closed, 'go-live');
  outliveMemory();
  await expect(askDeposit(database.db, playerId, '20.00')).rejects.toMatchObject({
    failure: { code: 'payment-method-unavailable' },
  });
  const refused = (await decisionsOf(playerId)).at(-1);
  expect(refused).toMatchObject({ ruleVersionId: closed.id, offer: 'closed', rowName: 'for the test' });
  expect(refused?.inputs).toMatchObject({
    method: 'card',
    'amount.EUR': '20000000000000',
    'psps.offered': '3',
  });
  // What is kept decides the same again.
  const again = eligibilityBy(
    orThrow(readEligibility(closes('closed'))),
    orThrow(fromStoredFacts(eligibilityCatalogue, refused?.inputs as Record<string, string>)),
  );
  expect(again).toMatchObject({ offer: refused?.offer, row: refused?.rowName, trace: refused?.trace });
  const told = await database.db
    .selectFrom('compliance.outbox')
    .select('payload')
    .where('type', '=', 'payments.deposit.refused')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  const by = `method-eligibility:v${closed.version}:for the test`;
  expect(told.payload).toMatchObject({ code: 'payment-method-unavailable', by });
  expect(await methodsOf(playerId)).toMatchObject([
    { method: 'card', missing: { reason: 'closed', by } },
    { method: 'e-wallet', missing: null },
    { method: 'bank-transfer', missing: null },
  ]);

  await step(shipped!, 'roll-back');
  outliveMemory();
  await askDeposit(database.db, playerId, '20.00');
  expect((await decisionsOf(playerId)).at(-1)).toMatchObject({ ruleVersionId: shipped!.id, offer: 'open' });
});

test('a method may wait for a verified identity', async () => {
  const version = await draft(closes('needs-identity'));
  await post(`/admin/v1/rule-versions/${version.id}/simulations`, { days: 1 }, author);
  await step(version, 'publish');
  await step(version, 'go-live');
  outliveMemory();
  const playerId = await makePlayer(database.db);
  const methods = await methodsOf(playerId);
  // A list of methods decides nothing, so nothing of it is kept.
  expect(await decisionsOf(playerId)).toEqual([]);
  expect(methods[0]?.missing?.reason).toBe('kyc-level');
  await expect(askDeposit(database.db, playerId, '20.00')).rejects.toMatchObject({
    failure: { code: 'identity-not-verified' },
  });
  const [shipped] = (await versions()).filter(({ version: number }) => number === 1);
  await step(shipped!, 'roll-back');
  outliveMemory();
});

test('rules that nobody can read close every method', async () => {
  const playerId = await makePlayer(database.db);
  const payer = await readPayer(database.db, { playerId, sessionId: null, ip: null, tokens: [] });
  const asked = {
    brand,
    jurisdiction: 'MT',
    method: 'card',
    asset: 'EUR',
    amount: 1n,
    kycLevel: 'L0',
    age: null,
    ip: null,
  } as const;
  const unread = { live: null, shadow: null, isUnread: true };
  expect(judgeEligibility(unread, asked, payer, null)).toMatchObject({
    refusal: { code: 'payment-method-unavailable' },
    decision: null,
  });
  expect(judgeEligibility({ ...unread, isUnread: false }, asked, payer, null).gap).toBeNull();
});

test('rules without a default are not taken', async () => {
  const answer = await app.send(
    'POST',
    `/admin/v1/rule-sets/${set}/checks`,
    { content: { ...closes('closed'), otherwise: null } },
    { token: author },
  );
  expect(answer.body).toMatchObject({ code: 'rule-invalid', errors: [{ pointer: '/otherwise' }] });
});

describe('what is shipped', () => {
  test('is valid, without warnings, and lives as the first version of each brand', async () => {
    for (const { ruleSet, content } of shippedRules) {
      const rules = orThrow(readRuleSet(ruleSet, content));
      expect(rules.warnings, ruleSet).toEqual([]);
      expect(rules.analysis?.unreachable ?? []).toEqual([]);
    }
    const rows = await database.db
      .selectFrom('backoffice.ruleVersion')
      .select(['ruleSet', 'brand', 'author', 'publishReason'])
      .where('version', '=', 1)
      .execute();
    expect(rows.length).toBe(2 * shippedRules.length);
    expect(new Set(rows.map((row) => row.author))).toEqual(new Set(['system:seed']));
  });

  test('keeps credit cards out of Great Britain, and nothing else', () => {
    const { content } = shippedRules.find(({ ruleSet }) => ruleSet === set)!;
    const rules = orThrow(readEligibility(content));
    const offer = (jurisdiction: string, method: string, type: string | null) =>
      eligibilityBy(
        rules,
        new Map([
          ['jurisdiction', jurisdiction],
          ['method', method],
          ['card.type', type],
        ]),
      ).offer;
    expect(offer('GB', 'card', 'credit')).toBe('closed');
    for (const [jurisdiction, method, type] of [
      ['GB', 'card', 'debit'],
      ['GB', 'card', null],
      ['GB', 'bank-transfer', null],
      ['MT', 'card', 'credit'],
    ] as const)
      expect(offer(jurisdiction, method, type)).toBe('open');
  });

  test('reads as sentences, and is cloned into a draft of its own', async () => {
    const [first] = (await versions()).filter(({ version }) => version === 1);
    const seen = await app.send('GET', `/admin/v1/rule-versions/${first!.id}`, undefined, { token: lead });
    expect(seen.body).toMatchObject({
      reading: {
        sentences: [
          {
            sentence:
              'if the jurisdiction is one of "GB", and the method is one of card, and whether the card is credit, debit or prepaid is one of credit',
            outcome: { offer: 'closed' },
          },
        ],
      },
    });
    const path = `/admin/v1/rule-versions/${first!.id}/drafts`;
    const clone = await post(path, { note: 'to be changed' }, author);
    expect(clone).toMatchObject({ state: 'draft', contentHash: first!.contentHash, brand });
    expect(clone['id']).not.toBe(first!.id);
    const elsewhere = await app.signInAs(['payments-lead'], ['borealis']);
    const refused = await app.send(
      'POST',
      path,
      { note: 'not mine' },
      { token: elsewhere, key: randomUUID() },
    );
    expect(refused.status).toBe(404);
  });
});

describe('a limit with a condition', () => {
  const tier = { node: 'variable', name: 'player.tier' };
  const gold = { node: 'constant', type: 'list', of: 'string', values: ['gold'] };
  const call = (operator: string, ...given: unknown[]) => ({ node: 'operation', operator, arguments: given });
  const limit = {
    brand,
    name: 'small-without-tier',
    flow: 'deposit',
    measure: 'amount-max',
    money: { amount: '30.00', asset: 'EUR' },
    condition: call('or', call('isAbsent', tier), call('notIn', tier, gold)),
    reason: 'for the test',
  };
  const path = '/admin/v1/payments/payment-rules';

  test('applies to those whom it names, in deposits and in the list of methods', async () => {
    expect(await post(path, limit, lead)).toMatchObject({
      condition: limit.condition,
      appliesIf: `the player's tier is not known or the player's tier is none of "gold"`,
    });
    outliveMemory();
    const [plain, golden] = [await makePlayer(database.db), await makePlayer(database.db)];
    await database.db
      .insertInto('crm.playerTier')
      .values({ playerId: golden, version: 1, tier: 'gold', author: 'operator:test', reason: 'test' })
      .execute();
    await expect(askDeposit(database.db, plain, '40.00')).rejects.toMatchObject({
      failure: { code: 'amount-above-maximum' },
    });
    await askDeposit(database.db, golden, '40.00');
    const cardMax = async (playerId: string) =>
      (await methodsOf(playerId)).find(({ method }) => method === 'card')?.range.max;
    expect(await cardMax(plain)).toBe(30_000_000_000_000n);
    expect(await cardMax(golden)).toBeNull();
  });

  test('must say what holds for what is not known, and is of the language', async () => {
    for (const condition of [
      call('not', call('in', tier, gold)),
      call(
        'equal',
        { node: 'variable', name: 'psps.reached' },
        { node: 'constant', type: 'integer', value: '0' },
      ),
      { node: 'nothing' },
    ]) {
      const answer = await app.send(
        'POST',
        path,
        { ...limit, condition },
        { token: lead, key: randomUUID() },
      );
      expect(answer.body, JSON.stringify(condition)).toMatchObject({ code: 'rule-invalid' });
    }
  });

  test('that cannot be read leaves what could be read before in force', async () => {
    const name = `broken-${randomUUID().slice(0, 8)}`;
    const row = (version: number, condition: unknown, amount: string) =>
      database.ownerPool.query(
        `insert into payments.payment_rule (id, brand, name, version, flow, measure, subject, asset, amount, condition, is_active, author, reason)
         values (gen_random_uuid(), $1, $2, $3, 'deposit', 'amount-max', 'payment', 'EUR', $4, $5, true, 'operator:test', 'test')`,
        [brand, name, version, amount, condition === null ? null : JSON.stringify(condition)],
      );
    await row(1, null, '10000000000000');
    await row(2, { node: 'variable', name: 'player.shoeSize' }, '99000000000000');
    outliveMemory();
    await expect(askDeposit(database.db, await makePlayer(database.db), '20.00')).rejects.toMatchObject({
      failure: { code: 'amount-above-maximum', detail: 'The greatest amount is 10.00 EUR.' },
    });
  });
});

test('what was decided about a deposit is one fact, without what stays here and what was not known', async () => {
  const { rows } = await database.pool.query<{
    payload: { inputs: Record<string, unknown>; decisions: { ruleSet: string }[] };
  }>(
    `select payload from compliance.outbox o where type = 'payments.decision.recorded'
     and exists (select from payments.deposit d where d.id::text = o.payload ->> 'paymentId')`,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { payload } of rows) {
    expect(payload.decisions.map(({ ruleSet }) => ruleSet)).toEqual([
      'payments.method-eligibility',
      'payments.deposit-routing',
      'payments.three-ds',
    ]);
    expect(payload.inputs).not.toHaveProperty(['player.age']);
    expect(Object.values(payload.inputs)).not.toContain(null);
  }
});
