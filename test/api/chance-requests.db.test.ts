/** Requests by chance to every route as every kind of caller: no answer is a fault of ours or unknown to the document, and reads change nothing. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { roleNames } from '#domain/backoffice/roles.ts';
import { failureCodes } from '#domain/failures.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createBookWorld } from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer } from '#test/support/factories.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { makePlayer as makePayingPlayer } from '#test/workflows/payment-world.ts';
import {
  operationsOf,
  resolve,
  type JsonSchema,
  type OpenApiDocument,
  type Operation,
} from './openapi-operations.ts';
import { requestOf, type MadeRequest } from './request-arbitraries.ts';

/** A seed of the environment repeats a run that failed. */
const seed = Number(process.env['CHANCE_SEED'] ?? randomInt(2 ** 31));
/** Every operation gets one request per round. */
const roundsMax = Number(process.env['CHANCE_ROUNDS'] ?? 12);
const timeMaxMs = Number(process.env['CHANCE_TIME_MS'] ?? 20_000);

let database: TestDatabase;
let app: TestApi;
let document: OpenApiDocument;
let operations: readonly Operation[];

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  document = (await app.send('GET', '/openapi.json')).body as unknown as OpenApiDocument;
  operations = operationsOf(document);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** Tokens to choose from, by who is meant to come. */
type Callers = {
  readonly player: readonly string[];
  readonly operator: readonly string[];
  readonly none: readonly string[];
};

async function playerWithMoney(): Promise<string> {
  const playerId = await makePayingPlayer(database.db);
  await makeDeposit(database.db, { id: playerId, brand: 'aurora', jurisdiction: 'MT', currency: 'EUR' });
  return playerId;
}

/** Two players with money, one who may do little, one whose session is over, and staff of every role. */
async function freshCallers(staff: readonly string[]): Promise<Callers> {
  const rich = await openTestSession(database, { playerId: await playerWithMoney() });
  const other = await openTestSession(database, { playerId: await playerWithMoney() });
  const poor = await openTestSession(database, { playerId: (await makePlayer(database.db)).id });
  const gone = await makePlayer(database.db);
  const expired = await openTestSession(database, { playerId: gone.id });
  await database.ownerPool.query(
    `update pam.session set expires_at = now() - interval '1 second', idle_expires_at = now() - interval '1 second' where player_id = $1`,
    [gone.id],
  );
  const [admin = ''] = staff;
  return {
    player: [rich, rich, rich, rich, other, other, poor, expired, admin, ''],
    operator: [admin, admin, admin, admin, admin, ...staff, rich, ''],
    none: ['', '', rich, admin],
  };
}

/** What answers held, by the name of the member, so that later requests name things that are there. */
function createMemory() {
  const byName = new Map<string, Set<string>>();
  const add = (name: string, value: string) => {
    const known = byName.get(name) ?? new Set();
    if (known.size < 60 && value.length <= 200) byName.set(name, known.add(value));
  };
  const note = (operation: Operation, value: unknown, name = ''): void => {
    if (typeof value === 'string' && name !== '') {
      add(name, value);
      if (name === 'id') add(`${withoutSide(operation.path)}/{id}`, value);
    } else if (Array.isArray(value)) for (const item of value) note(operation, item, name);
    else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) note(operation, item, key);
  };
  const of = (name: string): readonly string[] => [...(byName.get(name) ?? [])];
  const seen = (operation: Operation, name: string): readonly string[] => {
    if (name === 'after') return of('next');
    if (name !== 'id') return of(name);
    const place = withoutSide(operation.path).split('/{id}')[0] ?? '';
    const noun = place.slice(place.lastIndexOf('/') + 1).replace(/s$/, '');
    return [...of(`${place}/{id}`), ...of(`${noun}Id`)];
  };
  return { note, seen };
}

/** Staff and players name the same things. */
const withoutSide = (path: string): string => path.replace(/^\/admin/, '');

/** What says how we are made inside and is nobody's business. */
const insides =
  /node_modules|\.ts:\d+|\bat \S+ \(|syntax error at|relation "|column "|duplicate key value|invalid input syntax|violates|select .{1,200} from |insert into |ECONNREFUSED|127\.0\.0\.1/i;

const schemas = new Map<string, z.ZodType>();
function schemaOf(operation: Operation, status: number, type: string): z.ZodType | undefined {
  const key = `${operation.id} ${status} ${type}`;
  const known = schemas.get(key);
  if (known) return known;
  const content = operation.responses[String(status)]?.content as
    | Readonly<Record<string, { readonly schema: JsonSchema }>>
    | undefined;
  const schema = content?.[type]?.schema;
  if (schema === undefined) return undefined;
  const made = z.fromJSONSchema(resolve(document, schema) as z.core.JSONSchema.JSONSchema);
  schemas.set(key, made);
  return made;
}

/** What is wrong with an answer, whatever was asked. */
function breachesOf(operation: Operation, answer: Answer): readonly string[] {
  const { status, headers, text, body } = answer;
  const documented = operation.responses[String(status)];
  if (documented === undefined) return [`status ${status} is not documented: ${text.slice(0, 300)}`];
  const found: string[] = [];
  const [type = ''] = (headers.get('content-type') ?? '').split(';');
  const schema = schemaOf(operation, status, type);
  if (schema === undefined && text !== '')
    found.push(`content of type ${type} is not documented under ${status}`);
  if (schema !== undefined) {
    const parsed = schema.safeParse(type.endsWith('json') ? JSON.parse(text) : text);
    if (!parsed.success)
      found.push(
        `the body of ${status} does not fit: ${z.prettifyError(parsed.error)} in ${text.slice(0, 300)}`,
      );
  }
  if (status < 400) return found;
  if (status >= 500 && !(status === 503 && /^\d+$/.test(headers.get('retry-after') ?? '')))
    found.push(`status ${status} ${text}`);
  if (type !== 'application/problem+json') found.push(`an error of type ${type}`);
  if (!failureCodes.some((code) => code === body['code'])) found.push(`code ${String(body['code'])}`);
  else if (!documented.description.split(', ').includes(String(body['code'])))
    found.push(`code ${String(body['code'])} is not documented under ${status}`);
  const [inside] = insides.exec(String(body['detail'])) ?? [];
  if (inside !== undefined) found.push(`tells of its inside: ${inside}`);
  return found;
}

/** What a read may leave behind: that a session is alive, and that somebody looked at personal data. */
const writtenByReads: Readonly<Record<string, string>> = {
  'pam.session': 'false',
  'backoffice.session': 'false',
  'compliance.outbox': `type <> 'pam.personal-data.revealed'`,
  'compliance.audit': `action <> 'pam.personal-data.revealed'`,
};

/** Row versions of every table: any insert, update or delete gives another text. */
async function statesOfTables(): Promise<Record<string, string>> {
  const tables = await database.ownerPool.query<{ name: string }>(
    `select table_schema || '.' || quote_ident(table_name) as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE' order by 1`,
  );
  const states = tables.rows.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' ' || coalesce(sum(hashtext(xmin::text || ctid::text)::bigint), 0) as state
       from ${name} where ${writtenByReads[name] ?? 'true'}`,
  );
  const { rows } = await database.ownerPool.query<{ name: string; state: string }>(
    states.join(' union all '),
  );
  return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
}

test(
  `whatever is sent, every answer is documented, none is our fault, and reads change nothing (CHANCE_SEED=${seed})`,
  async () => {
    const memory = createMemory();
    const staff: string[] = [await app.signInAs(['admin'])];
    for (const role of roleNames) staff.push(await app.signInAs([role]));
    const book = createBookWorld(database);
    const breaches = new Map<string, string>();
    const arbitraries = new Map<string, fc.Arbitrary<MadeRequest>>();
    const statuses = new Map<string, number>();
    const answered = new Map<string, Set<number>>();
    const startedMs = performance.now();
    let round = 0;
    let sent = 0;

    async function ask(operation: Operation, callers: Callers): Promise<void> {
      const arbitrary = arbitraries.get(operation.id) ?? requestOf(operation, memory.seen);
      arbitraries.set(operation.id, arbitrary);
      const tokens = callers[operation.guard];
      const made = fc.sample(fc.tuple(arbitrary, fc.nat()), { numRuns: 1, seed: seed + sent });
      sent += 1;
      for (const [request, whose] of made)
        await send(operation, request, tokens[whose % tokens.length] ?? '');
    }

    async function send(operation: Operation, request: MadeRequest, token: string): Promise<void> {
      const answer = await app.send(operation.method, request.path, request.body, {
        token,
        headers: request.headers,
      });
      if (answer.status < 300 && answer.text.startsWith('{')) memory.note(operation, answer.body);
      statuses.set(String(answer.status), (statuses.get(String(answer.status)) ?? 0) + 1);
      answered.set(operation.id, (answered.get(operation.id) ?? new Set()).add(answer.status));
      for (const breach of breachesOf(operation, answer))
        breaches.set(
          `${operation.id}: ${breach.slice(0, 120)}`,
          `${breach}\n    ${lineOf(operation, request)}`,
        );
    }

    const reads = operations.filter(({ method }) => method === 'GET');
    // Who signs out is nobody for the rest of the round.
    const ends = operations.filter(({ id }) => id.endsWith('Session') && !/^(open|launch)/.test(id));
    const changes = operations.filter((one) => one.method !== 'GET' && !ends.includes(one));
    for (; round < roundsMax && (round < 1 || performance.now() - startedMs < timeMaxMs); round += 1) {
      const callers = await freshCallers(staff);
      await book.makeMarket();
      for (const operation of changes) await ask(operation, callers);
      const before = await statesOfTables();
      for (const operation of reads) await ask(operation, callers);
      const after = await statesOfTables();
      for (const [table, state] of Object.entries(after))
        if (before[table] !== state) breaches.set(`reads of ${table}`, `a read changed ${table}`);
      for (const operation of ends) await ask(operation, callers);
      staff[0] = await app.signInAs(['admin']);
    }
    const checks = await verifyLedger(database.db);
    const never = operations.filter(
      ({ id }) => ![...(answered.get(id) ?? [])].some((status) => status < 300),
    );
    if (process.env['CHANCE_REPORT'])
      process.stderr.write(
        `${round} rounds, ${sent} requests in ${Math.round(performance.now() - startedMs)} ms: ${JSON.stringify(Object.fromEntries(statuses))}\nnever done: ${never.map(({ id }) => id).join(' ')}\n`,
      );
    expect([...breaches.values()]).toEqual([]);
    expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  },
  Number(process.env['CHANCE_TIMEOUT'] ?? 120_000),
);

const lineOf = (operation: Operation, { path, headers, body, spoilt }: MadeRequest): string =>
  `${operation.method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${body?.slice(0, 600) ?? ''} (${spoilt})`;
