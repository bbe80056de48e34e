/**
 * Every POST, PUT, PATCH and DELETE of staff, found in the OpenAPI document: an operator of one brand changes nothing of
 * another one and is told no more than of what is not there, and what concerns all brands is not his to say. An operation without a case in `foreign-writes.ts` fails here.
 * That a refusal is about the brand, and its thing is there, is shown by the staff of that brand, who get further.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '#db/connect.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { brandlessWrites, foreignWrites, writesForAllBrands, type ForeignWrite } from './foreign-writes.ts';
import {
  addressOf,
  operationsOf,
  sampleOf,
  type OpenApiDocument,
  type Operation,
} from './openapi-operations.ts';
import { makeThings, mine, theirs, type Things } from './things-of-brands.ts';

let database: TestDatabase;
let app: TestApi;
let things: Things;
let writes: readonly Operation[];
/** For the question about every row, which may take its time on a busy machine. */
let observer: pg.Pool;
let question: string;
let tokens: { readonly mine: string; readonly theirs: string; readonly all: string };

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  things = await makeThings(database, app);
  observer = openPool({
    url: database.url,
    applicationName: 'pitboss-test-observer',
    connectionsMax: 1,
    statementTimeoutMs: 60_000,
  });
  question = await questionOfEverything();
  tokens = {
    mine: await app.signInAs(['admin'], [mine]),
    theirs: await app.signInAs(['admin'], [theirs]),
    all: await app.signInAs(['admin']),
  };
  const { body } = await app.send('GET', '/openapi.json');
  writes = operationsOf(body as unknown as OpenApiDocument).filter(
    ({ method, path }) => method !== 'GET' && path.startsWith('/admin/'),
  );
}, 240_000);
afterAll(async () => {
  await app?.close();
  await observer?.end();
  await database?.drop();
});

/** One question about every row of the platform, but for when sessions were last used. */
async function questionOfEverything(): Promise<string> {
  const { rows } = await observer.query<{ name: string }>(
    `select relnamespace::regnamespace || '.' || quote_ident(relname) as name from pg_class
     where relkind = 'r' and relnamespace in (select oid from pg_namespace
       where nspname !~ '^pg_' and nspname not in ('information_schema', 'public'))`,
  );
  return rows
    .filter(({ name }) => name !== 'backoffice.session')
    .map(
      ({ name }) =>
        `select '${name}' as name, count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) as content from ${name} t`,
    )
    .join(' union all ');
}

async function everything(): Promise<ReadonlyMap<string, string>> {
  const { rows } = await observer.query<{ name: string; content: string }>({
    name: 'everything',
    text: question,
  });
  return new Map(rows.map(({ name, content }) => [name, content]));
}

const differing = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] =>
  [...after].flatMap(([name, content]) => (before.get(name) === content ? [] : [name]));

async function send(operation: Operation, { address, body }: ForeignWrite, token: string): Promise<Answer> {
  const sample =
    operation.body === null
      ? undefined
      : { ...Object(sampleOf(operation.body)), ...wordsOf(operation), ...body };
  return app.send(operation.method, addressOf(operation, address), sample, { token, key: randomUUID() });
}

/** Members in which staff only say why. */
const wordsOf = ({ body }: Operation): object =>
  Object.fromEntries(
    ['reason', 'note'].flatMap((name) =>
      body?.required?.includes(name) === true ? [[name, 'as it was agreed with them']] : [],
    ),
  );

/** The same call with names of theirs that nobody has. */
function aboutNothing(call: ForeignWrite): ForeignWrite {
  const unknown = (name: string) => (/^[0-9a-f-]{36}$/.test(name) ? randomUUID() : 'of-nobody');
  const names = Object.entries(things).filter(([kind]) => !kind.startsWith('my') && kind !== 'game');
  return [...names.map(([, name]) => name), theirs].reduce<ForeignWrite>(
    (said, name) =>
      JSON.parse(JSON.stringify(said).replaceAll(`"${name}"`, `"${unknown(name)}"`)) as ForeignWrite,
    call,
  );
}

const told = ({ status, body }: Answer): string =>
  `${status} ${String(body['code'])}: ${String(body['detail'])}`;

const isRefused = ({ status }: Answer): boolean => status === 403 || status === 404;
/** The call was understood and its thing found: it succeeds, or is refused for the state of the thing. */
const isFurther = ({ status, body }: Answer): boolean =>
  [200, 201, 202, 204, 409, 422, 503].includes(status) || (status === 400 && body['errors'] === undefined);
const wordOf = (operation: Operation, what: string, answer: Answer): string =>
  `${operation.id}, ${what}: ${answer.status} ${answer.text.slice(0, 300)}`;

test('every operation of staff that writes is tried on what is another brand’s, or belongs to no brand', () => {
  const known = new Set([
    ...Object.keys(foreignWrites(things)),
    ...Object.keys(writesForAllBrands(things)),
    ...brandlessWrites.keys(),
  ]);
  const there = writes.map(({ id }) => id);
  expect(there.length).toBeGreaterThan(70);
  expect(there.filter((id) => !known.has(id))).toEqual([]);
  expect([...known].filter((id) => !there.includes(id))).toEqual([]);
});

/** Every call of the operations that have one, in the order of the document. */
const callsOf = (cases: Readonly<Record<string, readonly ForeignWrite[]>>) =>
  writes.flatMap((operation) => (cases[operation.id] ?? []).map((call) => ({ operation, call })));

test('staff of one brand are refused what is another brand’s, and nothing changes', async () => {
  const wrong: string[] = [];
  const calls = callsOf(foreignWrites(things));
  const before = await everything();
  for (const { operation, call } of calls) {
    const answer = await send(operation, call, tokens.mine);
    if (!isRefused(answer)) wrong.push(wordOf(operation, 'somebody of another brand', answer));
    const ofNothing = await send(operation, aboutNothing(call), tokens.mine);
    if (told(answer) !== told(ofNothing))
      wrong.push(`${operation.id} tells what is there: ${told(answer)}; of nothing: ${told(ofNothing)}`);
  }
  for (const table of differing(before, await everything())) wrong.push(`something changes ${table}`);
  for (const { operation, call } of calls.filter((one) => one.call.isMixed !== true)) {
    const own = await send(operation, call, tokens.theirs);
    if (!isFurther(own)) wrong.push(wordOf(operation, 'their own staff', own));
  }
  expect(wrong).toEqual([]);
}, 120_000);

test('staff of one brand are refused what concerns all brands, and nothing changes', async () => {
  const wrong: string[] = [];
  const calls = callsOf(writesForAllBrands(things));
  const before = await everything();
  for (const { operation, call } of calls)
    for (const token of [tokens.mine, tokens.theirs]) {
      const answer = await send(operation, call, token);
      if (answer.status !== 403) wrong.push(wordOf(operation, 'somebody of one brand', answer));
    }
  for (const table of differing(before, await everything())) wrong.push(`something changes ${table}`);
  for (const { operation, call } of calls) {
    const own = await send(operation, call, tokens.all);
    if (!isFurther(own)) wrong.push(wordOf(operation, 'staff of all brands', own));
  }
  expect(wrong).toEqual([]);
}, 120_000);

test('a change of any row is seen', async () => {
  const before = await everything();
  await database.ownerPool.query('update pam.brand_config set config = config where false');
  expect(differing(before, await everything())).toEqual([]);
  await app.send(
    'POST',
    `/admin/v1/players/${things.player}/lock`,
    { reason: 'a test' },
    { token: tokens.all },
  );
  expect(differing(before, await everything())).toContain('pam.player');
});
