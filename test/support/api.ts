/** The whole HTTP application over a test database, seeded as a platform is, with nobody behind Temporal or ClickHouse. */
import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { createClickHouse } from '#analytics/connect.ts';
import { createApi, type ServedApi } from '#api/app.ts';
import type { ApiDeps } from '#api/context.ts';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { createWalletWriter } from '#activities/wallet/writer.ts';
import { putOperator } from '#activities/backoffice/operators.ts';
import type { RoleName } from '#domain/backoffice/roles.ts';
import { createPipelines } from '#db/pipelines.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { loadConfig } from '#workers/config.ts';
import { createMetrics } from '#workers/metrics.ts';
import { seed } from '#workers/seed.ts';
import type { TestDatabase } from './database.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
};
export type RequestOptions = {
  readonly token?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type TestApi = {
  readonly api: ServedApi;
  readonly deps: ApiDeps;
  /** Sends JSON as a client would; `token` goes into the bearer header, `key` is the idempotency key. */
  send(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>;
  /** Makes an operator with the roles and answers with the bearer token of a session. */
  signInAs(roles: readonly RoleName[], brands?: readonly string[]): Promise<string>;
  /** The operator whom such a token belongs to. */
  operatorOf(token: string): string;
  close(): Promise<void>;
};

/** Seeds the database and opens the application on it; `changes` replace single dependencies. */
export async function createTestApi(
  database: TestDatabase,
  changes: Partial<ApiDeps> = {},
): Promise<TestApi> {
  const key = () => randomBytes(32).toString('base64');
  const config = loadConfig({
    PITBOSS_MODE: 'test',
    DATABASE_WRITER_URL: database.writerUrl,
    DATABASE_READER_URL: database.readerUrl,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    CLICKHOUSE_URL: 'http://nobody:nobody@127.0.0.1:1',
    KEY_ENCRYPTION_KEY: key(),
    BLIND_INDEX_KEY: key(),
    PAYLOAD_CODEC_KEY: key(),
  });
  await seed(database.db, config);
  const wallet = createWalletWriter({ pool: database.pool, pipelines: createPipelines(database.pool) });
  const reportDb = createDatabase(
    openPool({
      url: database.readerUrl,
      applicationName: 'pitboss-test-reports',
      connectionsMax: 2,
      statementTimeoutMs: 20_000,
    }),
  );
  const deps: ApiDeps = {
    config,
    db: database.db,
    playDb: database.db,
    reportDb,
    wallet,
    gameProviders: new Map(),
    keyRing: createKeyRing({
      kek: config.keys.keyEncryption.reveal(),
      blindIndexKey: config.keys.blindIndex.reveal(),
    }),
    clickhouse: createClickHouse(config, { requestTimeoutMs: 500 }),
    temporal: () =>
      Promise.reject(new FailureError(fail('dependency-unavailable', 'There is no Temporal here.').failure)),
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    ...changes,
  };
  const api = createApi(deps);
  const send: TestApi['send'] = async (method, path, body, options = {}) => {
    const response = await api.request(path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
        ...(options.key ? { 'idempotency-key': options.key } : {}),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parseObject(text) };
  };
  const operators = new Map<string, string>();
  return {
    api,
    deps,
    send,
    signInAs: async (roles, brands = ['*']) => {
      const email = `${randomUUID()}@staff.example`;
      const password = 'a password of staff';
      const id = await putOperator(database.db, { email, name: 'Staff', password, roles, brands });
      const session = await send('POST', '/admin/v1/sessions', { email, password });
      const token = String(session.body['token']);
      operators.set(token, id);
      return token;
    },
    operatorOf: (token) => {
      const id = operators.get(token);
      if (id === undefined) throw new Error('No operator has this token.');
      return id;
    },
    close: async () => {
      await wallet.close();
      await reportDb.destroy();
      await deps.clickhouse.close();
    },
  };
}

/** Empty for what is no JSON object, so that a page or an empty answer can be told by its text. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? { ...value } : {};
  } catch {
    return {};
  }
}
