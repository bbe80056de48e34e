/** Rows that this build cannot read, as a newer one leaves them: no 5xx, the strictest that can be read of them, and staff hear of it. */
import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { currentPayoutRules } from '#activities/payments/routing-rules.ts';
import { watchUnreadableRules } from '#workers/payment-metrics.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import { makePlayer } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let player: { id: string; token: string };
const registry = new Registry();
const logged: { level: string; ruleSet: string; state: string }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  const keep = (level: string) => (facts: { ruleSet: string; state: string }) =>
    void logged.push({ level, ruleSet: facts.ruleSet, state: facts.state });
  watchUnreadableRules(registry, { error: keep('error'), warn: keep('warn') } as never);
}, 60_000);

beforeEach(async () => {
  const id = await makePlayer(database.db);
  player = { id, token: await openTestSession(database, { playerId: id }) };
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** No Temporal here: what gets past all rules ends as 503 with the row written. */
const deposit = (token = `tok_${randomUUID()}`) =>
  app.send(
    'POST',
    '/v1/deposits',
    {
      money: { amount: '20.00', asset: 'EUR' },
      instrument: { kind: 'card', tokens: [{ psp: 'alpha', token }] },
      returnUrl: 'http://shop.test/back',
    },
    { token: player.token, key: randomUUID() },
  );
const depositsOf = async () =>
  (
    await database.pool.query(
      `select d.three_ds, r.rule_version_id, r.shadow_version_id from payments.deposit d
       left join payments.routing_decision r on r.deposit_id = d.id where d.player_id = $1 order by d.requested_at`,
      [player.id],
    )
  ).rows as { three_ds: unknown; rule_version_id: string | null; shadow_version_id: string | null }[];
const itemsOf = async (subject: string) =>
  (
    await database.pool.query(
      `select reason, brand from payments.work_item where kind = 'unreadable-rules' and subject = $1`,
      [subject],
    )
  ).rows as { reason: string; brand: string | null }[];

/** Past the checks of today's schema, as a migration of tomorrow would allow it. */
async function paymentRule(more: Record<string, unknown>): Promise<string> {
  const id = randomUUID();
  const row = {
    id,
    brand: 'aurora',
    name: 'a-rule',
    version: 1,
    flow: 'deposit',
    measure: 'kyc-level',
    subject: 'payment',
    method: 'card',
    kyc_level: 'L9',
    is_active: true,
    author: 'operator:x',
    reason: 'from a newer build',
    ...more,
  };
  const names = Object.keys(row);
  await database.ownerPool.query(
    `insert into payments.payment_rule (${names.join(', ')}) values (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
    Object.values(row),
  );
  return id;
}

async function ruleVersion(
  ruleSet: string,
  version: number,
  state: 'live' | 'shadow' | 'retired',
  content: object,
): Promise<string> {
  const id = randomUUID();
  if (state !== 'retired')
    await database.ownerPool.query(
      `update backoffice.rule_version set state = 'retired', retired_at = now()
       where rule_set = $1 and brand = 'aurora' and state = $2`,
      [ruleSet, state],
    );
  await database.ownerPool.query(
    `insert into backoffice.rule_version (id, rule_set, brand, version, state, content, content_hash, note, author,
       fingerprint, simulation, simulated_hash, simulated_at, published_by, publish_reason, published_at, live_at)
     values ($1, $2, 'aurora', $3, $4, $5, sha256('x'), 'for the test', 'operator:x', '\\x00', '{}', sha256('x'), now(),
       'operator:y', 'test', now(), now())`,
    [id, ruleSet, version, state, JSON.stringify(content)],
  );
  return id;
}

async function figureOf(ruleSet: string, state: 'live' | 'shadow'): Promise<number> {
  const text = await registry.metrics();
  const start = `pitboss_unreadable_rules{rule_set="${ruleSet}",state="${state}"} `;
  const line = text.split('\n').find((each) => each.startsWith(start));
  return Number(line?.slice(start.length) ?? 0);
}

/** Counted from where this file began: the figure is the process's, and other files were here before. */
async function figureFrom(ruleSet: string, state: 'live' | 'shadow'): Promise<() => Promise<number>> {
  outliveMemory();
  expect((await deposit()).status).toBe(503);
  const before = await figureOf(ruleSet, state);
  return async () => (await figureOf(ruleSet, state)) - before;
}

test('a limit that cannot be read closes what it speaks of, and nothing else', async () => {
  const unread = await figureFrom('payments.payment-rules', 'live');
  const id = await paymentRule({ name: 'level-of-tomorrow' });
  outliveMemory();
  const before = await depositsOf();
  const refused = await deposit();
  expect(refused, refused.text).toMatchObject({ status: 422, body: { code: 'payment-method-unavailable' } });
  expect(await depositsOf()).toEqual(before);
  const methods = await app.send('GET', '/v1/deposit-methods', undefined, { token: player.token });
  expect(methods.status, methods.text).toBe(200);
  expect(methods.text).not.toContain('"card"');
  expect(methods.text).toContain('"e-wallet"');
  expect(await itemsOf(`payment-rule:${id}`)).toEqual([
    { brand: 'aurora', reason: 'version 1 of level-of-tomorrow is in force and this build cannot read it' },
  ]);
  expect(await unread()).toBe(1);
  expect(logged).toContainEqual({ level: 'error', ruleSet: 'payments.payment-rules', state: 'live' });

  await paymentRule({ name: 'level-of-tomorrow', version: 2, kyc_level: 'L1', is_active: false });
  outliveMemory();
  expect((await deposit()).status).toBe(503);
  expect(await unread()).toBe(0);
});

test('of a limit whose newest version cannot be read, the last one that can holds', async () => {
  const name = 'largest';
  const amount = (20n * 10n ** 12n).toString();
  const max = { name, measure: 'amount-max', kyc_level: null, asset: 'EUR', amount };
  await paymentRule(max);
  await paymentRule({ name, version: 2 });
  outliveMemory();
  expect((await deposit()).status).toBe(503);
  await paymentRule({ ...max, version: 3, amount: '1' });
  await paymentRule({ name, version: 4 });
  outliveMemory();
  expect(await deposit()).toMatchObject({ status: 422, body: { code: 'amount-above-maximum' } });
  // An end in between was somebody's word, too: what was imposed anew after it is not what held before.
  await paymentRule({ ...max, version: 5, is_active: false });
  await paymentRule({ name, version: 6 });
  outliveMemory();
  expect(await deposit()).toMatchObject({ status: 422, body: { code: 'payment-method-unavailable' } });
  await paymentRule({ ...max, version: 7, is_active: false });
});

test('live rules that cannot be read give way to the last that were live, and a trial that cannot is no word at all', async () => {
  const orderOf = (...psps: string[]) => ({ split: [{ shareBps: 10_000, psps }] });
  const readable = { form: 'rules', hitPolicy: 'first', rules: [], otherwise: orderOf('alpha') };
  const set = 'payments.deposit-routing';
  const unreadLive = await figureFrom(set, 'live');
  const unreadShadow = await figureFrom(set, 'shadow');
  const last = await ruleVersion(set, 101, 'retired', readable);
  const unread = await ruleVersion(set, 102, 'live', { form: 'of tomorrow' });
  const shadow = await ruleVersion(set, 103, 'shadow', { form: 'of the day after' });
  outliveMemory();
  expect((await deposit()).status).toBe(503);
  expect((await depositsOf()).at(-1)).toMatchObject({ rule_version_id: last, shadow_version_id: null });
  expect(await itemsOf(`rule-version:${unread}`)).toEqual([
    {
      brand: 'aurora',
      reason: `version 102 of ${set} is live and this build cannot read it; version 101 decides meanwhile`,
    },
  ]);
  expect(await itemsOf(`rule-version:${shadow}`)).toEqual([]);
  expect([await unreadLive(), await unreadShadow()]).toEqual([1, 1]);
  expect(logged).toContainEqual({ level: 'error', ruleSet: set, state: 'live' });
  expect(logged).toContainEqual({ level: 'warn', ruleSet: set, state: 'shadow' });
  const told = logged.length;
  outliveMemory();
  await deposit();
  expect(logged).toHaveLength(told);

  const readableTrial = await ruleVersion(set, 104, 'live', readable);
  outliveMemory();
  await deposit();
  expect((await depositsOf()).at(-1)?.rule_version_id).toBe(readableTrial);
  expect(await unreadLive()).toBe(0);
});

test('without any version that can be read, payouts go their own way and 3-D Secure asks for the most', async () => {
  const unread = await ruleVersion('payments.three-ds', 101, 'live', { form: 'of tomorrow' });
  await ruleVersion('payments.payout-routing', 101, 'live', { form: 'of tomorrow' });
  await database.ownerPool.query(
    `update backoffice.rule_version set live_at = null
     where rule_set in ('payments.three-ds', 'payments.payout-routing') and state = 'retired'`,
  );
  outliveMemory();
  expect((await deposit()).status).toBe(503);
  expect(await depositsOf()).toMatchObject([
    { three_ds: { want: 'challenge-mandated', exemption: null, whenUnavailable: 'refuse' } },
  ]);
  expect(await itemsOf(`rule-version:${unread}`)).toHaveLength(1);
  expect((await currentPayoutRules(database.db, 'aurora')).live).toBeNull();
});

test('a retry rule that cannot be read bars a second try at a card of its network, and no first one', async () => {
  const id = randomUUID();
  await database.ownerPool.query(
    `alter table payments.retry_rule drop constraint retry_rule_rule_check;
     insert into payments.retry_rule (id, network, rule, window_s, maximum, scope, codes, imposed_by, edition, source,
       valid_from, author, reason, confirmed_by, confirmed_at)
     values ('${id}', 'any', 'cooldown', 60, 0, 'card', '{05}', 'network', 'of tomorrow', 'a newer build',
       now() - interval '1 minute', 'system:seed', 'test', 'system:seed', now())`,
  );
  outliveMemory();
  const token = `tok_${randomUUID()}`;
  expect((await deposit(token)).status).toBe(503);
  const before = await depositsOf();
  const again = await deposit(token);
  expect(again, again.text).toMatchObject({ status: 422, body: { code: 'payment-limit-exceeded' } });
  expect(await depositsOf()).toEqual(before);
  expect((await deposit()).status).toBe(503);
  expect(await itemsOf(`retry-rule:${id}`)).toEqual([
    { brand: null, reason: 'a retry rule of any is in force and this build cannot read it' },
  ]);
});
