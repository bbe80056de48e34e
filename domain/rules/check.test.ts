import { describe, expect, test } from 'vitest';
import type { RuleNode } from './ast.schema.ts';
import { ruleNodeSchema } from './ast.schema.ts';
import { defineCatalogue } from './catalogue.ts';
import { checkCondition } from './check.ts';
import { compileCondition } from './closure.ts';
import { compilePostgres } from './postgres.ts';
import { compileClickHouse } from './clickhouse.ts';
import { measureTree } from './limits.ts';
import type { Facts } from './rule-types.ts';
import { sentenceOf } from './sentence.ts';

const absence = 'nobody has said';
const catalogue = defineCatalogue('test', [
  {
    name: 'amount',
    type: { kind: 'money', asset: 'EUR' },
    label: 'the amount',
    source: 'request',
    absence,
    postgres: 'r.amount',
    clickhouse: 'r.amount',
  },
  {
    name: 'dollars',
    type: { kind: 'money', asset: 'USD' },
    label: 'the amount in dollars',
    source: 'request',
    absence,
  },
  {
    name: 'country',
    type: { kind: 'country' },
    label: "the player's country",
    source: 'row',
    postgres: 'r.country',
    clickhouse: 'r.country',
  },
  {
    name: 'tier',
    type: { kind: 'enum', values: ['bronze', 'gold'] },
    label: 'the tier',
    source: 'row',
    absence,
    postgres: 'r.tier',
  },
  {
    name: 'rate',
    type: { kind: 'decimal', scale: 4 },
    label: 'the approval rate',
    source: 'aggregate',
    absence,
    mayLag: true,
    postgres: 'r.rate',
  },
  {
    name: 'joinedAt',
    type: { kind: 'timestamp' },
    label: 'the time of registration',
    source: 'row',
    postgres: 'r.joined_at',
  },
  { name: 'now', type: { kind: 'timestamp' }, label: 'now', source: 'request', postgres: 'now()' },
  {
    name: 'isNew',
    type: { kind: 'boolean' },
    label: 'the player is new',
    source: 'row',
    absence,
    postgres: 'r.is_new',
  },
]);

const field = (name: string): RuleNode => ({ node: 'variable', name });
const euros = (value: string): RuleNode => ({ node: 'constant', type: 'money', value, asset: 'EUR' });
const word = (value: string): RuleNode => ({ node: 'constant', type: 'enum', value });
const call = (
  operator: Extract<RuleNode, { node: 'operation' }>['operator'],
  ...given: RuleNode[]
): RuleNode => ({
  node: 'operation',
  operator,
  arguments: given,
});

const check = (tree: RuleNode) => {
  const checked = checkCondition(tree, catalogue);
  if (!checked.ok) throw new Error(`${checked.failure.detail} ${JSON.stringify(checked.failure.fields)}`);
  return checked.value;
};
const problem = (tree: RuleNode) => {
  const checked = checkCondition(tree, catalogue);
  return checked.ok ? null : (checked.failure.fields?.[0] ?? checked.failure.detail);
};

const large = call('greater', field('amount'), euros('100'));

describe('the type checker', () => {
  test('says where something is wrong and what it is', () => {
    expect(problem(call('and', large, call('greater', field('dollars'), euros('1'))))).toEqual({
      pointer: '/arguments/1',
      detail: 'greater cannot bring together money in USD and money in EUR.',
    });
    expect(problem(call('equal', field('tier'), word('silver')))).toMatchObject({
      detail: 'equal silver is not one of bronze, gold.',
    });
    expect(
      problem(call('less', field('country'), { node: 'constant', type: 'country', value: 'SE' })),
    ).toMatchObject({
      detail: 'less asks for an order among a country.',
    });
    expect(problem(field('nobody'))).toMatchObject({ detail: 'There is no field nobody in test.' });
    expect(problem(field('amount'))).toMatchObject({ pointer: '' });
    expect(problem(call('between', field('amount'), euros('1')))).toMatchObject({
      detail: 'between takes 3 arguments.',
    });
    expect(
      problem({ ...call('greater', field('amount'), euros('1')), options: { rounding: 'down' } } as RuleNode),
    ).toMatchObject({ detail: 'greater has no option rounding.' });
  });

  test('gives constants the type of what they meet', () => {
    const rule = check(call('less', field('rate'), { node: 'constant', type: 'decimal', value: '0.5' }));
    expect(compileCondition(rule)(new Map([['rate', 4999n]]))).toBe(true);
    expect(compileCondition(rule)(new Map([['rate', 5000n]]))).toBe(false);
    expect(
      problem(call('less', field('rate'), { node: 'constant', type: 'decimal', value: '0.00001' })),
    ).toMatchObject({
      detail: 'less needs a decimal with at most 4 places.',
    });
  });

  test('refuses trees that are too deep or too large before anything recursive sees them', () => {
    let deep: unknown = large;
    for (let depth = 0; depth < 100_000; depth += 1)
      deep = { node: 'operation', operator: 'not', arguments: [deep] };
    expect(measureTree(deep)).toMatchObject({ ok: false, failure: { code: 'rule-invalid' } });
    expect(measureTree(call('and', ...Array.from({ length: 70 }, () => large)))).toMatchObject({ ok: false });
  });

  test('refuses a rule that costs more than the catalogue allows', () => {
    const hour: RuleNode = {
      node: 'operation',
      operator: 'timePart',
      arguments: [field('joinedAt')],
      options: { part: 'hour', zone: 'UTC' },
    };
    const two: RuleNode = { node: 'constant', type: 'integer', value: '2' };
    const dear = call('and', ...Array.from({ length: 30 }, () => call('greater', hour, two)));
    expect(problem(dear)).toMatchObject({ detail: 'The rule costs 690 units, and 500 are allowed.' });
  });

  test('refuses a calculation that could outgrow the widest integers', () => {
    const square = (one: RuleNode): RuleNode =>
      call('multiply', one, { node: 'constant', type: 'integer', value: '999999999999999999' });
    expect(problem(call('greater', square(square(square(field('amount')))), euros('1')))).toMatchObject({
      detail: 'The result could have 92 digits, and 75 are kept.',
    });
  });

  test('warns of a negation that also holds when a value is absent, until the rule speaks of absence', () => {
    expect(check(call('not', large)).warnings).toHaveLength(1);
    expect(check(call('and', call('isPresent', field('amount')), call('not', large))).warnings).toEqual([]);
    expect(check(call('not', call('or', call('isAbsent', field('amount')), large))).warnings).toEqual([]);
    expect(
      check(call('not', call('equal', field('country'), { node: 'constant', type: 'country', value: 'SE' })))
        .warnings,
    ).toEqual([]);
    const strict = { ...catalogue, isProtective: true };
    expect(checkCondition(call('not', large), strict)).toMatchObject({
      ok: false,
      failure: { code: 'rule-invalid' },
    });
  });

  test('refuses values that may lag where only the primary database counts', () => {
    const slow = call('greater', field('rate'), { node: 'constant', type: 'decimal', value: '0.5' });
    expect(checkCondition(slow, { ...catalogue, refusesLag: true })).toMatchObject({ ok: false });
    expect(checkCondition(slow, catalogue)).toMatchObject({ ok: true });
  });

  test('the form refuses what is no tree', () => {
    for (const foreign of [
      { node: 'variable', name: '__proto__' },
      { node: 'variable', name: 'constructor', more: 1 },
      { node: 'operation', operator: 'eval', arguments: [field('amount')] },
      { node: 'constant', type: 'integer', value: 12 },
      { node: 'constant', type: 'string', value: 'a\u0000b' },
      { node: 'constant', type: 'string', value: '\ud800' },
      { node: 'constant', type: 'duration', value: 'P' },
    ])
      expect(ruleNodeSchema.safeParse(foreign).success, JSON.stringify(foreign)).toBe(false);
    expect(problem(call('equal', field('constructor'), euros('1')))).toMatchObject({
      detail: 'There is no field constructor in test.',
    });
  });
});

describe('absence', () => {
  const missing: Facts = new Map();
  const holds = (tree: RuleNode, facts: Facts = missing) => compileCondition(check(tree))(facts);

  test('makes every comparison false and its negation true', () => {
    expect(holds(large)).toBe(false);
    expect(holds(call('not', large))).toBe(true);
    expect(holds(call('notEqual', field('amount'), euros('100')))).toBe(false);
    expect(holds(field('isNew'))).toBe(false);
    expect(holds(call('not', field('isNew')))).toBe(true);
    expect(holds(call('equal', field('isNew'), { node: 'constant', type: 'boolean', value: false }))).toBe(
      false,
    );
    expect(holds(call('isAbsent', field('amount')))).toBe(true);
  });

  test('passes through arithmetic, and a division by zero is absent', () => {
    const none: RuleNode = { node: 'constant', type: 'integer', value: '0' };
    const divided: RuleNode = {
      node: 'operation',
      operator: 'divide',
      arguments: [field('amount'), none],
      options: { rounding: 'down' },
    };
    expect(holds(call('isPresent', call('add', field('amount'), euros('1'))))).toBe(false);
    expect(holds(call('isAbsent', divided), new Map([['amount', 5n]]))).toBe(true);
  });
});

describe('the other back ends', () => {
  test('never see a value in their text, and give it a place of its own', () => {
    const sly = "x' or 1=1 --";
    const rule = check(
      call(
        'or',
        large,
        call('in', field('country'), { node: 'constant', type: 'list', of: 'country', values: ['SE', 'NO'] }),
      ),
    );
    expect(compilePostgres(rule, 3)).toEqual({
      ok: true,
      value: {
        text: '(coalesce((r.amount)::numeric > $3::numeric, false) or coalesce((((r.country)::text collate "C") = any ($4::text[])), false))',
        parameters: ['100000000000000', ['SE', 'NO']],
      },
    });
    expect(compileClickHouse(rule, 'p')).toEqual({
      ok: true,
      value: {
        text: '(ifNull(CAST(r.amount AS Nullable(Int256)) > {p_1:Int256}, false) or ifNull((CAST(r.country AS Nullable(String)) in {p_2:Array(String)}), false))',
        parameters: { p_1: '100000000000000', p_2: ['SE', 'NO'] },
      },
    });
    const named = defineCatalogue('names', [
      {
        name: 'name',
        type: { kind: 'string' },
        label: 'the name',
        source: 'row',
        postgres: 'r.name',
        clickhouse: 'r.name',
      },
    ]);
    const checked = checkCondition(
      call('contains', field('name'), { node: 'constant', type: 'string', value: sly }),
      named,
    );
    const written = checked.ok ? compilePostgres(checked.value) : checked;
    expect(JSON.stringify(written.ok ? written.value.text : '')).not.toContain('1=1');
  });

  test('refuse a rule over a field that they do not have', () => {
    expect(compileClickHouse(check(call('equal', field('tier'), word('gold'))))).toMatchObject({
      ok: false,
      failure: { code: 'rule-invalid', detail: 'ClickHouse does not have tier.' },
    });
  });
});

test('a rule reads as a sentence', () => {
  const age = call('subtract', field('now'), field('joinedAt'));
  const rule = call(
    'and',
    large,
    call(
      'or',
      call('in', field('country'), { node: 'constant', type: 'list', of: 'country', values: ['SE', 'NO'] }),
      call('not', field('isNew')),
    ),
    call('less', age, { node: 'constant', type: 'duration', value: 'P30DT12H' }),
    call('isPresent', field('tier')),
  );
  expect(sentenceOf(check(rule))).toBe(
    "the amount is more than 100.00 EUR, and (the player's country is one of SE, NO or it is not so that the player is new), and (now minus the time of registration) is less than 30 days 12 hours, and the tier is known",
  );
});
