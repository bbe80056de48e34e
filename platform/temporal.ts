/** The embedded Temporal: one development server over a SQLite file, and the names it must know before work starts. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, type ConnectionLike } from '@temporalio/client';
import { BringUpFailure } from './bring-up-failure.ts';
import type { TemporalBinary } from './temporal-binary.ts';

export interface TemporalLaunch {
  readonly command: string;
  readonly args: readonly string[];
}

export interface TemporalPlace {
  readonly dir: string;
  readonly port: number;
  readonly uiPort: number;
  readonly metricsPort: number;
  readonly namespace: string;
  /** Lets the UI show payloads that the codec has sealed. */
  readonly codecEndpoint: string;
}

/** Searchable in the UI; every value is a keyword, amounts included, since money travels as text. */
export const searchAttributes = ['PlayerId', 'Brand', 'Jurisdiction', 'Stage', 'Amount', 'Asset'] as const;

const retentionDays = 30;
/** IndexedValueType of the Temporal API; the enum lives in a package we do not depend on. */
const keywordType = 2;
const alreadyExists = 6;
const notFound = 5;

export function prepareTemporal(binary: TemporalBinary, place: TemporalPlace): TemporalLaunch {
  mkdirSync(place.dir, { recursive: true });
  const database = join(place.dir, 'temporal.db');
  setOldDatabaseAside(place.dir, database, binary.serverVersion);
  const args = ['server', 'start-dev', '--ip', '127.0.0.1'];
  args.push('--port', String(place.port), '--ui-port', String(place.uiPort));
  args.push('--metrics-port', String(place.metricsPort), '--db-filename', database);
  // Write-ahead logging: a kill -9 loses nothing, and not every state change waits for the disk.
  for (const pragma of ['journal_mode=wal', 'synchronous=normal', 'busy_timeout=5000'])
    args.push('--sqlite-pragma', pragma);
  args.push('--namespace', place.namespace, '--log-level', 'warn');
  for (const name of searchAttributes) args.push('--search-attribute', `${name}=Keyword`);
  args.push('--ui-codec-endpoint', place.codecEndpoint);
  return { command: binary.path, args };
}

export async function isTemporalReady(address: string, namespace: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: 2_000 });
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}

/** Brings a server given by address to where the embedded one starts; safe to repeat. */
export async function registerSearchAttributes(connection: ConnectionLike, namespace: string): Promise<void> {
  await ensureNamespace(connection, namespace);
  const known = await knownAttributes(connection, namespace);
  const missing = searchAttributes.filter((name) => !known.has(name));
  if (missing.length === 0) return;
  await connection.operatorService
    .addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keywordType])),
    })
    .catch(unlessCode(alreadyExists));
}

/** Used when TEMPORAL_ADDRESS names a server that is not ours. */
export async function registerAt(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 10_000 }).catch(() => {
    throw new BringUpFailure(`TEMPORAL_ADDRESS is ${address}, but no Temporal server answers there.`);
  });
  try {
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
}

async function ensureNamespace(connection: ConnectionLike, namespace: string): Promise<void> {
  if (await namespaceExists(connection, namespace)) return;
  await connection.workflowService
    .registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: (retentionDays * 86_400) as never },
    })
    .catch(unlessCode(alreadyExists));
  // Every service of the server keeps its own copy of the namespace list for some seconds.
  const deadline = Date.now() + 30_000;
  while (!(await namespaceExists(connection, namespace))) {
    if (Date.now() > deadline)
      throw new BringUpFailure(`Temporal did not show the namespace ${namespace} after 30 s.`);
    await delay(250);
  }
}

async function namespaceExists(connection: ConnectionLike, namespace: string): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch (error) {
    unlessCode(notFound)(error);
    return false;
  }
}

async function knownAttributes(connection: ConnectionLike, namespace: string): Promise<ReadonlySet<string>> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace,
      });
      return new Set(Object.keys(customAttributes ?? {}));
    } catch (error) {
      // A namespace made a moment ago is not yet known to the operator service.
      if (Date.now() > deadline) throw error;
      unlessCode(notFound)(error);
      await delay(250);
    }
  }
}

function unlessCode(expected: number): (error: unknown) => void {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === expected) return;
    throw error;
  };
}

/**
 * The server writes its schema only into a new file and never migrates an old one. The database rows are the
 * truth, so a changed server begins a new history and the old file is kept beside it.
 */
function setOldDatabaseAside(dir: string, database: string, serverVersion: string): void {
  const versionFile = join(dir, 'server-version');
  const before = existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim() : undefined;
  if (before !== undefined && before !== serverVersion && existsSync(database)) {
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(database + suffix))
        renameSync(database + suffix, join(dir, `temporal-${before}-${stamp}.db${suffix}`));
    }
  }
  writeFileSync(versionFile, `${serverVersion}\n`);
}
