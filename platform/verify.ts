/** `npm run verify`: proves the ledger of the running platform, or of the database that DATABASE_URL names. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createDatabase, openPool } from '#db/connect.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';

const home = resolve(process.env['PITBOSS_HOME'] ?? '.pitboss');

async function databaseUrl(): Promise<string | null> {
  if (process.env['DATABASE_URL']) return process.env['DATABASE_URL'];
  const text = await readFile(resolve(home, 'run.json'), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as { postgres: { reader: string } }).postgres.reader;
}

const url = await databaseUrl();
if (url === null) {
  console.error('Nothing to verify: start the platform with `npm start`, or set DATABASE_URL.');
  process.exit(1);
}
const pool = openPool({ url, applicationName: 'pitboss-verify', connectionsMax: 1, statementTimeoutMs: 0 });
try {
  const checks = await verifyLedger(createDatabase(pool));
  for (const check of checks) {
    console.log(`${check.findings.length === 0 ? 'ok  ' : 'FAIL'} ${check.name} (${check.covered})`);
    for (const finding of check.findings) console.log(`     ${finding}`);
  }
  const failed = checks.filter((check) => check.findings.length > 0).length;
  console.log(failed === 0 ? 'The ledger is proven.' : `${failed} checks failed.`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  console.error(`The ledger could not be read: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await pool.end();
}
