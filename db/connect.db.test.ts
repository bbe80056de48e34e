/** A database that cannot take a change right now is an absent dependency and no bug: 503 with the time to come back. */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createDatabase, isDatabaseUnavailable, openPool } from './connect.ts';

let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

test('a standby that only reads answers as a database that is away', async () => {
  const url = new URL(database.writerUrl);
  url.searchParams.set('options', '-c default_transaction_read_only=on');
  const pool = openPool({ url: url.href, applicationName: 'pitboss-test-standby', connectionsMax: 1 });
  const standby = await createTestApi(database, { db: createDatabase(pool) });
  const body = { brand: 'aurora', email: 'ada@example.org', password: 'a long phrase of mine' };
  const answer = await standby.send('POST', '/v1/sessions', body);
  await standby.close();
  await pool.end();
  expect([answer.status, answer.body['code']]).toEqual([503, 'dependency-unavailable']);
  expect(answer.headers.get('retry-after')).toBe('2');
});

test('a connection that breaks between two statements of a transaction ends the transaction, not the process', async () => {
  const pool = openPool({
    url: database.writerUrl,
    applicationName: 'pitboss-test-broken',
    connectionsMax: 1,
  });
  const broken = createDatabase(pool)
    .transaction()
    .execute(async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      await database.ownerPool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      // Nobody asks for anything while the news of the end arrives.
      await delay(300);
      await sql`select 1`.execute(trx);
    });
  await expect(broken).rejects.toSatisfy((error) => isDatabaseUnavailable(error));
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

test('what the network, the disk and an administrator do is told apart from our own mistakes', () => {
  const failing = (code: string) => isDatabaseUnavailable(Object.assign(new Error('no'), { code }));
  const away = [
    'EAI_AGAIN',
    'ENETUNREACH',
    'ECONNREFUSED',
    '25006',
    '53100',
    '53300',
    '57P01',
    '57014',
    '58030',
  ];
  expect(away.filter((code) => !failing(code))).toEqual([]);
  // Unique and foreign keys, syntax, missing grants, protocols of Node: a repeat would change nothing.
  const ours = ['23505', '23503', '42601', '42501', '22P02', 'ERR_INVALID_ARG_TYPE', 'ENOENT'];
  expect(ours.filter(failing)).toEqual([]);
});
