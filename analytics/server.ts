/**
 * The embedded default for ClickHouse: the one process that owns chDB and speaks ClickHouse HTTP, so that
 * everybody else uses an ordinary client and a real server is a change of address.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigFailure } from '#workers/config-failure.ts';
import { loadAnalyticsConfig, type AnalyticsConfig } from '#workers/config.ts';
import { openEngine } from './embedded/engine.ts';
import { createClickHouseServer } from './embedded/http.ts';

export interface AnalyticsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Longer than the execution limit of a query would keep a stop waiting for nothing. */
const drainTimeoutMs = 10_000;

export async function startAnalyticsServer(config: AnalyticsConfig): Promise<AnalyticsServer> {
  const engine = await openEngine(config.dir);
  const server = createClickHouseServer(engine, {
    user: config.user,
    password: config.password.reveal(),
  });
  await listen(server, config.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await closeServer(server);
      await engine.close();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

async function main(): Promise<void> {
  const running = await startAnalyticsServer(loadAnalyticsConfig());
  process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'analytics listens', url: running.url })}\n`);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      running.close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${startFailure(error)}\n`);
    process.exit(1);
  });
}

function startFailure(error: unknown): string {
  if (error instanceof ConfigFailure) return error.problems.join('\n');
  const { message, code } = error as { message?: string; code?: string };
  if (code === 'EADDRINUSE') return 'The port of the analytics server is taken.';
  if (code === 'ERR_MODULE_NOT_FOUND')
    return 'chdb is not installed: set CLICKHOUSE_URL to a ClickHouse server instead.';
  if (message?.includes('Cannot lock file') === true)
    return 'The analytics data is in use by another process.';
  return `The analytics server could not start: ${message ?? String(error)}`;
}
