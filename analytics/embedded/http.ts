/** ClickHouse's HTTP interface over the embedded engine, as far as its clients need it. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Engine, EngineAnswer } from './engine.ts';
import { readSettings, type RequestSettings } from './request-settings.ts';
import { RefusedQuery } from './sql-tokens.ts';
import { checkIdentifiers, forbiddenCalls, readStatement, type Statement } from './statement.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

interface Answered {
  readonly format: string;
  readonly engine: EngineAnswer;
}

const bodyBytesMax = 256 * 1024 * 1024;
const binaryFormat = /^(?:Native|RowBinary|Arrow|Parquet|ORC|Avro|MsgPack|Protobuf|CapnProto|Npy|BSON)/i;
const statusByCode: Readonly<Record<number, number>> = {
  36: 400,
  60: 404,
  62: 400,
  73: 400,
  81: 404,
  115: 400,
  202: 503,
  452: 400,
  456: 400,
  457: 400,
  497: 403,
  516: 401,
};

export function createClickHouseServer(engine: Engine, credentials: Credentials): Server {
  const forbidden = forbiddenCalls(engine.tableFunctions);
  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => sendError(response, error, engine.version));
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (url.pathname === '/ping' || url.pathname === '/healthz') return sendText(response, 'Ok.\n');
    if (url.pathname === '/readyz') return sendReadiness(response, engine);
    if (url.pathname !== '/') throw new HttpRefusal(404, `There is no handler for ${url.pathname}.`);
    if (request.method !== 'GET' && request.method !== 'POST') throw new HttpRefusal(405, 'Use GET or POST.');
    authenticate(request, url, credentials);
    const settings = readSettings(url);
    const queryId = settings.queryId ?? randomUUID();
    response.setHeader('x-clickhouse-query-id', queryId.replaceAll(/[^\x20-\x7E]/g, '?'));
    const body = await readBody(request);
    if (settings.query === '' && body.length === 0) return sendText(response, 'Ok.\n');
    const answered = await run(settings, body, request.method === 'GET');
    await sendAnswer(request, response, settings, answered);
  }

  async function run(settings: RequestSettings, body: Buffer, readOnly: boolean): Promise<Answered> {
    const { text, statement } = locate(settings.query, body);
    checkIdentifiers(statement, settings.parameters);
    if (readOnly && statement.kind !== 'read')
      throw new RefusedQuery(164, 'READONLY', 'Cannot execute query in readonly mode: use POST.');
    if (statement.insert !== undefined)
      return {
        format: 'TabSeparated',
        engine: await engine.insert({
          ...settings,
          ...statement.insert,
          data: insertData(settings.query, text, statement.insert.dataFrom, body),
        }),
      };
    const format = statement.format ?? settings.defaultFormat;
    const kind = statement.kind === 'read' ? 'read' : 'write';
    return { format, engine: await engine.run({ ...settings, kind, sql: statement.sql, format }) };
  }

  /** With a query in the URL the body is data, or the rest of the query, as ClickHouse has it. */
  function locate(query: string, body: Buffer): { text: string; statement: Statement } {
    if (query === '') {
      const text = body.toString('utf8');
      return { text, statement: readStatement(text, forbidden) };
    }
    const statement = readStatement(query, forbidden);
    if (statement.insert !== undefined || body.length === 0) return { text: query, statement };
    const whole = `${query}\n${body.toString('utf8')}`;
    return { text: whole, statement: readStatement(whole, forbidden) };
  }
}

function insertData(query: string, text: string, dataFrom: number, body: Buffer): Buffer {
  const inQuery = Buffer.from(text.slice(dataFrom), 'utf8');
  return query === '' ? inQuery : Buffer.concat([inQuery, body]);
}

class HttpRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Headers, basic authorization or URL parameters, whichever the client uses; compared in constant time. */
function authenticate(request: IncomingMessage, url: URL, expected: Credentials): void {
  const given = credentialsOf(request, url);
  const userFits = sameText(given.user, expected.user);
  const passwordFits = sameText(given.password, expected.password);
  if (!(userFits && passwordFits))
    throw new RefusedQuery(
      516,
      'AUTHENTICATION_FAILED',
      'Authentication failed: password is incorrect, or there is no user with such name.',
    );
}

function credentialsOf(request: IncomingMessage, url: URL): Credentials {
  const { authorization } = request.headers;
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization ?? '')?.[1];
  if (basic !== undefined) {
    const [user = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':');
    return { user, password: rest.join(':') };
  }
  const header = (name: string) => request.headers[name]?.toString();
  return {
    user: header('x-clickhouse-user') ?? url.searchParams.get('user') ?? 'default',
    password: header('x-clickhouse-key') ?? url.searchParams.get('password') ?? '',
  };
}

function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new HttpRefusal(413, 'The request body is too large.');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity' || body.length === 0) return body;
  if (encoding !== 'gzip')
    throw new HttpRefusal(415, `Content encoding ${encoding} is not offered; use gzip.`);
  return promisify(gunzip)(body, { maxOutputLength: bodyBytesMax }).catch(() => {
    throw new HttpRefusal(400, 'The gzip body cannot be read.');
  });
}

async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  settings: RequestSettings,
  { format, engine }: Answered,
): Promise<void> {
  response.setHeader('x-clickhouse-format', format);
  response.setHeader('x-clickhouse-timezone', 'UTC');
  response.setHeader('x-clickhouse-summary', summary(engine));
  response.setHeader('content-type', contentType(format));
  const wantsGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (settings.compressResponse && wantsGzip && engine.bytes.length > 0) {
    response.setHeader('content-encoding', 'gzip');
    response.end(await promisify(gzip)(engine.bytes));
    return;
  }
  response.end(engine.bytes);
}

function summary(engine: EngineAnswer): string {
  return JSON.stringify({
    read_rows: String(engine.readRows),
    read_bytes: String(engine.readBytes),
    written_rows: String(engine.writtenRows),
    written_bytes: String(engine.writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(engine.writtenRows),
    result_bytes: String(engine.bytes.length),
    elapsed_ns: String(engine.elapsedNs),
  });
}

function contentType(format: string): string {
  if (/^JSON(?:Compact|Strings|ColumnsWithMetadata)?(?:$|Strings$)/.test(format))
    return 'application/json; charset=UTF-8';
  if (/^JSON.*EachRow/.test(format)) return 'application/x-ndjson; charset=UTF-8';
  if (format.startsWith('CSV')) return 'text/csv; charset=UTF-8; header=absent';
  if (binaryFormat.test(format)) return 'application/octet-stream';
  return 'text/tab-separated-values; charset=UTF-8';
}

async function sendReadiness(response: ServerResponse, engine: Engine): Promise<void> {
  const probe = {
    kind: 'read',
    database: 'system',
    preparation: [],
    sql: 'SELECT 1',
    format: 'TSV',
  } as const;
  const ready = await engine.run(probe).then(
    () => true,
    () => false,
  );
  response.statusCode = ready ? 200 : 503;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ready, dependencies: { chdb: ready ? 'up' : 'down' } }));
}

function sendText(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'text/plain; charset=UTF-8');
  response.end(text);
}

function sendError(response: ServerResponse, error: unknown, version: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.setHeader('content-type', 'text/plain; charset=UTF-8');
  if (error instanceof HttpRefusal) {
    response.statusCode = error.status;
    response.end(`${error.message}\n`);
    return;
  }
  const { code, message } = describe(error);
  response.statusCode = statusByCode[code] ?? 500;
  if (code === 516) response.setHeader('www-authenticate', 'Basic realm="ClickHouse"');
  if (code === 202) response.setHeader('retry-after', '1');
  response.setHeader('x-clickhouse-exception-code', String(code));
  response.end(`${message} (version ${version})\n`);
}

function describe(error: unknown): { code: number; message: string } {
  if (error instanceof RefusedQuery)
    return {
      code: error.code,
      message: `Code: ${error.code}. DB::Exception: ${error.message} (${error.type})`,
    };
  const message = error instanceof Error ? error.message : String(error);
  const code = Number(/Code: (\d+)\./.exec(message)?.[1] ?? 1002);
  if (code !== 1002) return { code, message: message.slice(message.indexOf('Code: ')) };
  return { code, message: `Code: 1002. DB::Exception: ${message} (UNKNOWN_EXCEPTION)` };
}
