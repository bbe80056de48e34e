/** Money through JSON: whole numbers exact, everything else refused or kept apart, no key twice. */
import { expect, test } from 'vitest';
import { InexactNumber, parseExactJson } from './exact-json.ts';

test('whole numbers are bigint to the last digit', () => {
  expect(parseExactJson('{"a":12345678901234567890,"b":-1,"c":[0]}')).toEqual({
    a: 12345678901234567890n,
    b: -1n,
    c: [0n],
  });
});

test.each(['1.0', '1e5', '-0.5', '1E2'])('%s is no whole number', (text) => {
  expect(parseExactJson(text)).toEqual(new InexactNumber(text));
});

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
