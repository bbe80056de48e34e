import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { BringUpFailure } from './bring-up-failure.ts';
import { mayEnter, standInFolder } from './database-account.ts';
import { ensureDatabase, startPostgres, type PostgresServer } from './postgres.ts';

const home = mkdtempSync(join(tmpdir(), 'pitboss-postgres-'));
const port = 45_000 + (process.pid % 2_000);
const options = { dir: join(home, 'data'), port, password: "it's/secret" };
let server: PostgresServer | undefined;

afterAll(async () => {
  await server?.stop('immediate');
  if (server !== undefined) rmSync(server.dataDir, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
});

async function ask<T>(url: string, sql: string): Promise<T | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows[0];
  } finally {
    await client.end();
  }
}

test('keeps committed rows over a clean stop, a kill -9 and a leftover server', async () => {
  server = await startPostgres(options);
  await ask(server.url, 'create table kept (n int)');
  await ask(server.url, 'insert into kept values (1)');
  await server.stop();

  server = await startPostgres(options);
  await ask(server.url, 'insert into kept values (2)');
  process.kill(server.pid, 'SIGKILL');

  server = await startPostgres(options);
  await ask(server.url, 'insert into kept values (3)');
  const leftover = server;
  server = await startPostgres(options);
  expect(server.pid).not.toBe(leftover.pid);
  expect(await ask(server.url, 'select array_agg(n order by n) as all from kept')).toEqual({
    all: [1, 2, 3],
  });
});

test('runs with logical WAL, full durability and passwords', async () => {
  const url = server?.url ?? '';
  expect(
    await ask(
      url,
      `select current_setting('wal_level') w, current_setting('fsync') f, current_setting('synchronous_commit') s, current_setting('max_connections') m`,
    ),
  ).toEqual({ w: 'logical', f: 'on', s: 'on', m: '200' });
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test('a password that does not fit the data is one sentence, and nothing keeps running', async () => {
  await server?.stop();
  const failure = await startPostgres({ ...options, password: 'other' }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BringUpFailure);
  expect((failure as Error).message).toContain('secrets.json');
  server = await startPostgres(options);
});

test('a closed folder on the way is seen, and its stand-in is always the same', () => {
  const account = { uid: 54_321, gid: 54_321 };
  chmodSync(home, 0o700);
  expect(mayEnter(account, join(home, 'data'))).toBe(false);
  expect(mayEnter(account, '/usr/bin/env')).toBe(true);
  expect(mayEnter(undefined, join(home, 'data'))).toBe(true);
  expect(standInFolder(join(home, 'data'))).toBe(standInFolder(join(home, 'data')));
});

test('a server that ends in the middle of a question fails the question, and not the process that asked', async () => {
  // Takes whoever comes in, as PostgreSQL says it, and is gone at the first question.
  const comeIn = Buffer.from([...Buffer.from('R'), 0, 0, 0, 8, 0, 0, 0, 0, ...Buffer.from('Z'), 0, 0, 0, 5]);
  const dying = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(Buffer.concat([comeIn, Buffer.from('I')]));
      socket.once('data', () => socket.destroy());
    });
  });
  await new Promise<void>((listening) => dying.listen(0, '127.0.0.1', listening));
  try {
    const { port: there } = dying.address() as AddressInfo;
    await expect(ensureDatabase(`postgres://nobody@127.0.0.1:${there}/new`)).rejects.toThrow(/terminated/);
  } finally {
    dying.close();
  }
});
