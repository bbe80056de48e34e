import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.ts';

let first: TestDatabase;
let second: TestDatabase;

beforeAll(async () => {
  [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
});

afterAll(async () => {
  await Promise.all([first.drop(), second.drop()]);
});

test('two databases of one run do not see each other', async () => {
  await first.ownerPool.query('create table public.mark (n int)');
  await expect(second.ownerPool.query('select * from public.mark')).rejects.toThrow('does not exist');
});

test('the pool is the writer of the platform and not the owner', async () => {
  const { rows } = await first.pool.query<{ who: string }>('select current_user as who');
  expect(rows).toEqual([{ who: 'pitboss_writer' }]);
  await expect(first.pool.query('truncate wallet.journal')).rejects.toThrow(/permission denied|append/i);
});

test('every migration on disk is in the template', async () => {
  const { rows } = await first.ownerPool.query<{ n: bigint }>(
    'select count(*) as n from public.kysely_migration',
  );
  expect(rows[0]?.n).toBeGreaterThanOrEqual(4n);
});
