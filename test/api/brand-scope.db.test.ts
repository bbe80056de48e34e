/**
 * Every GET of staff, found in the OpenAPI document: an operator of one brand is shown nothing of another one. Wherever a
 * question to the database finds no row that would name a brand, a row of a foreign brand is put into its place, so
 * each address "exists" elsewhere: the route must then answer 404, or have asked the database for the operator's brands only.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '#db/connect.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { brandless } from './brandless-reads.ts';
import { addressOf, operationsOf, type OpenApiDocument, type Operation } from './openapi-operations.ts';

const mine = 'brand-of-this-operator';
const theirs = 'brand-of-somebody-else';

let database: TestDatabase;
let app: TestApi;
let token: string;
let reads: readonly Operation[];
/** Since the last request: whether a statement carried the operator's own brand, and whether a foreign row was put in. */
let isScopeAsked = false;
let isForeignRowGiven = false;

/** Addresses whose samples from the document do not fit their own rules. */
const spelled: Readonly<Record<string, string>> = {
  getKpis: '/admin/v1/kpis?from=2026-01-01&to=2026-01-02&brand=any&asset=EUR',
  listRuleVersions: '/admin/v1/rule-sets/payments.deposit-routing/versions?brand=any',
  readReconciliationDay: '/admin/v1/reconciliation/alpha/2026-01-31',
};

beforeAll(async () => {
  database = await createTestDatabase();
  const probed = createDatabase(probing(database.pool));
  app = await createTestApi(database, { db: probed, playDb: probed });
  token = await app.signInAs(['admin'], [mine]);
  const { body } = await app.send('GET', '/openapi.json');
  reads = operationsOf(body as unknown as OpenApiDocument).filter(
    ({ method, path }) => method === 'GET' && path.startsWith('/admin/'),
  );
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** The pool, seen through by the test. */
function probing(pool: pg.Pool): pg.Pool {
  const connect = async () => {
    const client = await pool.connect();
    return new Proxy(client, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'query')
          return async (question: pg.QueryConfig) => {
            const result = await target.query(question);
            return withForeignRow(result, (question.values ?? []).flat(3).map(String).includes(mine));
          };
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return new Proxy(pool, {
    get: (target, name) => {
      if (name === 'connect') return connect;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function withForeignRow(result: pg.QueryResult, isScoped: boolean): pg.QueryResult {
  if (isScoped) isScopeAsked = true;
  if (isScoped || result.rows.length > 0 || !result.fields.some(({ name }) => name === 'brand'))
    return result;
  const row = Object.fromEntries(
    result.fields.map(({ name, dataTypeID }) => [name, name === 'brand' ? theirs : plausible(dataTypeID)]),
  );
  isForeignRowGiven = true;
  return { ...result, rows: [row], rowCount: 1 };
}

/** By the type's number in PostgreSQL; what is not here is null. */
const plausible = (type: number): unknown =>
  new Map<number, unknown>([
    [16, false],
    [17, Buffer.alloc(32)],
    [20, 1n],
    [23, 1],
    [25, 'a text'],
    [114, {}],
    [1184, new Date(0)],
    [1700, '1'],
    [2950, '00000000-0000-4000-8000-000000000000'],
    [3802, {}],
  ]).get(type) ?? null;

/** Where the caller names the brand, he names the one that is not his. */
function ofForeignBrand(address: string): string {
  const url = new URL(address, 'http://pitboss.test');
  if (url.searchParams.has('brand')) url.searchParams.set('brand', theirs);
  return `${url.pathname}${url.search}`;
}

test('of each list and each row staff are shown what is of their brands, or the address stands here with its reason', async () => {
  expect(reads.length).toBeGreaterThan(70);
  const open: string[] = [];
  for (const read of reads.filter(({ id }) => !brandless.has(id))) {
    isScopeAsked = false;
    isForeignRowGiven = false;
    const address = ofForeignBrand(spelled[read.id] ?? addressOf(read));
    const { status, text } = await app.send('GET', address, undefined, { token });
    // He holds every permission, so a 403 is about brands; a 404 counts where there was something to hide.
    const isRefused = status === 403 || (status === 404 && (isForeignRowGiven || address.includes(theirs)));
    const isKept = isRefused || (isScopeAsked && !text.includes(theirs));
    if (!isKept) open.push(`${read.id} ${read.path}: ${status} ${text.slice(0, 160)}`);
  }
  expect(open).toEqual([]);
});

test('the list of exceptions names only addresses that are there', () => {
  const known = new Set(reads.map(({ id }) => id));
  expect([...brandless.keys()].filter((id) => !known.has(id))).toEqual([]);
});

test('a route that forgets the brand is seen', async () => {
  const { rows } = await withProbe('select brand, id from pam.player where id = $1', [
    '00000000-0000-4000-8000-000000000001',
  ]);
  expect(rows).toEqual([{ brand: theirs, id: '00000000-0000-4000-8000-000000000000' }]);
  expect(isScopeAsked).toBe(false);
  await withProbe('select brand from pam.player where brand = any($1)', [[mine]]);
  expect(isScopeAsked).toBe(true);
});

async function withProbe(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
  isScopeAsked = false;
  const client = await probing(database.pool).connect();
  try {
    return await client.query({ text, values: [...values] });
  } finally {
    client.release();
  }
}
