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

test('what is asked often is prepared on its connection, and what is asked once is not', async () => {
  const pool = openPool({
    url: database.writerUrl,
    applicationName: 'pitboss-test-often',
    connectionsMax: 1,
  });
  const db = createDatabase(pool);
  const prepared = async () =>
    (await pool.query<{ statement: string }>('select statement from pg_prepared_statements')).rows.map(
      ({ statement }) => statement,
    );
  for (let index = 0; index < 8; index += 1) await sql`select ${index}::int as often`.execute(db);
  for (let index = 0; index < 300; index += 1) await sql`select ${sql.lit(index)} as once`.execute(db);
  expect(await prepared()).toEqual(['select $1::int as often']);
  for (let index = 0; index < 200; index += 1)
    for (let turn = 0; turn < 6; turn += 1) await sql`select ${sql.lit(index)} as various`.execute(db);
  expect(await prepared()).toHaveLength(150);
  const { rows } = await sql<{ various: number }>`select ${sql.lit(199)} as various`.execute(db);
  expect(rows).toEqual([{ various: 199 }]);
  await pool.end();
});

test('a plan that a migration has outdated is a moment’s absence, and gone with its connection', async () => {
  const pool = openPool({ url: database.writerUrl, applicationName: 'pitboss-test-plan', connectionsMax: 1 });
  const db = createDatabase(pool);
  await database.ownerPool.query(
    'create table public.widened (id int); insert into public.widened values (1); grant select on public.widened to public',
  );
  const ask = () => sql`select * from public.widened`.execute(db);
  for (let index = 0; index < 8; index += 1) await ask();
  await database.ownerPool.query('alter table public.widened add column more int');
  await expect(ask()).rejects.toSatisfy((error) => isDatabaseUnavailable(error));
  expect((await ask()).rows).toEqual([{ id: 1, more: null }]);
  await pool.end();
  await database.ownerPool.query('drop table public.widened');
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
