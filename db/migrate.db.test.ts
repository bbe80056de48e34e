import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runAsAdmin, withDatabase } from '#test/support/postgres-server.ts';
import { migrateToLatest } from './migrate.ts';

describe('a migration', () => {
  const name = `pitboss_migrate_${randomBytes(4).toString('hex')}`;
  const { adminUrl } = inject('testPostgres');
  const url = withDatabase(adminUrl, name);
  let holder: pg.Client;

  beforeAll(async () => {
    await runAsAdmin(adminUrl, `create database ${name}`);
    holder = new pg.Client({ connectionString: url });
    await holder.connect();
    // The first migration makes this schema, too, and waits for whoever has it.
    await holder.query('begin; create schema bi');
  });

  afterAll(async () => {
    await holder.end();
    await runAsAdmin(adminUrl, `drop database ${name} with (force)`);
  });

  it('whose server goes away fails, and does not take its process along', async () => {
    const migrated = migrateToLatest(url, { writer: 'writer', reader: 'reader' });
    const outcome = migrated.then(
      () => 'done',
      (error: unknown) => String(error),
    );
    await expect.poll(() => sessionsThatWait(holder)).toBe(1);
    await holder.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
    );
    expect(await outcome).toMatch(/connection/i);
    // An event that nobody hears is thrown after the answer.
    await delay(100);
  });
});

async function sessionsThatWait(client: pg.Client): Promise<number> {
  // Within a transaction, what one look has shown is shown again.
  await client.query('select pg_stat_clear_snapshot()');
  const { rows } = await client.query<{ count: string }>(
    `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return Number(rows[0]?.count);
}
