/** Routing rules from draft to roll-back through the API, and deposits of real players that follow them. */
import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optionsOf } from '#activities/payments/payment-rows.ts';
import { createDatabase } from '#db/connect.ts';
import { showRuleReviews } from '#workers/rule-review-metrics.ts';
import { createTestApi, type TestApi } from './support/api.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { outliveMemory } from './support/passing-time.ts';
import { brand, makePlayer, askDeposit, seedWorld } from './workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let author: string;
let lead: string;
let other: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  [author, lead, other] = [
    await app.signInAs(['payments-lead']),
    await app.signInAs(['payments-lead']),
    await app.signInAs(['payments']),
  ];
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const orderOf = (...psps: string[]) => ({ split: [{ shareBps: 10_000, psps }] });
const euros = (value: string) => ({ node: 'constant', type: 'money', value, asset: 'EUR' });
const rule = (name: string, condition: unknown, outcome: unknown) => ({ name, condition, outcome });
const amountFrom = (value: string) => ({
  node: 'operation',
  operator: 'greaterOrEqual',
  arguments: [{ node: 'variable', name: 'amount.EUR' }, euros(value)],
});
const rules = (list: readonly unknown[], otherwise: unknown = orderOf('alpha', 'beta', 'gamma')) => ({
  form: 'rules',
  hitPolicy: 'first',
  rules: list,
  otherwise,
});

const largeToBeta = rules([rule('large', amountFrom('100'), orderOf('beta', 'alpha'))]);
const sets = '/admin/v1/rule-sets/payments.deposit-routing';

async function draft(content: unknown, token = author) {
  const answer = await app.send(
    'POST',
    `${sets}/versions`,
    { brand, content, note: 'for the test' },
    { token, key: randomUUID() },
  );
  expect(answer.status, answer.text).toBe(200);
  return answer.body as { id: string; contentHash: string; version: number };
}

const simulate = (id: string, token = author) =>
  app.send('POST', `/admin/v1/rule-versions/${id}/simulations`, { days: 30 }, { token });

const step = (version: { id: string; contentHash: string }, name: string, token = lead) =>
  app.send(
    'POST',
    `/admin/v1/rule-versions/${version.id}/steps`,
    { step: name, contentHash: version.contentHash, reason: 'as the test wants it' },
    { token },
  );

/** Drafts, simulates and publishes. */
async function published(content: unknown) {
  const version = await draft(content);
  expect((await simulate(version.id)).status).toBe(200);
  expect((await step(version, 'publish')).body).toMatchObject({ state: 'published' });
  return version;
}

const decisionOf = (depositId: string) =>
  database.db
    .selectFrom('payments.routingDecision')
    .selectAll()
    .where('depositId', '=', depositId)
    .executeTakeFirstOrThrow();

describe('the life of routing rules', () => {
  test('every brand starts with shipped rules that people can read', async () => {
    const row = await askDeposit(database.db, await makePlayer(database.db), '20.00');
    expect(optionsOf(row).map(({ psp }) => psp)).toEqual(['alpha', 'beta']);
    const decision = await decisionOf(row.id);
    expect(decision).toMatchObject({
      psps: ['alpha', 'beta', 'gamma'],
      rowName: 'cards in euros',
      trace: [{ row: 'cards in euros', holds: true, conditions: '11' }],
      shadowPsps: null,
    });
    expect(decision.inputs).toMatchObject({
      brand,
      currency: 'EUR',
      'amount.EUR': '20000000000000',
      'amount.GBP': null,
      'player.country': 'MT',
      'player.deposits': '0',
      'psp.alpha.approvedBps': null,
    });
  });

  test('a check answers with sentences, or with the places of what is wrong', async () => {
    const good = await app.send('POST', `${sets}/checks`, { content: largeToBeta }, { token: author });
    expect(good.body).toMatchObject({
      sentences: [{ name: 'large', sentence: 'if the amount in EUR is at least 100.00 EUR' }],
      warnings: [],
    });
    const bad = rules([rule('large', { ...amountFrom('100'), operator: 'contains' }, orderOf('beta'))]);
    const refused = await app.send('POST', `${sets}/checks`, { content: bad }, { token: author });
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      code: 'rule-invalid',
      errors: [{ pointer: '/rules/0/condition' }],
    });
    const uneven = rules([], { split: [{ shareBps: 9_999, psps: ['alpha'] }] });
    expect((await app.send('POST', `${sets}/checks`, { content: uneven }, { token: author })).status).toBe(
      422,
    );
    const deep = `${'{"arguments":['.repeat(100)}1${']}'.repeat(100)}`;
    const nested = await app.send('POST', `${sets}/checks`, `{"content":{"deep":${deep}}}`, {
      token: author,
    });
    expect(nested.body).toMatchObject({ code: 'rule-invalid', detail: 'The rules are nested too deeply.' });
  });

  test('a version is simulated, published by another person, and only then decides', async () => {
    const rich = await askDeposit(database.db, await makePlayer(database.db), '150.00');
    const version = await draft(largeToBeta);
    expect((await step(version, 'publish')).body).toMatchObject({ code: 'rule-step-refused' });
    const simulated = await simulate(version.id);
    expect(simulated.body).toMatchObject({
      decisions: 2,
      changed: 1,
      firstChanged: 1,
      undecided: 0,
      samples: [
        { paymentId: rich.id, was: ['alpha', 'beta', 'gamma'], would: ['beta', 'alpha'], row: 'large' },
      ],
    });
    expect((await step(version, 'publish', author)).body).toMatchObject({ code: 'own-approval' });
    expect((await step(version, 'publish', other)).status).toBe(403);
    expect((await step({ ...version, contentHash: '0'.repeat(64) }, 'publish')).body).toMatchObject({
      code: 'version-outdated',
    });
    expect((await step(version, 'go-live')).body).toMatchObject({ code: 'rule-step-refused' });
    expect((await step(version, 'publish')).body).toMatchObject({ state: 'published' });
    expect((await step(version, 'go-live')).body).toMatchObject({ state: 'live' });
    // A repeat changes nothing.
    expect((await step(version, 'go-live')).body).toMatchObject({ state: 'live' });
    outliveMemory();
    const next = await askDeposit(database.db, await makePlayer(database.db), '150.00');
    expect(optionsOf(next).map(({ psp }) => psp)).toEqual(['beta', 'alpha']);
    expect(await decisionOf(next.id)).toMatchObject({ ruleVersionId: version.id, rowName: 'large' });
    const small = await askDeposit(database.db, await makePlayer(database.db), '50.00');
    expect(optionsOf(small).map(({ psp }) => psp)).toEqual(['alpha', 'beta']);
    const listed = await app.send(
      'GET',
      `/admin/v1/payments/routing-decisions?depositId=${next.id}`,
      undefined,
      {
        token: other,
      },
    );
    expect(listed.body['items']).toMatchObject([
      {
        version: version.version,
        row: 'large',
        trace: [
          {
            row: 'large',
            holds: true,
            conditions: [{ says: 'the amount in EUR is at least 100.00 EUR', holds: true }],
          },
        ],
      },
    ]);
  });

  test('a version under trial decides beside the live one and changes nothing', async () => {
    const trial = await published(rules([], orderOf('beta')));
    expect((await step(trial, 'shadow')).body).toMatchObject({ state: 'shadow' });
    outliveMemory();
    const row = await askDeposit(database.db, await makePlayer(database.db), '20.00');
    expect(optionsOf(row).map(({ psp }) => psp)).toEqual(['alpha', 'beta']);
    expect(await decisionOf(row.id)).toMatchObject({ shadowVersionId: trial.id, shadowPsps: ['beta'] });
  });

  test('rolling back puts a version that was live before in place of the one that is', async () => {
    const mistake = await published(rules([], orderOf('beta', 'alpha')));
    const before = (await listVersions()).find(({ state }) => state === 'live');
    expect((await step(mistake, 'go-live')).body).toMatchObject({ state: 'live' });
    expect(before).toBeDefined();
    expect((await step(before!, 'roll-back')).body).toMatchObject({
      state: 'live',
      version: before!.version,
    });
    const states = Object.fromEntries((await listVersions()).map(({ version, state }) => [version, state]));
    expect(states[mistake.version]).toBe('retired');
    const never = await published(rules([], orderOf('beta')));
    expect((await step(never, 'retire')).body).toMatchObject({ state: 'retired' });
    expect((await step(never, 'roll-back')).body).toMatchObject({ code: 'rule-step-refused' });
    const told = await database.db
      .selectFrom('compliance.audit')
      .select('action')
      .where('subject', '=', `rules:${before!.id}`)
      .orderBy('id')
      .execute();
    expect(told.map(({ action }) => action)).toEqual([
      'backoffice.rules.drafted',
      'backoffice.rules.simulated',
      'backoffice.rules.published',
      'backoffice.rules.activated',
      'backoffice.rules.rolled-back',
    ]);
  });

  describe('a roll-back is looked at afterwards', () => {
    type Review = {
      id: string;
      versionId: string;
      outcome: string | null;
      ownerId: string | null;
      ageS: number;
    };
    const reviews = async (state: 'open' | 'closed'): Promise<readonly Review[]> => {
      const answer = await app.send('GET', `/admin/v1/rule-reviews?state=${state}`, undefined, {
        token: lead,
      });
      expect(answer.status, answer.text).toBe(200);
      return answer.body['items'] as readonly Review[];
    };
    const confirm = (id: string, token: string) =>
      app.send('POST', `/admin/v1/rule-reviews/${id}/confirmations`, { reason: 'right so' }, { token });
    const figure = async (name: string) => {
      const registry = new Registry();
      // Another object each time: what is remembered for a database is not asked again for some seconds.
      showRuleReviews(registry, createDatabase(database.pool));
      const metric = await registry.getSingleMetric(name)?.get();
      return metric?.values.find(({ labels }) => labels['rule_set'] === 'payments.deposit-routing')?.value;
    };

    /** Puts a new version live and rolls back from it; the review that this opened. */
    async function rolledBack(
      token = lead,
    ): Promise<Review & { mistake: { id: string; contentHash: string } }> {
      const mistake = await published(rules([], orderOf('beta', 'alpha')));
      const before = (await listVersions()).find(({ state }) => state === 'live');
      expect((await step(mistake, 'go-live')).status).toBe(200);
      expect((await step(before!, 'roll-back', token)).body).toMatchObject({ state: 'live' });
      const review = (await reviews('open')).find(({ versionId }) => versionId === before!.id);
      expect(review).toMatchObject({ outcome: null, ownerId: null });
      return { ...review!, mistake };
    }

    test('it is live at once, and waits for another person with its age and its owner', async () => {
      for (const { id } of await reviews('open')) expect((await confirm(id, author)).status).toBe(200);
      expect(await figure('pitboss_rule_reviews_open')).toBe(0);
      const review = await rolledBack();
      expect(await figure('pitboss_rule_reviews_open')).toBe(1);
      expect(await figure('pitboss_rule_review_oldest_age_seconds')).toBeGreaterThan(0);
      const owned = (token: string, body: object = {}) =>
        app.send('POST', `/admin/v1/rule-reviews/${review.id}/owner`, body, { token });
      expect((await owned(lead)).body).toMatchObject({ code: 'own-approval' });
      expect((await owned(other)).status).toBe(403);
      const elsewhere = app.operatorOf(await app.signInAs(['payments-lead'], ['borealis']));
      for (const ownerId of [elsewhere, app.operatorOf(other)])
        expect((await owned(author, { ownerId })).status).toBe(404);
      expect((await owned(author)).status).toBe(200);
      expect((await confirm(review.id, lead)).body).toMatchObject({ code: 'own-approval' });
      expect((await confirm(review.id, author)).body).toMatchObject({ outcome: 'confirmed' });
      // A repeat is the same answer; the review of somebody who comes later is not.
      expect((await confirm(review.id, author)).status).toBe(200);
      expect((await confirm(review.id, await app.signInAs(['payments-lead']))).body).toMatchObject({
        code: 'rule-step-refused',
      });
      expect(await reviews('open')).toEqual([]);
      const told = await database.db
        .selectFrom('compliance.audit')
        .select('action')
        .where('subject', '=', `rules:${review.versionId}`)
        .where('action', 'like', 'backoffice.rule-review.%')
        .orderBy('id')
        .execute();
      expect(told.map(({ action }) => action).slice(-2)).toEqual([
        'backoffice.rule-review.assigned',
        'backoffice.rule-review.closed',
      ]);
    });

    test('another person who puts the version live again ends it, and is looked at in turn', async () => {
      const first = await rolledBack();
      expect((await step(first.mistake, 'roll-back', author)).body).toMatchObject({ state: 'live' });
      expect((await reviews('closed')).find(({ id }) => id === first.id)).toMatchObject({
        outcome: 'replaced',
      });
      const [second, ...others] = await reviews('open');
      expect(others).toEqual([]);
      expect(second).toMatchObject({ versionId: first.mistake.id });
      expect((await confirm(second!.id, author)).body).toMatchObject({ code: 'own-approval' });
      expect((await confirm(second!.id, lead)).body).toMatchObject({ outcome: 'confirmed' });
    });

    test('nobody covers his own roll-back with a further step', async () => {
      const first = await rolledBack();
      expect((await step(first.mistake, 'roll-back', lead)).body).toMatchObject({ state: 'live' });
      expect(new Set((await reviews('open')).map(({ versionId }) => versionId))).toEqual(
        new Set([first.versionId, first.mistake.id]),
      );
      for (const { id } of await reviews('open')) expect((await confirm(id, author)).status).toBe(200);
    });

    test('the database takes no roll-back without its review', async () => {
      const review = await rolledBack();
      const goBack = database.db.transaction().execute(async (trx) => {
        await trx
          .updateTable('backoffice.ruleVersion')
          .set({ state: 'retired' })
          .where('id', '=', review.versionId)
          .execute();
        await trx
          .updateTable('backoffice.ruleVersion')
          .set({ state: 'live' })
          .where('id', '=', review.mistake.id)
          .execute();
      });
      await expect(goBack).rejects.toThrow(/without a review/);
      await expect(
        database.db
          .updateTable('backoffice.ruleReview')
          .set(({ ref }) => ({
            outcome: 'confirmed',
            closedBy: ref('rolledBackBy'),
            closingReason: 'all by myself',
            closedAt: new Date(),
          }))
          .where('id', '=', review.id)
          .execute(),
      ).rejects.toThrow(/rule_review_check/);
      expect((await confirm(review.id, author)).status).toBe(200);
    });
  });

  test('volume is split by the deposit, and a replay of the same version changes nothing', async () => {
    const half = await published(
      rules([], {
        split: [
          { shareBps: 5_000, psps: ['alpha', 'beta'] },
          { shareBps: 5_000, psps: ['beta', 'alpha'] },
        ],
      }),
    );
    await step(half, 'go-live');
    outliveMemory();
    const player = await makePlayer(database.db);
    for (let count = 0; count < 24; count += 1) await askDeposit(database.db, player, '10.00');
    const firsts = await database.db
      .selectFrom('payments.routingDecision')
      .select('psps')
      .where('ruleVersionId', '=', half.id)
      .execute();
    const alphas = firsts.filter(({ psps }) => psps[0] === 'alpha').length;
    expect(firsts).toHaveLength(24);
    expect(alphas).toBeGreaterThan(3);
    expect(alphas).toBeLessThan(21);
    const again = await draft(
      rules([], {
        split: [
          { shareBps: 5_000, psps: ['alpha', 'beta'] },
          { shareBps: 5_000, psps: ['beta', 'alpha'] },
        ],
      }),
    );
    const replay = await simulate(again.id);
    const samples = replay.body['samples'] as { paymentId: string }[];
    const own = new Set(
      (
        await database.db
          .selectFrom('payments.routingDecision')
          .select('depositId')
          .where('ruleVersionId', '=', half.id)
          .execute()
      ).map(({ depositId }) => depositId),
    );
    expect(samples.filter(({ paymentId }) => own.has(paymentId))).toEqual([]);
  });

  test('rules see how a PSP has been doing, and cannot bring in one that the brand does not offer', async () => {
    await database.db
      .updateTable('payments.attempt')
      .set({ state: 'unknown' })
      .where('psp', '=', 'alpha')
      .where('state', '=', 'started')
      .execute();
    const unreachable = {
      node: 'operation',
      operator: 'greater',
      arguments: [
        { node: 'variable', name: 'psp.alpha.unreachableBps' },
        { node: 'constant', type: 'integer', value: '5000' },
      ],
    };
    const avoid = await published(rules([rule('alpha is down', unreachable, orderOf('gamma', 'beta'))]));
    await step(avoid, 'go-live');
    outliveMemory();
    const row = await askDeposit(database.db, await makePlayer(database.db), '20.00');
    expect(optionsOf(row).map(({ psp }) => psp)).toEqual(['beta']);
    expect(await decisionOf(row.id)).toMatchObject({ psps: ['gamma', 'beta'], rowName: 'alpha is down' });
  });
});

type Listed = { id: string; version: number; state: string; contentHash: string };

async function listVersions(): Promise<readonly Listed[]> {
  const answer = await app.send('GET', `${sets}/versions?brand=${brand}`, undefined, { token: lead });
  return answer.body['items'] as Listed[];
}

describe('the database, whatever the code believes', () => {
  const refused = (statement: string) =>
    expect(database.ownerPool.query(statement)).rejects.toThrow(/cannot|violates|kept|never|append-only/);

  test('keeps versions as they are, in their states, and under four eyes', async () => {
    const version = await draft(largeToBeta);
    const at = `where id = '${version.id}'`;
    await refused(`update backoffice.rule_version set content = '{}' ${at}`);
    await refused(`update backoffice.rule_version set state = 'live', live_at = now() ${at}`);
    await refused(
      `update backoffice.rule_version set state = 'published', published_by = author, publish_reason = 'x',
       published_at = now(), simulation = '{}', simulated_hash = content_hash, simulated_at = now() ${at}`,
    );
    await refused(
      `update backoffice.rule_version set state = 'published', published_by = 'operator:x', publish_reason = 'x', published_at = now() ${at}`,
    );
    await refused(`delete from backoffice.rule_version ${at}`);
    await refused(`update payments.routing_decision set psps = '{beta}'`);
  });
});

test('an operator of another brand does not see the rules, and one without the right may not read them', async () => {
  const elsewhere = await app.signInAs(['payments-lead'], ['borealis']);
  const version = await draft(largeToBeta);
  expect(
    (await app.send('GET', `/admin/v1/rule-versions/${version.id}`, undefined, { token: elsewhere })).status,
  ).toBe(404);
  expect(
    (await app.send('GET', `${sets}/versions?brand=${brand}`, undefined, { token: elsewhere })).status,
  ).toBe(404);
  const support = await app.signInAs(['support']);
  expect(
    (await app.send('GET', `/admin/v1/rule-versions/${version.id}`, undefined, { token: support })).status,
  ).toBe(403);
  expect((await app.send('GET', '/admin/v1/rule-sets', undefined, { token: support })).status).toBe(403);
  expect((await app.send('GET', '/admin/v1/rule-sets', undefined, { token: other })).body).toMatchObject({
    items: [
      { name: 'payments.deposit-routing' },
      { name: 'payments.payout-routing' },
      { name: 'payments.three-ds' },
      { name: 'payments.method-eligibility' },
    ],
  });
  const seen = await app.send('GET', `/admin/v1/rule-versions/${version.id}`, undefined, { token: lead });
  expect(seen.body).toMatchObject({ content: largeToBeta, reading: { sentences: [{ name: 'large' }] } });
});
