/** Reads what a careful writer has quoted, and refuses what no reader should guess at. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCsv } from './csv.ts';

const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;
const refused = expect.objectContaining({ failure: expect.objectContaining({ code: 'invalid-request' }) });

test('every text comes back as it was written, commas, quotes and line breaks included', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'ü', ',', '"', '\r', '\n', ' ', '1') });
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field), { maxLength: 8 }), (rows) => {
      const content = ['one,two', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n');
      expect([...readCsv(`${content}\r\n`, ['one', 'two'])]).toEqual(
        rows.map(([one, two]) => ({ one, two })),
      );
    }),
  );
});

test('plain fields, empty ones and a last line without an end are read, too', () => {
  const columns = ['one', 'two'] as const;
  expect([...readCsv('\uFEFFone,two\n1,\n,2\r\n\n3,4', columns)]).toEqual([
    { one: '1', two: '' },
    { one: '', two: '2' },
    { one: '3', two: '4' },
  ]);
  expect([...readCsv('one,two\n1,', columns)]).toEqual([{ one: '1', two: '' }]);
});

test('a missing column, a record of another width and an open quote are refused', () => {
  const columns = ['one', 'two'] as const;
  const read = (content: string) => () => [...readCsv(content, columns)];
  expect(read('')).toThrow(refused);
  expect(read('one\r\n1\r\n')).toThrow(refused);
  expect(read('one,two\r\n1\r\n2,3\r\n')).toThrow(refused);
  expect(read('one,two\r\n"1,2\r\n')).toThrow(refused);
});
