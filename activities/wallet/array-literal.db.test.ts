/** Array literals against PostgreSQL's own reading of them: whatever goes in must come out. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { arrayLiteral, elementFormOf } from './array-literal.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const roundTrip = async (type: string, values: readonly unknown[], shown: string): Promise<unknown[]> => {
  const literal = arrayLiteral(
    values.map((value) => [value]),
    0,
    elementFormOf(type),
  );
  const { rows } = await database.pool.query(
    `select ${shown} as value from unnest($1::${type}[]) with ordinality as t(v, n) order by n`,
    [literal],
  );
  return rows.map((row: { value: unknown }) => row.value);
};

const keepable = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\0'));

test('any text, the word NULL and braces among them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(keepable), { maxLength: 12 }), async (texts) => {
      expect(await roundTrip('text', [...texts, 'NULL', '', '{a,"b"}', '\\'], 'v')).toEqual([
        ...texts,
        'NULL',
        '',
        '{a,"b"}',
        '\\',
      ]);
    }),
    { numRuns: 100 },
  );
});

test('any JSON document', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.dictionary(keepable, keepable), { maxLength: 6 }), async (documents) => {
      const read = await roundTrip(
        'jsonb',
        documents.map((document) => JSON.stringify(document)),
        'v',
      );
      expect(read).toEqual(documents.map((document) => ({ ...document })));
    }),
    { numRuns: 50 },
  );
});

test('bytes, whole numbers of any size, instants without end', async () => {
  const bytes = [Buffer.from([0, 92, 34, 255]), null, Buffer.alloc(0)];
  expect(await roundTrip('bytea', bytes, 'v')).toEqual(bytes);
  const units = ['-1', '123456789012345678901234567890', null];
  expect(await roundTrip('numeric', units, 'v::text')).toEqual(units);
  expect(
    await roundTrip('timestamptz', ['infinity', '-infinity', '2026-11-25T10:00:00.123Z'], 'v::text'),
  ).toEqual(['infinity', '-infinity', expect.stringContaining('.123')]);
  expect(await roundTrip('boolean', [true, false], 'v')).toEqual([true, false]);
});
