/** Money through JSON: whole numbers exact, everything else refused or kept apart, no key twice. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InexactNumber, parseExactJson } from './exact-json.ts';

test('whole numbers are bigint to the last digit', () => {
  expect(parseExactJson('{"a":12345678901234567890,"b":-1,"c":[0]}')).toEqual({
    a: 12345678901234567890n,
    b: -1n,
    c: [0n],
  });
});

test.each(['1.0', '1e5', '-0.5', '1E2', '-0', '1234567890123456.0', '9007199254740993e0'])(
  '%s is no whole number',
  (text) => {
    expect(parseExactJson(text)).toEqual(new InexactNumber(text));
  },
);

test.each([
  '{"a":1,"a":1}',
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":1}',
  '{"b":[{"a":1,"a" :1}]}',
  '{"a":{"a":1},"a":{"a":1}}',
  '{"x":"}","a":"{","a":"{"}',
])('a repeated key is refused in %s', (text) => {
  expect(() => parseExactJson(text)).toThrow(SyntaxError);
});

test.each([
  '{"a":{"a":1},"b":{"a":1}}',
  '[{"a":1},{"a":1}]',
  '{"a":"a","b":"\\"a\\":"}',
  '{"a":"{\\"a\\":1}","b":"\\\\"}',
])('keys of different objects and texts that look like keys pass in %s', (text) => {
  expect(() => parseExactJson(text)).not.toThrow();
});

/** A JSON text beside what it means here, built so that neither is derived from the other. */
const written = fc.letrec<{ value: { text: string; means: unknown } }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc
      .bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
      .map((n) => ({ text: n.toString(), means: n as unknown })),
    fc.bigInt({ min: 0n, max: 10n ** 17n }).map((n) => ({ text: n.toString(), means: n as unknown })),
    fc
      .constantFrom('1.5', '1e3', '-0', '0.0', '12345678901234567890.0')
      .map((text) => ({ text, means: new InexactNumber(text) as unknown })),
    fc.string({ unit: 'grapheme' }).map((text) => ({ text: JSON.stringify(text), means: text as unknown })),
    fc.constantFrom(true, false, null).map((means) => ({ text: String(means), means: means as unknown })),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(' ,')}]`,
      means: items.map(({ means }) => means),
    })),
    fc
      .uniqueArray(fc.tuple(fc.string(), tie('value')), { maxLength: 4, selector: ([key]) => key })
      .map((pairs) => ({
        text: `{${pairs.map(([key, { text }]) => `${JSON.stringify(key)} : ${text}`).join(',')}}`,
        means: Object.fromEntries(pairs.map(([key, { means }]) => [key, means])),
      })),
  ),
}));

test('any JSON means what is written, to the last digit', () => {
  fc.assert(
    fc.property(written.value, ({ text, means }) => {
      expect(parseExactJson(text)).toEqual(means);
    }),
    { numRuns: 1_000 },
  );
});

test('a key that is written twice is refused wherever it stands', () => {
  fc.assert(
    fc.property(written.value, written.value, fc.string(), (one, two, key) => {
      const name = JSON.stringify(key);
      const text = `{"around":[${one.text},{${name}:${one.text},${name}:${two.text}}]}`;
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
    }),
    { numRuns: 300 },
  );
});
