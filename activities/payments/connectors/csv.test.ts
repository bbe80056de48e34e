/** Reads what a careful writer has quoted, and refuses what no reader should guess at. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCsv } from './csv.ts';

const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;

test('every text comes back as it was written, commas, quotes and line breaks included', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'ü', ',', '"', '\r', '\n', ' ', '1') });
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field), { maxLength: 8 }), (rows) => {
      const content = ['one,two', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n');
      const read = readCsv(`${content}\r\n`, ['one', 'two']);
      expect(read).toEqual({ ok: true, value: rows.map(([one, two]) => ({ one, two })) });
    }),
  );
});

test('a missing column, a record of another width and an open quote are refused', () => {
  const columns = ['one', 'two'] as const;
  expect(readCsv('one\r\n1\r\n', columns)).toMatchObject({ failure: { code: 'invalid-request' } });
  expect(readCsv('one,two\r\n1\r\n2,3\r\n', columns)).toMatchObject({ failure: { code: 'invalid-request' } });
  expect(readCsv('one,two\r\n"1,2\r\n', columns)).toMatchObject({ failure: { code: 'invalid-request' } });
});
