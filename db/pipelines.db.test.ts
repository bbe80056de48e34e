/** Lines of statements: in order on one connection, each failing for itself, and none behind one that has stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createPipelines } from './pipelines.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.ownerPool.query(
    'create table public.said (at int generated always as identity, word text unique)',
  );
  await database.ownerPool.query('grant all on public.said to pitboss_writer');
});
afterAll(() => database.drop());
beforeEach(() => database.ownerPool.query('truncate public.said restart identity'));

const say = (word: string) => ({
  text: 'insert into public.said (word) values ($1) returning at, pg_backend_pid() as pid',
  values: [word],
});
const lines = (options = {}) => createPipelines(database.pool, options);

test('statements that are sent together take one connection, in their order', async () => {
  const { query } = lines();
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => query(say(`word ${index}`))));
  expect(answers.map(({ rows }) => rows[0].at)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(new Set(answers.map(({ rows }) => rows[0].pid)).size).toBe(1);
});

test('one that is refused fails alone', async () => {
  const { query } = lines();
  const outcomes = await Promise.allSettled([query(say('a')), query(say('a')), query(say('b'))]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const { rows } = await database.ownerPool.query('select word from public.said order by at');
  expect(rows.map(({ word }: { word: string }) => word)).toEqual(['a', 'b']);
});

test('behind a lock nobody waits who need not: the next ones take another connection', async () => {
  const pipelines = lines({ stalledAfterMs: 60 });
  const holder = await database.ownerPool.connect();
  await holder.query("begin; insert into public.said (word) values ('held')");
  const held = pipelines.query(say('held'));
  const behind = pipelines.query(say('behind'));
  expect(pipelines.stalled()).toBe(0);
  await delay(100);
  expect(pipelines.stalled()).toBe(2);
  await pipelines.query(say('past it'));
  const outcome = Promise.allSettled([held, behind]);
  await holder.query('commit');
  holder.release();
  expect((await outcome).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(pipelines.stalled()).toBe(0);
});

test('a connection that breaks fails what was under way on it, and the next statement finds another one', async () => {
  const { query } = lines();
  const { rows } = await query(say('first'));
  const broken = Promise.allSettled([query({ text: 'select pg_sleep(5)' }), query(say('lost'))]);
  await delay(100);
  await database.ownerPool.query('select pg_terminate_backend($1)', [rows[0].pid]);
  expect((await broken).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const after = await query(say('after'));
  expect(after.rows[0].pid).not.toBe(rows[0].pid);
});

test('a server that is not there is told to everyone who waits, and to the next one', async () => {
  const nowhere = createPipelines({
    connect: () => Promise.reject(new Error('Connection terminated')),
  } as never);
  const outcomes = await Promise.allSettled([nowhere.query(say('a')), nowhere.query(say('b'))]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(nowhere.query(say('c'))).rejects.toThrow('Connection terminated');
});
