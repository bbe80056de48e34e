import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '#workers/secret.ts';
import { forbiddenCalls, readStatement } from './embedded/statement.ts';
import { startAnalyticsServer, type AnalyticsServer } from './server.ts';

const password = 'p&ss w/rd+1';
const log = { level: ClickHouseLogLevel.OFF };
const dir = mkdtempSync(join(tmpdir(), 'pitboss-analytics-'));
let server: AnalyticsServer;
let client: ReturnType<typeof createClient>;

beforeAll(async () => {
  server = await startAnalyticsServer({
    port: 0,
    user: 'default',
    password: new Secret(password),
    dir: join(dir, 'clickhouse'),
  });
  client = createClient({ log, url: server.url, password, database: 'bets' });
  const root = createClient({ log, url: server.url, password });
  await root.command({ query: 'CREATE DATABASE IF NOT EXISTS bets' });
  await root.close();
  await client.command({
    query: `CREATE TABLE rounds (id UInt64, player String, stake Decimal(38, 12), at DateTime64(3, 'UTC'))
            ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000`,
  });
});

afterAll(async () => {
  await client.close();
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const count = async () => {
  const answer = await client.query({
    query: 'SELECT count() AS n FROM rounds',
    format: 'JSONEachRow',
  });
  const [row] = await answer.json<{ n: string | number }>();
  return Number(row?.n);
};

const post = (query: string, search = '') =>
  fetch(`${server.url}/?${search}`, {
    method: 'POST',
    body: query,
    headers: { 'x-clickhouse-user': 'default', 'x-clickhouse-key': password },
  });

describe('the official client', () => {
  test('pings, inserts rows and reads them with bound parameters', async () => {
    expect(await client.ping()).toEqual({ success: true });
    const inserted = await client.insert({
      table: 'rounds',
      values: [
        { id: 1, player: "o'brien; DROP TABLE rounds", stake: '0.000000000001', at: 1_700_000_000_123 },
        { id: 2, player: 'tab\there\\', stake: '90071992547409931.5', at: 1_700_000_000_124 },
      ],
      format: 'JSONEachRow',
    });
    expect(inserted.summary?.written_rows).toBe('2');
    const answer = await client.query({
      query:
        'SELECT id, player, toString(stake) AS stake FROM rounds WHERE player IN {players: Array(String)} AND player != {other: String} ORDER BY id',
      query_params: { players: ["o'brien; DROP TABLE rounds", 'tab\there\\'], other: 'x\ny' },
      format: 'JSONEachRow',
    });
    expect(await answer.json()).toMatchObject([
      { player: "o'brien; DROP TABLE rounds", stake: '0.000000000001' },
      { player: 'tab\there\\', stake: '90071992547409931.5' },
    ]);
  });

  test('null, map and identifier parameters arrive as they were sent', async () => {
    const answer = await client.query({
      query:
        'SELECT {nothing: Nullable(String)} AS nothing, {words: Map(String, UInt8)} AS words, count() > 0 AS some FROM {table: Identifier}',
      query_params: { nothing: null, words: { a: 1 }, table: 'rounds' },
      format: 'JSONEachRow',
    });
    expect(await answer.json()).toMatchObject([{ nothing: null, words: { a: 1 } }]);
  });

  test('the same deduplication token counts once, another one again', async () => {
    const before = await count();
    const block = (token: string) =>
      client.insert({
        table: 'rounds',
        values: [{ id: 100, player: 'twice', stake: '1', at: 0 }],
        columns: ['id', 'player', 'stake', 'at'],
        format: 'JSONEachRow',
        clickhouse_settings: { insert_deduplicate: 1, insert_deduplication_token: token },
      });
    await block("0:1..1'");
    await block("0:1..1'");
    expect(await count()).toBe(before + 1);
    await block('0:2..2');
    expect(await count()).toBe(before + 2);
  });

  test('errors carry their ClickHouse code and kind', async () => {
    await expect(client.query({ query: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
      code: '60',
      type: 'UNKNOWN_TABLE',
    });
    await expect(
      client.insert({ table: 'rounds', values: [{ id: 'seven' }], format: 'JSONEachRow' }),
    ).rejects.toMatchObject({ code: '27' });
    await expect(client.query({ query: 'SELECT {missing: String}' })).rejects.toMatchObject({ code: '456' });
  });

  test('a wrong password is refused with code 516', async () => {
    const stranger = createClient({ log, url: server.url, password: 'guess' });
    await expect(stranger.query({ query: 'SELECT 1' })).rejects.toMatchObject({ code: '516' });
    await stranger.close();
    expect((await fetch(`${server.url}/?query=SELECT+1`)).status).toBe(401);
  });

  test('compressed requests and answers', async () => {
    const compact = createClient({
      log,
      url: server.url,
      password,
      database: 'bets',
      compression: { request: true, response: true },
    });
    const before = await count();
    const values = Array.from({ length: 2_000 }, (_, id) => ({
      id: 1_000 + id,
      player: 'many',
      stake: '1',
      at: 0,
    }));
    await compact.insert({ table: 'rounds', values, format: 'JSONEachRow' });
    expect(await count()).toBe(before + 2_000);
    const answer = await compact.query({ query: 'SELECT id FROM rounds', format: 'JSONEachRow' });
    expect((await answer.json()).length).toBe(before + 2_000);
    await compact.close();
  });

  test('twenty parameterised queries at once do not mix their values', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, value) => {
        const answer = await client.query({
          query: 'SELECT {value: UInt32} AS value, sleep(0.01)',
          query_params: { value },
          format: 'JSONEachRow',
        });
        return (await answer.json<{ value: number }>())[0]?.value;
      }),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, value) => value));
  });
});

describe('the HTTP interface', () => {
  test('takes credentials from basic authorization and from the address', async () => {
    const basic = Buffer.from(`default:${password}`).toString('base64');
    const byHeader = await fetch(`${server.url}/?query=SELECT%201`, {
      headers: { authorization: `Basic ${basic}` },
    });
    expect(await byHeader.text()).toBe('1\n');
    const byAddress = await fetch(
      `${server.url}/?${new URLSearchParams({ user: 'default', password, query: 'SELECT 2', default_format: 'JSONCompact' }).toString()}`,
    );
    expect(byAddress.headers.get('x-clickhouse-format')).toBe('JSONCompact');
    expect(await byAddress.json()).toMatchObject({ data: [[2]] });
  });

  test('answers with query id and summary, and gzips when asked', async () => {
    const answer = await post('SELECT number FROM numbers(1000)', 'query_id=mine');
    expect(answer.headers.get('x-clickhouse-query-id')).toBe('mine');
    expect(JSON.parse(answer.headers.get('x-clickhouse-summary') ?? '{}')).toMatchObject({
      read_rows: '1000',
    });
    const packed = await fetch(`${server.url}/?enable_http_compression=1`, {
      method: 'POST',
      body: gzipSync('SELECT 3'),
      headers: { 'x-clickhouse-key': password, 'content-encoding': 'gzip', 'accept-encoding': 'gzip' },
    });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    // fetch has unpacked it already.
    expect(await packed.text()).toBe('3\n');
    expect(gunzipSync(gzipSync('x')).toString()).toBe('x');
  });

  test('an insert with its data in the same body', async () => {
    const before = await count();
    const answer = await post(
      'INSERT INTO bets.rounds (id, player) FORMAT JSONEachRow\n{"id":7,"player":"a\\n; SELECT 1"}\n',
    );
    expect(answer.status).toBe(200);
    expect((await post("INSERT INTO bets.rounds (id, player) VALUES (8, 'b;')")).status).toBe(200);
    expect(await count()).toBe(before + 2);
  });

  test('data of an insert cannot turn into a statement', async () => {
    const before = await count();
    const answer = await post(
      'INSERT INTO bets.rounds (id) FORMAT JSONEachRow\n{"id":9}\n;DROP TABLE bets.rounds;\n',
    );
    expect(answer.status).toBe(500);
    expect(await count()).toBe(before);
  });

  test('a GET changes nothing', async () => {
    const answer = await fetch(
      `${server.url}/?${new URLSearchParams({ password, query: 'DROP TABLE bets.rounds' }).toString()}`,
    );
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('164');
  });

  test.each([
    ['two statements', 'SELECT 1; SELECT 2', 62],
    ['a second statement behind a comment', 'SELECT 1 /* ; */ -- \n; DROP TABLE x', 62],
    ['a host file', "SELECT * FROM file('/etc/hostname', 'LineAsString')", 497],
    ['a host file by a quoted function', "SELECT * FROM `file`/**/('/etc/hostname')", 497],
    ['a host file by a scalar function', "SELECT FILE('/etc/hostname')", 497],
    ['a file named as a table', "SELECT * FROM '/etc/hostname'", 497],
    ['a file named as a quoted table', 'SELECT * FROM `/etc/passwd.csv`', 497],
    ['an address', "SELECT * FROM url('http://127.0.0.1/', 'CSV')", 497],
    ['another database', "SELECT * FROM postgresql('h', 'd', 't', 'u', 'p')", 497],
    ['a command', "SELECT * FROM executable('id', 'TSV', 'x String')", 497],
    ['a file by engine', "CREATE TABLE f (a String) ENGINE = File(CSV, '/tmp/x')", 497],
    ['an engine without brackets', 'CREATE TABLE f (a String) ENGINE Executable', 497],
    ['a file to write', "SELECT 1 INTO OUTFILE '/tmp/x'", 497],
    ['a file to insert', "INSERT INTO rounds FROM INFILE '/etc/passwd' FORMAT CSV", 497],
    ['a shutdown', 'SYSTEM SHUTDOWN', 497],
    ['a session setting', 'SET max_threads = 1', 497],
    [
      'a disk of its own',
      "CREATE TABLE f (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '/tmp/')",
      497,
    ],
    ['Unicode quotes', 'SELECT ‘x’', 62],
    ['an open comment', 'SELECT 1 /* ', 62],
    ['an open quote', "SELECT 'x", 62],
  ])('refuses %s', async (_name, query, code) => {
    const answer = await post(query);
    expect([answer.headers.get('x-clickhouse-exception-code'), answer.ok]).toEqual([String(code), false]);
  });

  test('a file cannot be reached through an identifier parameter or the default database', async () => {
    const identifier = await post(
      'SELECT * FROM {t: Identifier}',
      new URLSearchParams({ param_t: '/etc/hostname' }).toString(),
    );
    expect(identifier.headers.get('x-clickhouse-exception-code')).toBe('497');
    const named = await post('SELECT * FROM default.`LICENSE`');
    expect(named.headers.get('x-clickhouse-exception-code')).toBe('497');
    const qualified = await post(
      'SELECT * FROM {d: Identifier}.{t: Identifier}',
      new URLSearchParams({ param_d: 'default', param_t: '/etc/passwd' }).toString(),
    );
    expect(qualified.ok).toBe(false);
    expect(await qualified.text()).not.toContain('root:');
  });

  test('settings beyond the list are named in the refusal', async () => {
    const answer = await post('SELECT 1', 'format_schema=/etc/passwd');
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('format_schema');
  });
});

describe('readStatement', () => {
  const forbidden = forbiddenCalls(['file', 'numbers']);

  test('keeps what only looks like a second statement or a call', () => {
    for (const sql of [
      "SELECT 'a;b', $$;$$ -- ;",
      'SELECT file FROM t',
      'SELECT number FROM numbers(3);',
      "SELECT 'it''s; \\' ;'",
    ])
      expect(readStatement(sql, forbidden).kind).toBe('read');
  });

  test('finds the FORMAT of a read and the target of an insert', () => {
    expect(readStatement('SELECT 1 FORMAT JSON', forbidden).format).toBe('JSON');
    expect(readStatement('INSERT INTO d.`t` (`a`, b) FORMAT CSV\n1;2', forbidden).insert).toMatchObject({
      table: 'd.t',
      columns: ['a', 'b'],
      format: 'CSV',
      dataFrom: 38,
    });
    expect(readStatement('INSERT INTO t SELECT * FROM u', forbidden).kind).toBe('write');
  });
});
