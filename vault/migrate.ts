/** Brings the vault's own database to its newest schema and gives its one role a password; run as the owner. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { applyFiles, ensureRole } from '#db/migrate.ts';
import { loadVaultMigrationConfig } from './config.ts';

const folder = new URL('./migrations/', import.meta.url);

/** `ownerUrl` must belong to a role that may create roles. */
export async function migrateVault(ownerUrl: string, password: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await ensureRole(pool, 'pitboss_vault', password);
    await applyFiles(db, folder);
  } finally {
    await db.destroy();
  }
}

if (import.meta.main) {
  try {
    const { ownerUrl, password } = loadVaultMigrationConfig();
    await migrateVault(ownerUrl.reveal(), password.reveal());
    process.stdout.write('The schema of the vault is up to date.\n');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
