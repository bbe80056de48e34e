/** What a version would have decided, counted by closures, by PostgreSQL and by ClickHouse on one history: always the same. */
import { randomUUID } from 'node:crypto';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { simulateDecisions } from '#activities/payments/commands/simulate-decisions.ts';
import { matchDecisions } from '#activities/payments/commands/match-decisions.ts';
import { loadEvents } from '#analytics/load-events.ts';
import { migrateAnalytics } from '#analytics/migrate.ts';
import { readRouting } from '#domain/backoffice/rule-sets.ts';
import { orThrow } from '#domain/failures.ts';
import { routingCatalogue } from '#domain/payments/routing-fields.ts';
import { routeDeposit } from '#domain/payments/routing.ts';
import { checkCondition } from '#domain/rules/check.ts';
import { compileCondition } from '#domain/rules/closure.ts';
import { fromStoredFacts, type StoredFacts } from '#domain/rules/facts.ts';
import type { RuleNode } from '#domain/rules/ast.schema.ts';
import type { RuleType } from '#domain/rules/rule-types.ts';
import { bucketOf, saltHash } from '#domain/rules/volume-split.ts';
import { Secret } from '#workers/secret.ts';
import { createTestApi, type TestApi } from './support/api.ts';
import { startClickHouse, type TestClickHouse } from './support/clickhouse.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { brand, askDeposit, makePlayer, seedWorld } from './workflows/payment-world.ts';

const decisionsCount = 160;
const versionsCount = 12;
const seed = Date.now() % 2 ** 31;
const fields = [...routingCatalogue.fields.values()];
const told = fields.filter(({ isSensitive }) => isSensitive !== true);
const orders = [['alpha', 'beta', 'gamma'], ['beta', 'alpha'], ['gamma']];

let database: TestDatabase;
let app: TestApi;
let clickHouse: TestClickHouse;
let client: ClickHouseClient;
type Stored = { id: string; inputs: StoredFacts; psps: readonly string[]; playerId: string };
let history: readonly Stored[];

const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Few values of each type, so that conditions often meet them; with edges, quotes and letters beyond ASCII. */
function storedOf(type: RuleType): fc.Arbitrary<string | boolean> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return pick(['0', '1', '-1', '10000', '999999999999999999']);
    case 'money':
      return pick(['0', '20000000000000', '19999999999999', '99999999999999999999999999999999999999']);
    case 'timestamp':
      return pick(['1795000000000001', '1795000000000000', '0', '2145916799999999']);
    case 'duration':
      return pick(['0', '86400000000', '86399999999']);
    case 'enum':
      return pick(type.values);
    case 'country':
      return pick(['SE', 'DE', 'BR']);
    case 'string':
    case 'decimal':
      return pick(['', 'a', `O'Hara "é" \\ 😀`, 'EUR', '%']);
  }
}

function constantOf(type: RuleType): fc.Arbitrary<RuleNode> {
  const node = 'constant' as const;
  switch (type.kind) {
    case 'boolean':
      return fc.boolean().map((value) => ({ node, type: 'boolean', value }));
    case 'integer':
      return pick(['0', '1', '10000']).map((value) => ({ node, type: 'integer', value }));
    case 'money':
      return pick(['0', '20']).map((value) => ({ node, type: 'money', value, asset: type.asset }));
    case 'timestamp':
      return pick(['2026-11-18T15:06:40.000001Z', '1970-01-01T00:00:00Z']).map((value) => ({
        node,
        type: 'timestamp',
        value,
      }));
    case 'duration':
      return pick(['P1D', 'PT0S']).map((value) => ({ node, type: 'duration', value }));
    case 'enum':
      return pick(type.values).map((value) => ({ node, type: 'enum', value }));
    case 'country':
      return pick(['SE', 'NO']).map((value) => ({ node, type: 'country', value }));
    case 'string':
    case 'decimal':
      return pick(['a', `O'Hara "é" \\ 😀`]).map((value) => ({ node, type: 'string', value }));
  }
}

const call = (
  operator: Extract<RuleNode, { node: 'operation' }>['operator'],
  ...given: RuleNode[]
): RuleNode => ({ node: 'operation', operator, arguments: given });

const leaf = (from: typeof fields): fc.Arbitrary<RuleNode> =>
  pick(from).chain(({ name, type }) => {
    const variable: RuleNode = { node: 'variable', name };
    const isOrdered = ['integer', 'money', 'timestamp', 'duration'].includes(type.kind);
    return fc.oneof(
      pick(['isPresent', 'isAbsent'] as const).map((operator) => call(operator, variable)),
      fc
        .tuple(
          isOrdered
            ? pick(['less', 'lessOrEqual', 'greater', 'greaterOrEqual', 'equal', 'notEqual'] as const)
            : pick(['equal', 'notEqual'] as const),
          constantOf(type),
        )
        .map(([operator, constant]) => call(operator, variable, constant)),
    );
  });

const condition = (from: typeof fields): fc.Arbitrary<RuleNode> =>
  fc.oneof(
    leaf(from),
    leaf(from).map((one) => call('not', one)),
    fc
      .tuple(pick(['and', 'or'] as const), leaf(from), leaf(from), leaf(from))
      .map(([operator, first, second, third]) => call(operator, first, call('not', second), third)),
  );

const outcome = pick([
  ...orders.map((psps) => ({ split: [{ shareBps: 10_000, psps }] })),
  {
    split: [
      { shareBps: 3_000, psps: ['beta'] },
      { shareBps: 1, psps: ['gamma'] },
      { shareBps: 6_999, psps: ['alpha'] },
    ],
  },
]);

const version = (from: typeof fields) =>
  fc.record({
    form: fc.constant('rules' as const),
    hitPolicy: pick(['first', 'collect'] as const),
    rules: fc
      .array(fc.record({ condition: condition(from), outcome }), { maxLength: 5 })
      .map((rows) => rows.map((row, index) => ({ ...row, name: `row ${index} – å` }))),
    otherwise: fc.option(outcome),
  });

beforeAll(async () => {
  [database, clickHouse] = await Promise.all([createTestDatabase(), startClickHouse()]);
  app = await createTestApi(database);
  await seedWorld(database.db);
  const { url, user, password } = clickHouse;
  await migrateAnalytics({ clickhouse: { url, user, password: new Secret(password), database: 'pitboss' } });
  client = createClient({ url, username: user, password, database: 'pitboss' });
  history = await makeHistory();
}, 120_000);

afterAll(async () => {
  await client?.close();
  await app?.close();
  await Promise.all([database?.drop(), clickHouse?.stop()]);
});

/** One real deposit, and copies of it with inputs of all kinds; its fact, as the relay sends it, and copies of that. */
async function makeHistory(): Promise<readonly Stored[]> {
  const model = await askDeposit(database.db, await makePlayer(database.db), '20.00');
  const fact = await database.db
    .selectFrom('compliance.outbox')
    .selectAll()
    .where('type', '=', 'payments.decision.recorded')
    .executeTakeFirstOrThrow();
  const other = await makePlayer(database.db);
  const inputs = fc.sample(
    fc.tuple(...fields.map(({ type }) => fc.option(storedOf(type), { freq: 3, nil: null }))),
    { seed, numRuns: decisionsCount },
  );
  const made = inputs.map((values, index) => ({
    id: randomUUID(),
    playerId: index % 2 === 0 ? model.playerId : other,
    psps: orders[index % orders.length] ?? [],
    inputs: Object.fromEntries(fields.map(({ name }, field) => [name, values[field] ?? null])),
  }));
  for (const { id, playerId, psps, inputs: facts } of made) {
    await database.ownerPool.query(
      `insert into payments.deposit select (jsonb_populate_record(d, jsonb_build_object('id', $2::text, 'player_id', $3::text))).*
       from payments.deposit d where id = $1`,
      [model.id, id, playerId],
    );
    await database.ownerPool.query(
      `insert into payments.routing_decision (deposit_id, brand, rule_version_id, inputs, trace, bucket, psps, took_us)
       select $2, brand, rule_version_id, $3, '[]', 0, $4, 0 from payments.routing_decision where deposit_id = $1`,
      [model.id, id, JSON.stringify(facts), psps],
    );
  }
  const times = await database.ownerPool.query<{ id: string; at: string }>(
    `select deposit_id as id, to_char(decided_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as at from payments.routing_decision`,
  );
  const atOf = new Map(times.rows.map(({ id, at }) => [id, at]));
  const rows = [...made, null].map((copy, index) => ({
    eventId: randomUUID(),
    type: fact.type,
    version: 1,
    brand,
    playerId: copy?.playerId ?? model.playerId,
    occurredAt: atOf.get(copy?.id ?? model.id) ?? '',
    payload:
      copy === null
        ? fact.payload
        : {
            paymentId: copy.id,
            inputs: Object.fromEntries(
              told.flatMap(({ name }) => (copy.inputs[name] === null ? [] : [[name, copy.inputs[name]]])),
            ),
            decisions: [
              {
                ruleSet: 'payments.deposit-routing',
                ruleVersionId: randomUUID(),
                row: null,
                seed: copy.id,
                result: copy.psps,
              },
            ],
          },
    xid: '1',
    id: BigInt(index),
  }));
  await loadEvents(client, rows, 'history');
  const stored = await database.db
    .selectFrom('payments.routingDecision as d')
    .innerJoin('payments.deposit as p', 'p.id', 'd.depositId')
    .select(['d.depositId as id', 'd.inputs', 'd.psps', 'p.playerId'])
    .execute();
  return stored as unknown as readonly Stored[];
}

async function draft(content: unknown): Promise<string> {
  const id = randomUUID();
  await database.ownerPool.query(
    `insert into backoffice.rule_version (id, rule_set, brand, version, content, content_hash, note, author, fingerprint)
     values ($1, 'payments.deposit-routing', $2, (select max(version) + 1 from backoffice.rule_version), $3, sha256('x'), 'test', 'operator:test', sha256('y'))`,
    [id, brand, JSON.stringify(content)],
  );
  return id;
}

/** Decision by decision in the process, as it was done when the rules were asked. */
function byClosure(content: unknown) {
  const rules = orThrow(readRouting(content));
  const rows = new Map<string | null, number>();
  const counts = { decisions: 0, changed: 0, firstChanged: 0, undecided: 0 };
  const changed = new Map<string, readonly string[]>();
  for (const { id, inputs, psps: was } of history) {
    const { psps, row } = routeDeposit(rules, orThrow(fromStoredFacts(routingCatalogue, inputs)), id);
    counts.decisions += 1;
    rows.set(row, (rows.get(row) ?? 0) + 1);
    if (psps.length === 0) counts.undecided += 1;
    if (psps.join() === was.join()) continue;
    counts.changed += 1;
    if (psps[0] !== was[0]) counts.firstChanged += 1;
    changed.set(id, psps);
  }
  return { counts, rows, changed };
}

const simulate = (versionId: string, largeFrom: number) =>
  simulateDecisions(
    { reportDb: app.deps.reportDb, clickhouse: client },
    { versionId, ruleSet: 'payments.deposit-routing', brand, days: 90, largeFrom },
  ).then(orThrow);

const byName = (rows: Iterable<readonly [string | null, number]>) =>
  [...rows].toSorted(([left], [right]) => String(left).localeCompare(String(right)));

describe('a version on history', () => {
  test('random versions count the same in the process, in PostgreSQL and in ClickHouse', async () => {
    const versions = fc.sample(version(told), { seed, numRuns: versionsCount });
    let changed = 0;
    for (const content of versions) {
      const closure = byClosure(content);
      const id = await draft(content);
      const [inPostgres, inClickHouse] = await Promise.all([simulate(id, Infinity), simulate(id, 0)]);
      expect([inPostgres.backEnd, inClickHouse.backEnd]).toEqual(['postgres', 'clickhouse']);
      for (const simulated of [inPostgres, inClickHouse]) {
        const says = `${simulated.backEnd}, seed ${seed}: ${JSON.stringify(content)}`;
        expect(simulated, says).toMatchObject({ ...closure.counts, isCapped: false });
        expect(byName(simulated.rows.map(({ row, decisions }) => [row, decisions])), says).toEqual(
          byName(closure.rows),
        );
        expect(simulated.samples.length, says).toBe(Math.min(20, closure.counts.changed));
        for (const { paymentId, would } of simulated.samples)
          expect(would, says).toEqual(closure.changed.get(paymentId));
      }
      expect(inClickHouse.samples).toEqual(inPostgres.samples);
      changed += closure.counts.changed;
    }
    // Versions that never change anything, or always do, would agree by chance.
    expect(changed).toBeGreaterThan(versionsCount * 10);
    expect(changed).toBeLessThan(versionsCount * (decisionsCount + 1));
  }, 240_000);

  test('what stays in the primary database is asked there, however much there is', async () => {
    const content = {
      form: 'rules',
      hitPolicy: 'first',
      rules: [
        {
          name: 'young',
          condition: call(
            'less',
            { node: 'variable', name: 'player.age' },
            { node: 'constant', type: 'integer', value: '1' },
          ),
          outcome: { split: [{ shareBps: 10_000, psps: ['gamma'] }] },
        },
      ],
      otherwise: null,
    };
    const simulated = await simulate(await draft(content), 0);
    expect(simulated).toMatchObject({ ...byClosure(content).counts, backEnd: 'postgres' });
  });

  test('ClickHouse that lacks a decision is not believed', async () => {
    const row = await askDeposit(database.db, await makePlayer(database.db), '20.00');
    try {
      const id = await draft({ form: 'rules', hitPolicy: 'first', rules: [], otherwise: null });
      expect(await simulate(id, 0)).toMatchObject({ backEnd: 'postgres', decisions: history.length + 1 });
    } finally {
      await database.ownerPool.query(
        `set session_replication_role = replica; delete from payments.routing_decision where deposit_id = '${row.id}'; set session_replication_role = origin`,
      );
    }
  });
});

test('random conditions match the same payments in all three', async () => {
  const conditions = fc.sample(condition(told), { seed: seed + 1, numRuns: versionsCount });
  for (const tree of conditions) {
    const holds = compileCondition(orThrow(checkCondition(tree, routingCatalogue)));
    const matching = history.filter(({ inputs }) =>
      holds(orThrow(fromStoredFacts(routingCatalogue, inputs))),
    );
    for (const largeFrom of [Infinity, 0]) {
      const found = orThrow(
        await matchDecisions(
          { reportDb: app.deps.reportDb, clickhouse: client },
          {
            ruleSet: 'payments.deposit-routing',
            brand,
            days: 90,
            condition: tree,
            samplesMax: 5,
            largeFrom,
          },
        ),
      );
      expect(found, `seed ${seed}: ${found.sentence}`).toMatchObject({
        decisions: history.length,
        matches: matching.length,
        players: new Set(matching.map(({ playerId }) => playerId)).size,
        backEnd: largeFrom === 0 ? 'clickhouse' : 'postgres',
      });
      const ids = new Map(matching.map(({ id, playerId }) => [id, playerId]));
      expect(found.samples.every(({ paymentId, playerId }) => ids.get(paymentId) === playerId)).toBe(true);
      expect(found.samples.length).toBe(Math.min(5, matching.length));
    }
  }
}, 240_000);

test('the database puts every key into the bucket that the process puts it into', async () => {
  const keys = fc.sample(fc.uuid(), { seed, numRuns: 200 });
  for (const salt of ['', 'large', 'Größe 😀']) {
    const { rows } = await database.pool.query<{ bucket: number }>(
      'select backoffice.volume_bucket($1, key) as bucket from unnest($2::text[]) with ordinality as k(key, place) order by place',
      [saltHash(salt), keys],
    );
    expect(rows.map(({ bucket }) => bucket)).toEqual(keys.map((key) => bucketOf(key, salt)));
  }
});

describe('the route of matches', () => {
  const path = '/admin/v1/rule-sets/payments.deposit-routing/matches';
  const asked = { brand, condition: call('isPresent', { node: 'variable', name: 'player.country' }) };

  test('answers authors of the brand, with a sentence', async () => {
    const token = await app.signInAs(['payments-lead'], [brand]);
    const answer = await app.send('POST', path, { ...asked, limit: 2 }, { token });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({
      sentence: "the player's country is known",
      decisions: history.length,
      backEnd: 'postgres',
    });
    expect(answer.body['samples']).toHaveLength(2);
  });

  test('refuses another brand, another role, and a condition that is none', async () => {
    const elsewhere = await app.signInAs(['payments-lead'], ['borealis']);
    expect((await app.send('POST', path, asked, { token: elsewhere })).status).toBe(404);
    const support = await app.signInAs(['support']);
    expect((await app.send('POST', path, asked, { token: support })).status).toBe(403);
    const token = await app.signInAs(['payments-lead'], [brand]);
    const wrong = { ...asked, condition: { node: 'variable', name: 'player.country' } };
    expect((await app.send('POST', path, wrong, { token })).body).toMatchObject({ code: 'rule-invalid' });
  });
});
