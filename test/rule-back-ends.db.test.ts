import type pg from 'pg';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operatorNames, ruleNodeSchema, type RuleNode } from '#domain/rules/ast.schema.ts';
import { checkCondition, type CheckedRule } from '#domain/rules/check.ts';
import { compileClickHouse } from '#domain/rules/clickhouse.ts';
import { compileCondition } from '#domain/rules/closure.ts';
import { timestampText } from '#domain/rules/constants.ts';
import { compilePostgres } from '#domain/rules/postgres.ts';
import { sentenceOf } from '#domain/rules/sentence.ts';
import type { RuleType, RuleValue } from '#domain/rules/rule-types.ts';
import { orThrow } from '#domain/failures.ts';
import { startClickHouse, type TestClickHouse } from './support/clickhouse.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import {
  randomCatalogue,
  randomCondition,
  randomFields,
  randomRow,
  type RandomRow,
} from './support/random-rules.ts';

const rulesCount = 600;
const rowsCount = 120;
const rulesPerQuery = 20;
/** New rules on every run; a failure names the seed. */
const seed = Date.now() % 2 ** 31;

let database: TestDatabase;
let session: pg.PoolClient;
let clickHouse: TestClickHouse;

beforeAll(async () => {
  [database, clickHouse] = await Promise.all([createTestDatabase(), startClickHouse()]);
  session = await database.ownerPool.connect();
});

afterAll(async () => {
  session.release();
  await Promise.all([database.drop(), clickHouse.stop()]);
});

test('random rules over random rows with gaps have one answer in all three back ends', async () => {
  const rows = fc.sample(randomRow, { seed, numRuns: rowsCount });
  const rules = randomRules();
  await Promise.all([fillPostgres(rows), fillClickHouse(rows)]);
  const differences: string[] = [];
  let answersTrue = 0;
  for (let from = 0; from < rules.length; from += rulesPerQuery) {
    const batch = rules.slice(from, from + rulesPerQuery);
    const [inPostgres, inClickHouse] = await Promise.all([askPostgres(batch), askClickHouse(batch)]);
    for (const [index, rule] of batch.entries()) {
      const holds = compileCondition(rule.checked);
      for (const [id, row] of rows.entries()) {
        const closure = holds(row);
        answersTrue += closure ? 1 : 0;
        const postgres = inPostgres[id]?.[index];
        const clickhouse = inClickHouse[id]?.[index];
        if (closure !== postgres || closure !== clickhouse)
          differences.push(tell(rule, row, { closure, postgres, clickhouse }));
      }
    }
  }
  const share = answersTrue / (rules.length * rows.length);
  // Rules that are nearly always true or false would agree by chance.
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.8);
  differences.sort((left, right) => left.length - right.length);
  expect(differences.length, `seed ${seed}; the shortest of them:\n${differences[0]}`).toBe(0);
}, 120_000);

test('the random rules use every function of the registry', () => {
  const used = new Set<string>();
  const look = (node: RuleNode): void => {
    if (node.node !== 'operation') return;
    used.add(node.operator);
    node.arguments.forEach(look);
  };
  for (const { tree } of randomRules()) look(tree);
  expect(operatorNames.filter((name) => !used.has(name))).toEqual([]);
});

type RandomRule = { readonly tree: RuleNode; readonly checked: CheckedRule };

/** What the checker refuses for its size or cost is left out; it must refuse nothing for its types. */
function randomRules(): readonly RandomRule[] {
  const trees = fc.sample(
    fc.integer({ min: 1, max: 4 }).chain((depth) => randomCondition(depth)),
    { seed, numRuns: Math.ceil(rulesCount * 1.5) },
  );
  const rules = trees.flatMap((tree) => {
    const checked = checkCondition(ruleNodeSchema.parse(tree), randomCatalogue);
    if (checked.ok) return [{ tree, checked: checked.value }];
    const isTooMuch = /at most|costs|could have|places/.test(checked.failure.detail);
    if (!isTooMuch) throw new Error(`${checked.failure.detail} ${JSON.stringify(tree)} (seed ${seed})`);
    return [];
  });
  expect(rules.length).toBeGreaterThan(rulesCount * 0.9);
  return rules.slice(0, rulesCount);
}

async function askPostgres(batch: readonly RandomRule[]): Promise<readonly (readonly boolean[])[]> {
  const parameters: unknown[] = [];
  const texts = batch.map(({ checked }) => {
    const rule = orThrow(compilePostgres(checked, parameters.length + 1));
    parameters.push(...rule.parameters);
    return rule.text;
  });
  const answer = await session.query<{ hits: boolean[] }>(
    `select array[${texts.join(', ')}] as hits from rule_row r order by id`,
    parameters,
  );
  return answer.rows.map(({ hits }) => hits);
}

async function askClickHouse(batch: readonly RandomRule[]): Promise<readonly (readonly boolean[])[]> {
  const parts = batch.map(({ checked }, index) => orThrow(compileClickHouse(checked, `r${index}`)));
  const answer = await clickHouse.client.query({
    query: `select [${parts.map(({ text }) => `toUInt8(${text})`).join(', ')}] as hits from rules.rule_row r order by id`,
    query_params: Object.assign({}, ...parts.map(({ parameters }) => parameters)) as Record<string, unknown>,
    format: 'JSONEachRow',
  });
  const rows = await answer.json<{ hits: number[] }>();
  return rows.map(({ hits }) => hits.map((hit) => hit === 1));
}

const postgresTypes: Readonly<Record<RuleType['kind'], string>> = {
  boolean: 'boolean',
  integer: 'bigint',
  decimal: 'bigint',
  money: 'numeric(38, 0)',
  string: 'text',
  enum: 'text',
  country: 'text',
  timestamp: 'timestamptz',
  duration: 'bigint',
};

const clickHouseTypes: Readonly<Record<RuleType['kind'], string>> = {
  boolean: 'Bool',
  integer: 'Int64',
  decimal: 'Int64',
  money: 'Decimal(38, 0)',
  string: 'String',
  enum: 'LowCardinality(Nullable(String))',
  country: 'String',
  timestamp: "DateTime64(6, 'UTC')",
  duration: 'Int64',
};

async function fillPostgres(rows: readonly RandomRow[]): Promise<void> {
  const columns = randomFields.map(({ name, type }) => `${name} ${postgresTypes[type.kind]}`);
  await session.query(`create temporary table rule_row (id integer, ${columns.join(', ')})`);
  for (const [id, row] of rows.entries()) {
    const values = [id, ...randomFields.map(({ name, type }) => plain(row.get(name) ?? null, type))];
    await session.query(
      `insert into rule_row values (${values.map((_, index) => `$${index + 1}`).join(', ')})`,
      values,
    );
  }
}

async function fillClickHouse(rows: readonly RandomRow[]): Promise<void> {
  const columns = randomFields.map(({ name, type }) => {
    const column = clickHouseTypes[type.kind];
    return `${name} ${column.includes('Nullable') ? column : `Nullable(${column})`}`;
  });
  const { client } = clickHouse;
  await client.command({ query: 'create database rules' });
  await client.command({
    query: `create table rules.rule_row (id UInt32, ${columns.join(', ')}) engine = MergeTree order by id`,
  });
  await client.insert({
    table: 'rules.rule_row',
    format: 'JSONEachRow',
    values: rows.map((row, id) => ({
      id,
      ...Object.fromEntries(randomFields.map(({ name, type }) => [name, plain(row.get(name) ?? null, type)])),
    })),
    clickhouse_settings: { date_time_input_format: 'best_effort' },
  });
}

function plain(value: RuleValue, { kind }: RuleType): string | boolean | null {
  if (typeof value !== 'bigint') return value;
  return kind === 'timestamp' ? timestampText(value) : value.toString();
}

function tell(
  { tree, checked }: RandomRule,
  row: RandomRow,
  answers: Readonly<Record<string, boolean | undefined>>,
): string {
  const tree_ = JSON.stringify(tree);
  const named = [...row].filter(([name]) => tree_.includes(`"${name}"`));
  const values = named.map(([name, value]) => `${name} = ${value === null ? 'null' : String(value)}`);
  return `${sentenceOf(checked)}\n${values.join(', ')}\n${JSON.stringify(answers)}\n${tree_}`;
}
