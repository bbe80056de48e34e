/** Brings the vault's own database to its newest schema and gives its one role a password; run as the owner. */
import { applyFiles, asOwner, ensureRole } from '#db/migrate.ts';
import { loadVaultMigrationConfig } from './config.ts';

const folder = new URL('./migrations/', import.meta.url);

/** `ownerUrl` must belong to a role that may create roles. */
export const migrateVault = (ownerUrl: string, password: string): Promise<void> =>
  asOwner(ownerUrl, async (db, pool) => {
    await ensureRole(pool, 'pitboss_vault', password);
    await applyFiles(db, folder);
  });

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
