/** The embedded ClickHouse as a process of its own on a free port, for tests of what the analysts see. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { programPath } from '#platform/joined-programs.ts';
import { freePort } from './ports.ts';
import { answersOk, startProcess, type TestProcess } from './processes.ts';

export type TestClickHouse = {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Without a database, since the loader makes its own. */
  readonly client: ClickHouseClient;
  /** Of the server's process, to kill and start again. */
  readonly process: TestProcess;
  /** Starts the server again on the same data, after `process.kill9()`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

export type ClickHouseAccount = { readonly user: string; readonly password: string };

/** Ready when it answers; its data is removed by `stop`. */
export async function startClickHouse(
  { user, password }: ClickHouseAccount = { user: 'default', password: randomBytes(12).toString('hex') },
): Promise<TestClickHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-test-clickhouse-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = () =>
    startProcess({
      args: [programPath('analytics/server.ts')],
      env: {
        CLICKHOUSE_PORT: String(port),
        CLICKHOUSE_USER: user,
        CLICKHOUSE_PASSWORD: password,
        CLICKHOUSE_DIR: join(folder, 'data'),
      },
      isReady: () => answersOk(`${url}/ping`),
      readyTimeoutMs: 60_000,
    });
  let running = await start();
  const client = createClient({ url, username: user, password, request_timeout: 15_000 });
  return {
    url,
    user,
    password,
    client,
    get process() {
      return running;
    },
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await client.close();
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
