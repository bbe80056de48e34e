/** One PostgreSQL server for a whole test run, and the migrated template that every test's database is copied from. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrateToLatest } from '#db/migrate.ts';
import { startPostgres } from '#platform/postgres.ts';
import { freePort } from './ports.ts';

/** What a test file must know to make its own database; plain text, because it crosses to the test's process. */
export type TestPostgres = {
  /** Of the role that owns everything, at the maintenance database. */
  readonly adminUrl: string;
  readonly template: string;
  /** Names every database of this run, so that leftovers can be dropped together. */
  readonly databasePrefix: string;
};

/** A shared development server must keep these, as other people's tests connect with them at the same time. */
export const rolePasswords = { writer: 'writer', reader: 'reader' } as const;

const templateLock = 727_002;

/**
 * Starts an embedded server without durability, or uses the one PITBOSS_TEST_POSTGRES_URL names, and makes the
 * template when the migrations on disk have none yet. `stop` drops whatever databases the run left behind.
 */
export async function startTestPostgres(): Promise<TestPostgres & { stop(): Promise<void> }> {
  const server = await openServer();
  try {
    const template = await ensureTemplate(server.adminUrl);
    const databasePrefix = `pitboss_test_${process.pid}_${randomBytes(3).toString('hex')}`;
    const postgres = { adminUrl: server.adminUrl, template, databasePrefix };
    return {
      ...postgres,
      stop: async () => {
        if (server.isShared) await dropLeftovers(postgres);
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Runs one statement outside any pool: CREATE DATABASE and its kin allow no transaction around them. */
export async function runAsAdmin(adminUrl: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

export function withDatabase(url: string, name: string): string {
  const target = new URL(url);
  target.pathname = `/${name}`;
  return target.href;
}

async function openServer(): Promise<{ adminUrl: string; isShared: boolean; stop(): Promise<void> }> {
  const given = process.env['PITBOSS_TEST_POSTGRES_URL'];
  if (given !== undefined && given !== '')
    return { adminUrl: withDatabase(given, 'postgres'), isShared: true, stop: async () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-test-postgres-'));
  const server = await startPostgres({
    dir: join(folder, 'data'),
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    logFile: join(folder, 'postgres.log'),
    durability: 'none',
  });
  const onExit = () => process.kill(server.pid, 'SIGQUIT');
  process.once('exit', onExit);
  return {
    adminUrl: withDatabase(server.url, 'postgres'),
    isShared: false,
    stop: async () => {
      process.off('exit', onExit);
      await server.stop('immediate');
      removeBehindTheRun(folder, server.dataDir);
    },
  };
}

/** The files of two hundred databases: half a minute that nobody needs to wait for. */
function removeBehindTheRun(...folders: readonly string[]): void {
  const script = `for (const folder of process.argv.slice(1)) fs.rmSync(folder, { recursive: true, force: true })`;
  spawn(process.execPath, ['-e', script, ...folders], { detached: true, stdio: 'ignore' }).unref();
}

/** The name holds a digest of the migrations, so that a changed migration never meets an old template. */
async function ensureTemplate(adminUrl: string): Promise<string> {
  const template = `pitboss_template_${migrationsDigest()}`;
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (rowCount === 0) {
      const draft = `${template}_draft`;
      await client.query(`drop database if exists ${draft} with (force)`);
      await client.query(`create database ${draft}`);
      await migrateToLatest(withDatabase(adminUrl, draft), rolePasswords);
      await client.query(`alter database ${draft} rename to ${template}`);
    }
    return template;
  } finally {
    await client.end();
  }
}

function migrationsDigest(): string {
  const folder = new URL('../../db/migrations/', import.meta.url);
  const hash = createHash('sha256').update(readFileSync(new URL('../../db/migrate.ts', import.meta.url)));
  for (const name of readdirSync(folder).toSorted())
    hash.update(name).update(readFileSync(new URL(name, folder)));
  return hash.digest('hex').slice(0, 12);
}

async function dropLeftovers(postgres: TestPostgres): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [postgres.databasePrefix],
    );
    for (const row of rows) await client.query(`drop database if exists ${row.datname} with (force)`);
  } finally {
    await client.end();
  }
}

/** A folder of this run alone, for bundles and recorded histories. */
export function makeRunFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-test-run-'));
  mkdirSync(join(folder, 'histories'));
  return folder;
}
