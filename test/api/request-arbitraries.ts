/**
 * Requests by chance for an operation of the OpenAPI document: some as the document wants them, some spoilt in one
 * place. What the tests of every route send when no list of bad values would be long enough.
 */
import fc from 'fast-check';
import { fieldsOf, withMember, type JsonSchema, type Operation } from './openapi-operations.ts';

export type MadeRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes of the body; undefined for none. */
  readonly body: string | undefined;
  /** What was spoilt, for the line of a failure; `valid` when nothing was. */
  readonly spoilt: string;
};

/** Values that were seen in answers, by the name of the member or parameter that held them. */
export type Seen = (operation: Operation, name: string) => readonly string[];

/** Texts that have broken somebody's parser, database, log or page before. */
const hostileTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\u0001\u0008\u001b[31m',
  '\r\nSet-Cookie: a=b',
  '\ud800',
  '\u202egnirts',
  'é'.repeat(300),
  '😀'.repeat(200),
  'x'.repeat(5_000),
  '__proto__',
  'constructor',
  "'; drop table wallet.entry; --",
  '%s%n%00',
  '${7*7}{{7*7}}',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '00000000-0000-0000-0000-000000000000',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '1e400',
  '99999999999999999999999999999999999999',
  '0.0000000000000000000000001',
  '2026-02-30',
  '0000-01-01',
  '9999-12-31T23:59:59.999999999Z',
  '2026-01-01T00:00:00+99:99',
  '-271821-04-20T00:00:00Z',
];

const hostileValues = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...hostileTexts) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      0,
      -0,
      -1,
      1.5,
      2 ** 31,
      2 ** 53,
      1e21,
      1e308,
      [],
      {},
      [null],
      [[[[[[]]]]]],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      amount: fc.constantFrom('-1', '0', '0.001', '9'.repeat(26), '1e3', '1', `1.${'0'.repeat(18)}`),
      asset: fc.constantFrom('EUR', 'USD', 'BTC', 'ETH', 'XXX', 'eur', 'CONSTRUCTOR'),
    }),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** A value that fits `schema`, as far as it tells; `seen` gives what other answers held under a member's name. */
function fitting(
  schema: JsonSchema,
  name: string,
  seen: (name: string) => readonly string[],
): fc.Arbitrary<unknown> {
  const inner = (one: JsonSchema, itsName = name) => fitting(one, itsName, seen);
  const choices = schema.anyOf ?? schema.oneOf;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (choices) return fc.oneof(...choices.map((one) => inner(one)));
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => inner({ ...schema, type })));
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return integerOf(schema);
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case 'array':
      return fc.array(inner(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
      });
    case 'object':
      return objectOf(schema, seen);
    case 'string':
      return textOf(schema, () => seen(name));
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

const integerOf = ({ minimum, maximum }: JsonSchema): fc.Arbitrary<unknown> => {
  const min = Math.max(minimum ?? 0, Number.MIN_SAFE_INTEGER);
  const max = Math.min(maximum ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 20) }),
    fc.constantFrom(min, max),
    fc.integer({ min, max }),
  );
};

function objectOf(schema: JsonSchema, seen: (name: string) => readonly string[]): fc.Arbitrary<unknown> {
  const members = Object.entries(schema.properties ?? {});
  const made = Object.fromEntries(members.map(([key, one]) => [key, fitting(one, key, seen)]));
  const example = fc.constant(schema.example);
  const record = fc.record(made, {
    requiredKeys: members.map(([key]) => key).filter((key) => schema.required?.includes(key)),
    noNullPrototype: true,
  });
  // What is optional often wants its fellows, which no schema says; without any it is asked for little and gets it.
  const least = fc.record(
    Object.fromEntries(Object.entries(made).filter(([key]) => schema.required?.includes(key))),
    { noNullPrototype: true },
  );
  return schema.example === undefined ? fc.oneof(least, record) : fc.oneof(example, least, record);
}

/** What is known is asked for when a request is made, since answers add to it. */
function textOf(schema: JsonSchema, known: () => readonly string[]): fc.Arbitrary<unknown> {
  const ofForm = formOf(schema);
  const own = schema.example === undefined ? ofForm : fc.oneof(ofForm, fc.constant(schema.example));
  return fc.tuple(own, fc.nat(), fc.integer({ min: 1, max: 10 })).map(([made, at, chance]) => {
    const values = chance > 4 ? known() : [];
    return values[at % values.length] ?? made;
  });
}

function formOf(schema: JsonSchema): fc.Arbitrary<string> {
  switch (schema.format) {
    case 'uuid':
      return fc.uuid();
    case 'email':
      return fc.emailAddress();
    case 'uri':
      return fc.webUrl();
    case 'date':
    case 'date-time': {
      const length = schema.format === 'date' ? 10 : 24;
      const near = { min: new Date('2020-01-01T00:00:00Z'), max: new Date('2032-01-01T00:00:00Z') };
      const far = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z') };
      const days = fc.oneof(
        fc.date({ ...near, noInvalidDate: true }),
        fc.date({ ...far, noInvalidDate: true }),
      );
      return days.map((date) => date.toISOString().slice(0, length));
    }
    default:
      return patternOf(schema);
  }
}

function patternOf({ pattern, minLength = 0, maxLength = 60 }: JsonSchema): fc.Arbitrary<string> {
  const free = fc.string({
    unit: 'grapheme',
    minLength,
    maxLength: Math.max(minLength, Math.min(maxLength, 60)),
  });
  if (pattern === undefined || pattern.includes('(?!')) return free;
  return fc.stringMatching(new RegExp(pattern));
}

/** One request for `operation`: as documented in about half of all cases, spoilt in one place in the others. */
export function requestOf(operation: Operation, seen: Seen): fc.Arbitrary<MadeRequest> {
  const known = (name: string) => seen(operation, name);
  const part = (place: 'path' | 'query' | 'header') => operation.parameters.filter((one) => one.in === place);
  const names = part('path').map(({ name }) => name);
  const path = fc.record(
    Object.fromEntries(part('path').map(({ name, schema }) => [name, fitting(schema, name, known)])),
  );
  const query = fc.record(
    Object.fromEntries(part('query').map(({ name, schema }) => [name, fitting(schema, name, known)])),
    {
      requiredKeys: part('query')
        .filter(({ required }) => required)
        .map(({ name }) => name),
    },
  );
  const key = fc.oneof(
    { weight: 8, arbitrary: fc.uuid() },
    // A key that others have used for something else.
    { weight: 1, arbitrary: fc.constant('the-same-key-for-everything') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', 'short', '\u00ff'.repeat(9), 'x'.repeat(300), 'with a space'),
    },
  );
  const body = operation.body === null ? fc.constant(undefined) : fitting(operation.body, '', known);
  return fc
    .record({ path, query, key, body, spoil: spoilingOf(operation) })
    .map(({ path: given, query: asked, key: itsKey, body: sent, spoil }) => {
      const made: Draft = {
        path: { ...given },
        query: pairsOf(asked),
        body: sent,
        raw: undefined,
        headers: {},
      };
      if (operation.body !== null) made.headers['content-type'] = 'application/json';
      if (part('header').length > 0) made.headers['idempotency-key'] = itsKey;
      spoil.apply(made);
      const address = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeText(made.path[name]),
      );
      const text = made.query.map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`).join('&');
      return {
        path: names.length === 0 && text === '' ? address : `${address}${text === '' ? '' : `?${text}`}`,
        headers: made.headers,
        body: made.raw ?? (made.body === undefined ? undefined : JSON.stringify(made.body)),
        spoilt: spoil.name,
      };
    });
}

type Draft = {
  path: Record<string, unknown>;
  query: [string, unknown][];
  body: unknown;
  raw: string | undefined;
  headers: Record<string, string>;
};
type Spoiling = { readonly name: string; apply(draft: Draft): void };

const pairsOf = (query: Readonly<Record<string, unknown>>): [string, unknown][] => Object.entries(query);

/** A lone half of a character has no form in an address; its replacement goes out instead. */
const encodeText = (value: unknown): string =>
  encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed()) ||
  '%20';

function spoilingOf(operation: Operation): fc.Arbitrary<Spoiling> {
  const none: fc.WeightedArbitrary<Spoiling> = {
    weight: 14,
    arbitrary: fc.constant({ name: 'valid', apply: () => {} }),
  };
  const fields = operation.body === null ? [] : fieldsOf(operation.body);
  const queries = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const paths = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
  const all = [none];
  if (fields.length > 0) {
    const place = fc.constantFrom(...fields.map(({ path }) => path));
    const member = fc.record({ place, value: hostileValues }).map(({ place: at, value }): Spoiling => ({
      name: `/${at.join('/')} = ${JSON.stringify(value)?.slice(0, 60)}`,
      apply: (draft) => {
        draft.body = withMember(draft.body, at, value);
      },
    }));
    all.push({ weight: 8, arbitrary: member });
    all.push({ weight: 1, arbitrary: place.map((at) => twice(String(at[0]))) });
  }
  if (operation.body !== null) all.push({ weight: 2, arbitrary: fc.constantFrom(...rawBodies) });
  if (queries.length > 0) {
    const set = fc.record({ name: fc.constantFrom(...queries), value: hostileValues });
    const one = set.map(({ name, value }): Spoiling => queryWith(name, [value]));
    const several = set.map(({ name, value }): Spoiling => queryWith(name, [value, value]));
    all.push({ weight: 5, arbitrary: one }, { weight: 1, arbitrary: several });
  }
  if (paths.length > 0) {
    const set = fc.record({ name: fc.constantFrom(...paths), value: hostileValues });
    const spoil = set.map(({ name, value }): Spoiling => ({
      name: `{${name}} = ${JSON.stringify(value)?.slice(0, 60)}`,
      apply: (draft) => {
        draft.path[name] = value;
      },
    }));
    all.push({ weight: 3, arbitrary: spoil });
  }
  return fc.oneof(...all);
}

const queryWith = (name: string, values: readonly unknown[]): Spoiling => ({
  name: `?${name} = ${JSON.stringify(values).slice(0, 60)}`,
  apply: (draft) => {
    draft.query = [
      ...draft.query.filter(([other]) => other !== name),
      ...values.map((value): [string, unknown] => [name, value]),
    ];
  },
});

/** The same key twice in one body: which one counts is nobody's to guess. */
const twice = (member: string): Spoiling => ({
  name: `"${member}" twice`,
  apply: (draft) => {
    draft.raw = `{${JSON.stringify(member)}: 1, ${JSON.stringify(draft.body ?? {}).slice(1)}`;
  },
});

const rawBodies = [
  ['deep', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
  ['deep objects', `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`],
  ['a huge number', '{"amount": 1e999}'],
  ['its prototype', '{"__proto__": {"isAdmin": true}, "constructor": {"prototype": {}}}'],
  ['a byte order mark', '\ufeff{}'],
  ['half a body', '{"a'],
  ['nothing but spaces', '   '],
].map(([name = '', raw]): Spoiling => ({
  name,
  apply: (draft) => {
    draft.raw = raw;
  },
}));
