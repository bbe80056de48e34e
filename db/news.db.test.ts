/** Whoever waits for a deposit hears of it at its commit, and hears again after the connection was lost. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, oneEuro } from '#test/support/factories.ts';
import { openNews, type News } from './news.ts';

let database: TestDatabase;
let news: News;
const losses: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  news = openNews({
    url: database.writerUrl,
    channel: 'payments_deposit',
    applicationName: 'news-under-test',
    onLoss: (error) => losses.push(error),
  });
  await waitUntilListening();
});

afterAll(async () => {
  await news?.close();
  await database?.drop();
});

const listeners = async (): Promise<number> =>
  (
    await database.ownerPool.query(
      "select 1 from pg_stat_activity where application_name = 'news-under-test' and query like 'listen%' and datname = current_database()",
    )
  ).rows.length;
const waitUntilListening = () => vi.waitFor(async () => expect(await listeners()).toBe(1), 5_000);

async function makeRequest(): Promise<string> {
  const player = await makePlayer(database.db);
  const id = randomUUID();
  await database.ownerPool.query(
    `insert into payments.deposit (id, player_id, brand, jurisdiction, jurisdiction_version, method, asset, amount, options,
       route_version, return_url, fingerprint)
     values ($1, $2, 'aurora', 'MT', 1, 'card', 'EUR', $3, '[]', 1, 'https://example.org', '\\x00')`,
    [id, player.id, oneEuro.toString()],
  );
  return id;
}
const setState = (id: string, state: string) =>
  database.ownerPool.query('update payments.deposit set state = $2 where id = $1', [id, state]);

const isHeard = (heard: Promise<void>, withinMs: number): Promise<boolean> =>
  Promise.race([heard.then(() => true), delay(withinMs, false)]);

test('what the player should know is heard by everybody who waits for that deposit, and by nobody else', async () => {
  const [id, other] = [await makeRequest(), await makeRequest()];
  const first = news.listen(id);
  const second = news.listen(id);
  const elsewhere = news.listen(other);
  await setState(id, 'processing');
  expect(await isHeard(first.heard, 200)).toBe(false);
  await setState(id, 'awaiting-action');
  expect(await isHeard(first.heard, 5_000)).toBe(true);
  expect(await isHeard(second.heard, 5_000)).toBe(true);
  expect(await isHeard(elsewhere.heard, 200)).toBe(false);
  first.stop();
  second.stop();
  elsewhere.stop();
});

test('what is rolled back is not heard', async () => {
  const id = await makeRequest();
  const waiting = news.listen(id);
  const client = await database.ownerPool.connect();
  await client.query("begin; select pg_notify('payments_deposit', '" + id + "'); rollback");
  client.release();
  expect(await isHeard(waiting.heard, 200)).toBe(false);
  waiting.stop();
});

test('after its connection was cut it says so and hears again', async () => {
  const id = await makeRequest();
  const waiting = news.listen(id);
  await setState(id, 'processing');
  await database.ownerPool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'news-under-test' and datname = current_database()",
  );
  await vi.waitFor(() => expect(losses).toHaveLength(1), 5_000);
  await waitUntilListening();
  await setState(id, 'awaiting-action');
  expect(await isHeard(waiting.heard, 5_000)).toBe(true);
  waiting.stop();
});
