/** Applies the plain SQL migrations, forward only, and creates the roles that processes connect as. */
import { readdir, readFile } from 'node:fs/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator, type Migration, type MigrationProvider } from 'kysely/migration';
import pg from 'pg';
import { outlivingConnections } from './connect.ts';

const folder = new URL('./migrations/', import.meta.url);

/** Reads `NNNN-name.sql` files; each runs in the migrator's transaction. */
class SqlFileProvider implements MigrationProvider {
  readonly #folder: URL;

  constructor(folder: URL) {
    this.#folder = folder;
  }

  async getMigrations(): Promise<Record<string, Migration>> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith('.sql')).toSorted();
    const migrations: Record<string, Migration> = {};
    for (const name of names) {
      const text = await readFile(new URL(name, this.#folder), 'utf8');
      migrations[name.slice(0, -'.sql'.length)] = {
        up: async (db) => {
          await sql.raw(text).execute(db);
        },
      };
    }
    return migrations;
  }
}

export type RolePasswords = { readonly writer: string; readonly reader: string };

/**
 * Brings a database to the newest schema. `databaseUrl` must belong to a role that may create roles and schemas.
 * Throws the first migration's error; whatever ran before it stays applied.
 */
export const migrateToLatest = (databaseUrl: string, passwords: RolePasswords): Promise<void> =>
  asOwner(databaseUrl, async (db, pool) => {
    await ensureRole(pool, 'pitboss_writer', passwords.writer);
    await ensureRole(pool, 'pitboss_reader', passwords.reader);
    await applyFiles(db, folder);
  });

/** Runs `work` as the owner of a database; without deadlines, since a migration takes as long as it takes. */
export async function asOwner(
  databaseUrl: string,
  work: (db: Kysely<unknown>, pool: pg.Pool) => Promise<void>,
): Promise<void> {
  const pool = outlivingConnections(new pg.Pool({ connectionString: databaseUrl, max: 2 }));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await work(db, pool);
  } finally {
    await db.destroy();
  }
}

/** Applies the files of `from` that have not run on this database yet. */
export async function applyFiles(db: Kysely<unknown>, from: URL): Promise<void> {
  const provider = new SqlFileProvider(from);
  const { error, results } = await new Migrator({ db, provider }).migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'a migration';
  throw new Error(`${failed}: ${error instanceof Error ? error.message : 'it failed without saying why'}`, {
    cause: error,
  });
}

/** Roles belong to the whole cluster, so two databases being prepared at once must not race to create them. */
export async function ensureRole(pool: pg.Pool, role: string, password: string): Promise<void> {
  const secret = pg.escapeLiteral(password);
  const name = pg.escapeIdentifier(role);
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock(727001)');
    const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
    await client.query(`${rowCount ? 'alter' : 'create'} role ${name} login password ${secret}`);
  } finally {
    await client.query('select pg_advisory_unlock(727001)').catch(() => {});
    client.release();
  }
}
