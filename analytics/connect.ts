/** Opens the ClickHouse client; the embedded engine and a real server are told apart by the address alone. */
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Config } from '#workers/config.ts';
import { fail, FailureError } from '#domain/failures.ts';

export type ClickHouseOptions = {
  /** Reports may take longer than the relay's inserts. */
  readonly requestTimeoutMs?: number;
  /** Migrations run before the database exists. */
  readonly withoutDatabase?: boolean;
};

export function createClickHouse(config: Pick<Config, 'clickhouse'>, options: ClickHouseOptions = {}): ClickHouseClient {
  return createClient({
    url: config.clickhouse.url,
    username: config.clickhouse.user,
    password: config.clickhouse.password.reveal(),
    ...(options.withoutDatabase ? {} : { database: config.clickhouse.database }),
    application: 'pitboss',
    request_timeout: options.requestTimeoutMs ?? 10_000,
    max_open_connections: 8,
    keep_alive: { enabled: true, idle_socket_ttl: 2_000 },
    log: { LoggerClass: SilentLogger },
  });
}

const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']);

/** True when ClickHouse is away or too slow, as against a query that it refuses. */
export function isClickHouseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && networkCodes.has(error.code)) return true;
  return /Timeout error|socket hang up|stream.*closed/i.test(error.message);
}

/** Runs a read and answers an absent ClickHouse as `dependency-unavailable`. */
export async function orUnavailable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isClickHouseUnavailable(error)) throw error;
    throw new FailureError(
      fail('dependency-unavailable', 'ClickHouse does not answer right now; reports come back with it.', {
        retryAfterS: 5,
      }).failure,
    );
  }
}

/** Errors reach our own log through those who call; the client's would print queries. */
class SilentLogger {
  trace(): void {}
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
