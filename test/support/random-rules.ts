/** Random well-typed rules and random rows with gaps and edge values, for the proof that all back ends agree. */
import * as fc from 'fast-check';
import { defineCatalogue, type Catalogue } from '#domain/rules/catalogue.ts';
import type { OperatorName, RuleNode, RuleOptions } from '#domain/rules/ast.schema.ts';
import { timeZones } from '#domain/rules/functions-time.ts';
import { isOrdered, type RuleKind, type RuleType, type RuleValue } from '#domain/rules/rule-types.ts';

const kinds: Readonly<Record<string, RuleType>> = {
  i: { kind: 'integer' },
  d: { kind: 'decimal', scale: 4 },
  m: { kind: 'money', asset: 'EUR' },
  s: { kind: 'string' },
  e: { kind: 'enum', values: ['bronze', 'silver', 'gold'] },
  c: { kind: 'country' },
  t: { kind: 'timestamp' },
  u: { kind: 'duration' },
  b: { kind: 'boolean' },
};

/** Two nullable fields of each type and one that always has a value. */
export const randomFields = Object.entries(kinds).flatMap(([letter, type]) =>
  [1, 2, 3].map((number) => ({
    name: `${letter}${number}`,
    type,
    label: `${letter}${number}`,
    source: 'row' as const,
    postgres: `r.${letter}${number}`,
    clickhouse: `r.${letter}${number}`,
    ...(number < 3 ? { absence: 'not given' } : {}),
  })),
);

export const randomCatalogue: Catalogue = defineCatalogue('random', randomFields, { costMax: 2_000 });

const texts = [
  '',
  'a',
  'A',
  'ab',
  'Ab',
  'b',
  'ß',
  'É',
  'é',
  'İ',
  '😀',
  "x'y",
  '%',
  '_',
  '\\',
  'a b',
  '\t',
  'null',
  '\\N',
];
const countries = ['SE', 'NO', 'DE', 'BR'];
const timesUs = [
  '1969-12-31T23:59:59.999999Z',
  '1999-12-31T23:59:59.999999Z',
  '2000-01-01T00:00:00Z',
  '2026-03-29T00:59:59.999999Z',
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:30:00.5Z',
  '2024-02-29T12:00:00Z',
  '2037-12-31T23:59:59.999999Z',
  '2038-01-01T00:00:00Z',
];

const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const smallOr = (large: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.bigInt(-3n, 3n) },
    { weight: 2, arbitrary: fc.bigInt(-1_000n, 1_000n) },
    { weight: 1, arbitrary: fc.bigInt(-large, large) },
    { weight: 1, arbitrary: pick([large, -large]) },
  );

/** A value of a type in its running representation. */
export function valueOf(type: RuleType): fc.Arbitrary<Exclude<RuleValue, null>> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return smallOr(10n ** 18n - 1n);
    case 'decimal':
      return smallOr(10n ** 18n - 1n);
    case 'money':
      return smallOr(10n ** 37n);
    case 'string':
      return pick(texts);
    case 'enum':
      return pick(type.values);
    case 'country':
      return pick(countries);
    case 'timestamp':
      return fc.oneof(
        pick(timesUs).map((text) => timeUs(text)),
        // 1950 to 2100, to the microsecond.
        fc.bigInt(-631_152_000_000_000n, 4_102_444_800_000_000n),
      );
    case 'duration':
      return smallOr(10n ** 15n);
  }
}

export const timeUs = (text: string): bigint =>
  BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1000n +
  BigInt((/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(6, '0'));

export type RandomRow = ReadonlyMap<string, RuleValue>;

/** A row; every nullable field is absent in a third of them. */
export const randomRow: fc.Arbitrary<RandomRow> = fc
  .tuple(
    ...randomFields.map(({ type, ...field }) =>
      'absence' in field
        ? fc.option(valueOf(type), { freq: 2, nil: null })
        : (valueOf(type) as fc.Arbitrary<RuleValue>),
    ),
  )
  .map((values) => new Map(randomFields.map(({ name }, index) => [name, values[index] ?? null])));

const call = (operator: OperatorName, given: readonly RuleNode[], options?: RuleOptions): RuleNode => ({
  node: 'operation',
  operator,
  arguments: [...given],
  ...(options === undefined ? {} : { options }),
});

const types = Object.values(kinds);
const typeOf = (kind: RuleKind): RuleType => {
  const found = types.find((type) => type.kind === kind);
  if (found === undefined) throw new Error(`Invariant broken: no field is ${kind}`);
  return found;
};

function constantOf(type: RuleType): fc.Arbitrary<RuleNode> {
  const node = 'constant' as const;
  switch (type.kind) {
    case 'boolean':
      return fc.boolean().map((value) => ({ node, type: 'boolean', value }));
    case 'integer':
      return smallOr(10n ** 18n - 1n).map((value) => ({ node, type: 'integer', value: `${value}` }));
    case 'decimal':
      return pick(['0', '0.0001', '-0.0002', '1.5', '-3', '99999999999999']).map((value) => ({
        node,
        type: 'decimal',
        value,
      }));
    case 'money':
      return pick(['0', '0.000000000001', '-0.000000000002', '12.5', '-99999999999999']).map((value) => ({
        node,
        type: 'money',
        value,
        asset: 'EUR',
      }));
    case 'string':
      return pick(texts).map((value) => ({ node, type: 'string', value }));
    case 'enum':
      return pick(type.values).map((value) => ({ node, type: 'enum', value }));
    case 'country':
      return pick(countries).map((value) => ({ node, type: 'country', value }));
    case 'timestamp':
      return pick(timesUs).map((value) => ({ node, type: 'timestamp', value }));
    case 'duration':
      return pick(['PT0S', 'PT1S', 'P1D', 'P3650D', 'P1DT2H3M4S']).map((value) => ({
        node,
        type: 'duration',
        value,
      }));
  }
}

const fieldOf = (type: RuleType): fc.Arbitrary<RuleNode> =>
  pick(randomFields.filter((field) => field.type.kind === type.kind)).map(({ name }) => ({
    node: 'variable',
    name,
  }));

const pairOf = (type: RuleType, depth: number) =>
  // One side is no constant, so that constants have something to be fitted to.
  fc
    .tuple(valueNode(type, depth - 1, false), valueNode(type, depth - 1, true), fc.boolean())
    .map(([left, right, isSwapped]) => (isSwapped ? [right, left] : [left, right]));

/** Arbitraries are built once each: every one of them holds all that it may contain. */
const built = new Map<string, fc.Arbitrary<RuleNode>>();

function once(name: string, build: () => fc.Arbitrary<RuleNode>): fc.Arbitrary<RuleNode> {
  const known = built.get(name) ?? build();
  built.set(name, known);
  return known;
}

/** A node with a value of the type. */
const valueNode = (type: RuleType, depth: number, mayBeConstant: boolean): fc.Arbitrary<RuleNode> =>
  once(`${type.kind} ${depth} ${mayBeConstant}`, () => newValueNode(type, depth, mayBeConstant));

/** A condition: every function of the registry can occur in it. */
export const randomCondition = (depth: number): fc.Arbitrary<RuleNode> =>
  once(`condition ${depth}`, () => newCondition(depth));

function newValueNode(type: RuleType, depth: number, mayBeConstant: boolean): fc.Arbitrary<RuleNode> {
  const leaf = mayBeConstant ? fc.oneof(fieldOf(type), constantOf(type)) : fieldOf(type);
  if (depth <= 0) return leaf;
  const choose = fc
    .tuple(randomCondition(depth - 1), valueNode(type, depth - 1, false), valueNode(type, depth - 1, true))
    .map((given) => call('choose', given));
  const inner: fc.Arbitrary<RuleNode>[] = [choose];
  if (type.kind === 'boolean') inner.push(randomCondition(depth - 1));
  if (type.kind === 'string')
    inner.push(valueNode(type, depth - 1, false).map((one) => call('lower', [one])));
  if (isOrdered(type)) inner.push(...numbers(type, depth));
  return fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: fc.oneof(...inner) });
}

function numbers(type: RuleType, depth: number): fc.Arbitrary<RuleNode>[] {
  const integer = typeOf('integer');
  const below = (of: RuleType, mayBeConstant = true) => valueNode(of, depth - 1, mayBeConstant);
  const two = (operator: OperatorName, left: RuleType, right: RuleType, options?: RuleOptions) =>
    fc.tuple(below(left, false), below(right)).map((given) => call(operator, given, options));
  const extremes = (['minimum', 'maximum'] as const).map((operator) =>
    pairOf(type, depth).map((given) => call(operator, given)),
  );
  const rounded = (left: RuleType, right: RuleType, scale?: number) =>
    fc.oneof(
      ...(['down', 'half-up'] as const).map((rounding) =>
        two('divide', left, right, { rounding, ...(scale === undefined ? {} : { scale }) }),
      ),
    );
  if (type.kind === 'timestamp')
    return [...extremes, two('add', type, typeOf('duration')), two('subtract', type, typeOf('duration'))];
  const sums = (['add', 'subtract'] as const).map((operator) =>
    pairOf(type, depth).map((given) => call(operator, given)),
  );
  const scaled = [
    two('multiply', type, integer),
    ...(type.kind === 'integer' ? [] : [rounded(type, integer)]),
  ];
  switch (type.kind) {
    case 'integer':
      return [
        ...extremes,
        ...sums,
        ...scaled,
        rounded(integer, integer),
        rounded(typeOf('money'), typeOf('money')),
        timeParts(depth),
        lengths(depth),
      ];
    case 'decimal':
      return [
        ...extremes,
        ...sums,
        ...scaled,
        rounded(typeOf('money'), typeOf('money'), 4),
        rounded(type, type, 4),
      ];
    case 'duration':
      return [...extremes, ...sums, ...scaled, two('subtract', typeOf('timestamp'), typeOf('timestamp'))];
    default:
      return [...extremes, ...sums, ...scaled];
  }
}

const lengths = (depth: number) =>
  valueNode(typeOf('string'), depth - 1, false).map((one) => call('length', [one]));

const timeParts = (depth: number) =>
  fc
    .tuple(
      valueNode(typeOf('timestamp'), depth - 1, false),
      fc.constantFrom('hour', 'weekday', 'day', 'month', 'year'),
      pick(timeZones),
    )
    .map(([one, part, zone]) => call('timePart', [one], { part, zone }));

const listOf = (kind: 'integer' | 'string' | 'enum' | 'country'): fc.Arbitrary<RuleNode> => {
  const type = typeOf(kind);
  const item = kind === 'integer' ? smallOr(10n ** 18n - 1n) : valueOf(type);
  return fc
    .array(item, { minLength: 1, maxLength: 4 })
    .map((values) => ({ node: 'constant', type: 'list', of: kind, values: values.map(String) }));
};

function newCondition(depth: number): fc.Arbitrary<RuleNode> {
  if (depth <= 0)
    return fc.oneof(
      fieldOf(typeOf('boolean')),
      pick(types).chain((type) => fieldOf(type).map((one) => call('isPresent', [one]))),
      fc
        .tuple(fieldOf(typeOf('integer')), constantOf(typeOf('integer')))
        .map((given) => call('greater', given)),
    );
  const equality = pick(types).chain((type) =>
    fc
      .tuple(fc.constantFrom('equal', 'notEqual'), pairOf(type, depth))
      .map(([operator, given]) => call(operator, given)),
  );
  const ordered = types.filter(isOrdered);
  const order = pick(ordered).chain((type) =>
    fc
      .tuple(fc.constantFrom('less', 'lessOrEqual', 'greater', 'greaterOrEqual'), pairOf(type, depth))
      .map(([operator, given]) => call(operator, given)),
  );
  const between = pick(ordered).chain((type) =>
    fc
      .tuple(
        valueNode(type, depth - 1, false),
        valueNode(type, depth - 1, true),
        valueNode(type, depth - 1, true),
      )
      .map((given) => call('between', given)),
  );
  const member = fc
    .constantFrom('integer', 'string', 'enum', 'country')
    .chain((kind) =>
      fc
        .tuple(fc.constantFrom('in', 'notIn'), valueNode(typeOf(kind), depth - 1, false), listOf(kind))
        .map(([operator, item, list]) => call(operator, [item, list])),
    );
  const presence = pick(types).chain((type) =>
    fc
      .tuple(fc.constantFrom('isPresent', 'isAbsent'), valueNode(type, depth - 1, true))
      .map(([operator, one]) => call(operator, [one])),
  );
  const text = typeOf('string');
  const search = fc
    .tuple(
      fc.constantFrom('contains', 'startsWith'),
      valueNode(text, depth - 1, false),
      valueNode(text, depth - 1, true),
    )
    .map(([operator, one, part]) => call(operator, [one, part]));
  const searchAny = fc
    .tuple(valueNode(text, depth - 1, false), listOf('string'))
    .map((given) => call('containsAny', given));
  const joined = fc
    .tuple(fc.constantFrom('and', 'or'), fc.array(randomCondition(depth - 1), { minLength: 2, maxLength: 4 }))
    .map(([operator, given]) => call(operator, given));
  // Deep inside other numbers these would hardly ever decide about an answer.
  const measured = fc
    .tuple(
      fc.constantFrom('equal', 'less', 'greaterOrEqual'),
      fc.oneof(timeParts(depth), lengths(depth)),
      fc.integer({ min: 0, max: 12 }),
    )
    .map(([operator, left, number]) =>
      call(operator, [left, { node: 'constant', type: 'integer', value: String(number) }]),
    );
  const negated = randomCondition(depth - 1).map((one) => call('not', [one]));
  return fc.oneof(equality, order, between, member, presence, search, searchAny, measured, joined, negated);
}
