/** Reads what a careful writer has quoted, and refuses what no reader should guess at. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCsv, type TextParts } from './csv.ts';

const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;
const refused = expect.objectContaining({ failure: expect.objectContaining({ code: 'invalid-request' }) });

const read = (content: TextParts) => Array.fromAsync(readCsv(content, ['one', 'two']));

async function* inParts(content: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < content.length; at += size) yield content.slice(at, at + size);
}

test('every text comes back as it was written, commas, quotes and line breaks included, whatever its parts', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'ü', ',', '"', '\r', '\n', ' ', '1') });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      async (rows, size) => {
        const content = `${['one,two', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n')}\r\n`;
        const expected = rows.map(([one, two]) => ({ one, two }));
        expect(await read(content)).toEqual(expected);
        expect(await read(inParts(content, size))).toEqual(expected);
      },
    ),
  );
});

test('plain fields, empty ones and a last line without an end are read, too, in parts of any size', async () => {
  for (const size of [1, 2, 3, 5, 100]) {
    expect(await read(inParts('\uFEFFone,two\n1,\n,2\r\n\n3,4', size))).toEqual([
      { one: '1', two: '' },
      { one: '', two: '2' },
      { one: '3', two: '4' },
    ]);
    expect(await read(inParts('one,two\n1,', size))).toEqual([{ one: '1', two: '' }]);
  }
});

test('a missing column, a record of another width and an open quote are refused, in parts of any size', async () => {
  for (const content of ['', 'one\r\n1\r\n', 'one,two\r\n1\r\n2,3\r\n', 'one,two\r\n"1,2\r\n'])
    for (const size of [1, 4, 100]) await expect(read(inParts(content, size))).rejects.toThrow(refused);
});

test('a quote that nothing closes does not gather the rest of a large file', async () => {
  let asked = 0;
  async function* endless(): AsyncGenerator<string> {
    yield 'one,two\r\n"';
    for (;;) {
      asked += 1;
      yield 'x'.repeat(100_000);
    }
  }
  await expect(read(endless())).rejects.toThrow(/too long/);
  expect(asked).toBeLessThan(20);
});
