/** Opens the ClickHouse client; the embedded engine and a real server are told apart by the address alone. */
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Config } from '#workers/config.ts';

export type ClickHouseOptions = {
  /** Reports may take longer than the relay's inserts. */
  readonly requestTimeoutMs?: number;
  /** Migrations run before the database exists. */
  readonly withoutDatabase?: boolean;
};

export function createClickHouse(
  config: Pick<Config, 'clickhouse'>,
  options: ClickHouseOptions = {},
): ClickHouseClient {
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

/** Errors reach our own log through those who call; the client's would print queries. */
class SilentLogger {
  trace(): void {}
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
