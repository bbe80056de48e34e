/** Opens PostgreSQL pools with the deadlines that keep one slow query from taking a process down. */
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { isPlanOutdated, preparing, whatComesOften } from './prepared-statements.ts';
import type { DB } from './schema.generated.ts';

export type Database = Kysely<DB>;
export type Trx = Transaction<DB>;

export type PoolOptions = {
  readonly url: string;
  /** Shown in pg_stat_activity, so that a lock can be traced to its process. */
  readonly applicationName: string;
  readonly connectionsMax: number;
  readonly statementTimeoutMs?: number;
  /** Statements of one connection are sent without waiting for those before them (`pipelines.ts`). */
  readonly pipeline?: boolean;
  /**
   * Rows are looked for through indexes whatever PostgreSQL believes about the size of a table: a plan that was made while
   * it was empty would read all of it, at every bet, until somebody has counted its rows.
   */
  readonly byIndex?: boolean;
};

/** Opens a pool. Bigints arrive as bigint and numerics as text: neither passes through a float. */
export function openPool(options: PoolOptions): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeoutMs,
    lock_timeout: Math.min(2_000, statementTimeoutMs),
    idle_in_transaction_session_timeout: 5_000,
    // Zero means no limit for both of them.
    query_timeout: statementTimeoutMs === 0 ? 0 : statementTimeoutMs + 2_000,
    keepAlive: true,
    pipeline: options.pipeline ?? false,
    ...(options.byIndex === true ? { options: '-c enable_seqscan=off' } : null),
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  });
  return outlivingConnections(pool);
}

/**
 * The pool, which from now on hears its connections break: an event nobody hears would end the process. The statement that
 * waits, or the next one, reports the error to someone who can answer. The pool itself hears a connection only while
 * nobody has it, so one that breaks between two statements of a transaction is heard, too.
 */
export function outlivingConnections(pool: pg.Pool): pg.Pool {
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const parseBigint = (text: string): bigint => BigInt(text);

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (format === 'binary') return pg.types.getTypeParser(oid, 'binary') as (value: string) => unknown;
  if (oid === pg.types.builtins.INT8) return parseBigint;
  return pg.types.getTypeParser(oid, 'text') as (value: string) => unknown;
}

/** Wraps a pool in Kysely with camel-cased names; what is asked often is prepared. */
export function createDatabase(pool: pg.Pool, prepared = whatComesOften): Database {
  return new Kysely<DB>({
    dialect: new PostgresDialect({ pool: preparing(pool, prepared) }),
    plugins: [new CamelCasePlugin()],
  });
}

const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  // The name server is away, or the container that had the name.
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  // A server that only reads: the address leads to a standby, as it does while a failover is under way.
  '25006',
  '25P03',
  '25P04',
  '55P03',
  '40001',
  '40P01',
]);

/** Classes of SQLSTATE: connection, resources (disk, memory, connections), operator intervention, system error. */
const unavailableClasses = new Set(['08', '53', '57', '58']);

/** True when an error says that the database is away or busy, so that a retry can succeed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (isPlanOutdated(error)) return true;
  if (typeof code === 'string' && (unavailableCodes.has(code) || isOfUnavailableClass(code))) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/.test(
    error.message,
  );
}

const isOfUnavailableClass = (code: string): boolean =>
  /^[0-9A-Z]{5}$/.test(code) && unavailableClasses.has(code.slice(0, 2));
