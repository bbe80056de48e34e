/**
 * The embedded PostgreSQL 18. The binaries are started by us and not by the npm wrapper around them: the
 * wrapper cannot run a copy from another folder, ties the server to pipes of this process, and hides why
 * a start failed.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { BringUpFailure } from './bring-up-failure.ts';
import { databaseAccount, mayEnter, standInFolder, type DatabaseAccount } from './database-account.ts';
import { logSince, sizeBytes, withLog } from './log-file.ts';
import { locatePostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { commandOf, isAlive, signalQuietly, waitForExit } from './process-identity.ts';

export interface PostgresOptions {
  /** Where the data should live; a folder the database account cannot enter is replaced by one it can. */
  readonly dir: string;
  readonly port: number;
  readonly password: string;
  readonly user?: string;
  readonly database?: string;
  readonly logFile?: string;
  /** `none` is for throw-away test servers only: a crash may lose everything. */
  readonly durability?: 'full' | 'none';
  /** By name, on top of those of every server of ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  readonly url: string;
  readonly pid: number;
  /** Where the data really is. */
  readonly dataDir: string;
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** All that is needed to start the server, again and again, by whoever watches over it. */
export interface PostgresLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly account: DatabaseAccount | undefined;
  readonly dataDir: string;
  readonly logFile: string;
  readonly url: string;
}

const majorVersion = '18';

/**
 * Of a server whose data ends with the run. Nobody recovers or copies it, so its log is the shortest; nobody fills it so
 * that it would need a vacuum, for which a launcher looks into each of the databases of a test run in turn; and to make a
 * guessed password slow would cost a thousand connections more than what most of them ask.
 */
const throwAway = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
  scram_iterations: '1',
};
const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const launch = await preparePostgres(options);
  const logFrom = sizeBytes(launch.logFile);
  const child = withLog(launch.logFile, (log) =>
    spawn(launch.command, launch.args, {
      detached: true,
      stdio: ['ignore', log, log],
      ...launch.account,
    }),
  );
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new BringUpFailure(`PostgreSQL could not be started from ${launch.command}.`);
  try {
    await waitForPostgres(launch, pid, logFrom);
    await ensureDatabase(launch.url);
  } catch (error) {
    await stopPostmaster(pid, 'fast');
    throw error;
  }
  return {
    url: launch.url,
    pid,
    dataDir: launch.dataDir,
    stop: (mode = 'fast') => stopPostmaster(pid, mode),
  };
}

/** Creates the data directory on first use and clears what a killed predecessor left running. */
export async function preparePostgres(options: PostgresOptions): Promise<PostgresLaunch> {
  const usual = databaseAccount();
  const dataDir = dataDirFor(usual, options.dir);
  const account = ownerOf(dataDir, usual);
  const binaries = locatePostgresBinaries(account);
  const user = options.user ?? 'pitboss';
  const durability = options.durability ?? 'full';
  await stopLeftover(dataDir);
  if (!existsSync(join(dataDir, 'PG_VERSION')))
    await initialise(binaries, account, { dataDir, user, password: options.password, durability });
  refuseOtherVersion(dataDir);
  return {
    command: binaries.postgres,
    args: ['-D', dataDir, '-p', String(options.port), ...settings(durability, options.settings)],
    account,
    dataDir,
    logFile: options.logFile ?? `${resolve(options.dir)}.log`,
    url: `postgres://${user}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${options.database ?? 'pitboss'}`,
  };
}

export async function waitForPostgres(
  launch: PostgresLaunch,
  pid: number,
  logFromBytes: number,
): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (!isReady(launch.dataDir, pid)) {
    if (!isAlive(pid))
      throw new BringUpFailure('PostgreSQL ended while starting.', logSince(launch.logFile, logFromBytes));
    if (Date.now() > deadline)
      throw new BringUpFailure(
        `PostgreSQL was not ready after ${startTimeoutMs / 1000} s.`,
        logSince(launch.logFile, logFromBytes),
      );
    await delay(20);
  }
}

export async function ensureDatabase(url: string): Promise<void> {
  const target = new URL(url);
  const name = target.pathname.slice(1);
  target.pathname = '/postgres';
  const client = new pg.Client({ connectionString: target.href });
  // A server that ends meanwhile is told by the question that waits; as an event nobody hears it would end this process.
  client.on('error', () => {});
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '28P01')
      throw new BringUpFailure(
        'The embedded PostgreSQL refuses our password: secrets.json in the home folder does not belong to its data; bring the old file back, or remove the home folder to begin anew.',
      );
    throw error;
  } finally {
    await client.end();
  }
}

/** Fast: open transactions are rolled back and everything is written. Immediate: as if the power went. */
export async function stopPostmaster(pid: number, mode: 'fast' | 'immediate'): Promise<void> {
  signalQuietly(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  if (await waitForExit(pid, stopTimeoutMs)) return;
  signalQuietly(pid, 'SIGQUIT');
  if (await waitForExit(pid, 5_000)) return;
  signalQuietly(pid, 'SIGKILL');
  await waitForExit(pid, 5_000);
}

function settings(durability: 'full' | 'none', more: Readonly<Record<string, string>> = {}): string[] {
  const values: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    wal_level: 'logical',
    max_connections: '200',
    shared_buffers: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const perDurability: Record<string, string> =
    durability === 'full' ? { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } : throwAway;
  return Object.entries({ ...values, ...perDurability, ...more }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
}

function dataDirFor(account: DatabaseAccount | undefined, dir: string): string {
  const wanted = resolve(dir);
  mkdirSync(dirname(wanted), { recursive: true });
  return mayEnter(account, wanted) ? wanted : standInFolder(wanted);
}

/** PostgreSQL serves only the owner of the data: root takes over a folder that an ordinary user began. */
function ownerOf(dataDir: string, usual: DatabaseAccount | undefined): DatabaseAccount | undefined {
  const stat = statSync(dataDir, { throwIfNoEntry: false });
  const own = usual?.uid ?? process.getuid?.();
  if (stat === undefined || stat.uid === own) return usual;
  if (usual !== undefined && stat.uid !== 0) return { uid: stat.uid, gid: stat.gid };
  if (usual !== undefined) return usual;
  throw new BringUpFailure(
    `The database in ${dataDir} belongs to another user: start as that user, or choose another PITBOSS_HOME.`,
  );
}

/**
 * Texts in the order of their bytes, compared by PostgreSQL itself: the C library's own comparison gives the same order at
 * several times the price, and ids of providers are texts.
 */
const clusterArgs = [
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C.UTF-8',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
];

/** Built beside its place and moved there when complete, so that a killed initdb leaves nothing half done. */
async function initialise(
  binaries: PostgresBinaries,
  account: DatabaseAccount | undefined,
  cluster: { dataDir: string; user: string; password: string; durability: 'full' | 'none' },
): Promise<void> {
  const draft = `${cluster.dataDir}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  chmodSync(draft, 0o700);
  const passwordFile = join(tmpdir(), `pitboss-${randomBytes(9).toString('hex')}`);
  writeFileSync(passwordFile, cluster.password, { mode: 0o600, flag: 'wx' });
  try {
    if (account !== undefined) {
      chownSync(draft, account.uid, account.gid);
      chownSync(passwordFile, account.uid, account.gid);
    }
    const args = ['-D', draft, '-U', cluster.user, `--pwfile=${passwordFile}`];
    args.push(...clusterArgs, '--no-instructions');
    if (cluster.durability === 'none')
      args.push('--no-sync', '--set', `scram_iterations=${throwAway.scram_iterations}`);
    await promisify(execFile)(binaries.initdb, args, { cwd: '/', ...account });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new BringUpFailure(
      'PostgreSQL could not create its data directory.',
      output.trim().split('\n').slice(-8),
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  rmSync(cluster.dataDir, { recursive: true, force: true });
  renameSync(draft, cluster.dataDir);
}

function refuseOtherVersion(dataDir: string): void {
  const version = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim();
  if (version !== majorVersion)
    throw new BringUpFailure(
      `The data in ${dataDir} was made by PostgreSQL ${version}, but this checkout runs ${majorVersion}: move it with pg_upgrade, or choose another PITBOSS_HOME.`,
    );
}

/** After a kill -9 of the supervisor the server may still run; its port and data are needed now. */
async function stopLeftover(dataDir: string): Promise<void> {
  const pid = Number(postmasterFile(dataDir)?.[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if (isAlive(pid) && isPostmasterOf(pid, dataDir)) await stopPostmaster(pid, 'fast');
  // A reused process id makes PostgreSQL believe that another server owns its data.
  if (!(isAlive(pid) && isPostmasterOf(pid, dataDir)))
    rmSync(join(dataDir, 'postmaster.pid'), { force: true });
}

function isPostmasterOf(pid: number, dataDir: string): boolean {
  const command = commandOf(pid);
  return command.includes('postgres') && command.includes(dataDir);
}

/** Line 8 of postmaster.pid turns to "ready" when connections are accepted; pg_ctl waits for the same. */
function isReady(dataDir: string, pid: number): boolean {
  const lines = postmasterFile(dataDir);
  return Number(lines?.[0]) === pid && lines?.[7]?.trim() === 'ready';
}

function postmasterFile(dataDir: string): string[] | undefined {
  try {
    return readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
}
