/**
 * A database of its own for each test file, copied from the migrated template in some tens of milliseconds, so that
 * tests run on the real PostgreSQL and never see each other's rows.
 */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { inject } from 'vitest';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import { rolePasswords, runAsAdmin, withDatabase } from './postgres-server.ts';

export type TestDatabase = {
  /** As the owner: migrations, and tests that must tamper with what nobody may change. */
  readonly url: string;
  /** As the platform's processes connect; refusals of missing grants show here. */
  readonly writerUrl: string;
  readonly readerUrl: string;
  /** Of the writer. */
  readonly pool: pg.Pool;
  /** Kysely over `pool`. */
  readonly db: Database;
  /** Of the owner. */
  readonly ownerPool: pg.Pool;
  /**
   * Closes the pools and ends every other connection; call it in `afterAll`. The files go with the whole run: before it
   * gives out an inode, ext4 passes by all that were freed in the last minutes, and with 1,700 of each dropped database
   * that took a third of the processor time of these tests.
   */
  drop(): Promise<void>;
};

export type TestDatabaseOptions = {
  /** Connections of the writer's pool; 4 unless a test is about contention. */
  readonly connectionsMax?: number;
  readonly statementTimeoutMs?: number;
};

/**
 * What is asked often is asked with a plan for any parameters, which some statements cannot have; in a test everything is
 * asked that way from its first time on.
 */
const everythingPrepared = { usesBefore: 0, preparedMax: Number.POSITIVE_INFINITY };

/** Call it once per file, in `beforeAll`. Throws when the file runs in a project without PostgreSQL. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { adminUrl, template, databasePrefix } = inject('testPostgres');
  const name = `${databasePrefix}_${randomBytes(4).toString('hex')}`;
  await runAsAdmin(
    adminUrl,
    // The files are copied as they are: the other strategy takes each page through the buffers and the log.
    `create database ${name} template ${template} strategy file_copy`,
    `alter database ${name} set plan_cache_mode = force_generic_plan`,
  );
  const url = withDatabase(adminUrl, name);
  const writerUrl = asRole(url, 'pitboss_writer', rolePasswords.writer);
  const pool = openPool({
    url: writerUrl,
    applicationName: 'pitboss-test',
    connectionsMax: options.connectionsMax ?? 4,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    pipeline: true,
  });
  const ownerPool = openPool({ url, applicationName: 'pitboss-test-owner', connectionsMax: 2 });
  return {
    url,
    writerUrl,
    readerUrl: asRole(url, 'pitboss_reader', rolePasswords.reader),
    pool,
    db: createDatabase(pool, everythingPrepared),
    ownerPool,
    drop: async () => {
      await Promise.all([pool.end(), ownerPool.end()]);
      await runAsAdmin(
        adminUrl,
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
      );
    },
  };
}

function asRole(url: string, role: string, password: string): string {
  const target = new URL(url);
  target.username = role;
  target.password = password;
  return target.href;
}
