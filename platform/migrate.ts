/** Brings the database given by DATABASE_URL to the newest schema; the one-shot container runs it before everything else. */
import { migrateToLatest } from '#db/migrate.ts';
import { ConfigFailure } from '#workers/config-failure.ts';
import { loadConfig } from '#workers/config.ts';
import { BringUpFailure } from './bring-up-failure.ts';

try {
  const { database } = loadConfig();
  if (database.ownerUrl === undefined)
    throw new BringUpFailure('DATABASE_URL is not set: migrations run as the owner of the database.');
  const passwordIn = (address: string) => decodeURIComponent(new URL(address).password);
  await migrateToLatest(database.ownerUrl.reveal(), {
    writer: passwordIn(database.writerUrl.reveal()),
    reader: passwordIn(database.readerUrl.reveal()),
  });
  process.stdout.write('The database schema is up to date.\n');
} catch (error) {
  const problems =
    error instanceof ConfigFailure
      ? error.problems
      : [error instanceof Error ? error.message : String(error)];
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exitCode = 1;
}
