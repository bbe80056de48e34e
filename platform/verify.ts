/**
 * `npm run verify`: proves the ledger of the running platform, or of the database that DATABASE_URL names.
 * `-- --write FOLDER` exports the ledger, `-- --export FOLDER` proves an export without any database, and
 * `-- --key VKEY` (or a file of keys) says whose signatures count.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createDatabase, openPool } from '#db/connect.ts';
import { verifyExport } from '#activities/wallet/export/verify-export.ts';
import { writeExport } from '#activities/wallet/export/write-export.ts';
import { createNoteSigner, type NoteSigner } from '#activities/wallet/log/signed-note.ts';
import { firstBadOf, verifyLedger, type Check } from '#activities/wallet/verify.ts';

const home = resolve(process.env['PITBOSS_HOME'] ?? '.pitboss');
/** Paths are meant from where the caller stands, which npm tells. */
const fromCaller = (path: string): string => resolve(process.env['INIT_CWD'] ?? process.cwd(), path);

class ExpectedFailure extends Error {}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      export: { type: 'string' },
      write: { type: 'string' },
      key: { type: 'string', multiple: true },
    },
  });
  const keys = await trustedKeys(values.key ?? [], values.export !== undefined);
  if (values.export !== undefined) return proveExport(fromCaller(values.export), keys);
  if (values.write !== undefined) return writeTo(fromCaller(values.write));
  return proveDatabase(keys);
}

async function proveExport(path: string, keys: readonly string[]): Promise<boolean> {
  const folder = path.endsWith('manifest.json') ? dirname(path) : path;
  if (keys.length === 0)
    console.log('No trusted key: give one with --key, as GET /v1/ledger/keys of the operator publishes it.');
  const { checks, firstBad } = await verifyExport(folder, keys);
  tellFirst(firstBad);
  return print(checks, 'The export is proven.');
}

async function writeTo(folder: string): Promise<boolean> {
  if (existsSync(resolve(folder, 'manifest.json')))
    throw new ExpectedFailure(`${folder} holds an export already: choose an empty folder.`);
  const signer = await exportSigner();
  return withDatabase(async (db) => {
    const { manifest, isSigned } = await writeExport(db, folder, signer);
    for (const { name, lines, bytes } of manifest.files)
      console.log(`${name}: ${lines} lines, ${bytes} bytes`);
    console.log(
      isSigned
        ? `The export is in ${folder}, signed by ${signer?.vkey}.`
        : `The export is in ${folder}. LEDGER_SIGNING_KEY is not set, so its manifest is not signed.`,
    );
    return true;
  });
}

const proveDatabase = (keys: readonly string[]): Promise<boolean> =>
  withDatabase(async (db) => {
    const checks = await verifyLedger(db, keys);
    tellFirst(firstBadOf(checks));
    return print(checks, 'The ledger is proven.');
  });

function tellFirst(firstBad: string | null): void {
  if (firstBad !== null) console.log(`The first bad entry in ledger order: ${firstBad}.`);
}

function print(checks: readonly Check[], proven: string): boolean {
  for (const check of checks) {
    console.log(`${check.findings.length === 0 ? 'ok  ' : 'FAIL'} ${check.name} (${check.covered})`);
    for (const finding of check.findings) console.log(`     ${finding}`);
  }
  const failed = checks.filter((check) => check.findings.length > 0).length;
  console.log(failed === 0 ? proven : `${failed} checks failed.`);
  return failed === 0;
}

async function withDatabase(
  work: (db: ReturnType<typeof createDatabase>) => Promise<boolean>,
): Promise<boolean> {
  const url = await databaseUrl();
  if (url === null)
    throw new ExpectedFailure('Nothing to verify: start the platform with `npm start`, or set DATABASE_URL.');
  const pool = openPool({ url, applicationName: 'pitboss-verify', connectionsMax: 1, statementTimeoutMs: 0 });
  try {
    return await work(createDatabase(pool));
  } catch (error) {
    throw new ExpectedFailure(
      `The ledger could not be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    await pool.end();
  }
}

async function databaseUrl(): Promise<string | null> {
  if (process.env['DATABASE_URL']) return process.env['DATABASE_URL'];
  const text = await readFile(resolve(home, 'run.json'), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as { postgres: { reader: string } }).postgres.reader;
}

/** Of the environment, or of the development home on this machine. */
async function exportSigner(): Promise<NoteSigner | undefined> {
  const origin = process.env['LEDGER_LOG_ORIGIN'] || 'pitboss.localhost/ledger';
  let key = process.env['LEDGER_SIGNING_KEY'];
  if (!key) {
    const text = await readFile(resolve(home, 'secrets.json'), 'utf8').catch(() => null);
    key = text === null ? undefined : (JSON.parse(text) as { ledgerSigningKey?: string }).ledgerSigningKey;
  }
  return key ? createNoteSigner(origin, Buffer.from(key, 'base64')) : undefined;
}

/** What the caller gave; without it the key of this machine's own platform, which signs what it exports. */
async function trustedKeys(given: readonly string[], isExport: boolean): Promise<string[]> {
  const named = [...given, ...(process.env['LEDGER_PUBLIC_KEY'] ? [process.env['LEDGER_PUBLIC_KEY']] : [])];
  if (named.length === 0) {
    // Another database may be somebody else's platform: there the keys that it names are used.
    if (process.env['DATABASE_URL'] && !isExport) return [];
    const own = await exportSigner();
    return own === undefined ? [] : [own.vkey];
  }
  const keys = await Promise.all(
    named.map(async (key) =>
      existsSync(fromCaller(key)) ? (await readFile(fromCaller(key), 'utf8')).split('\n') : [key],
    ),
  );
  return keys
    .flat()
    .map((key) => key.trim())
    .filter((key) => key !== '');
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof ExpectedFailure ? error.message : error);
  process.exitCode = 1;
}
