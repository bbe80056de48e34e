/** Every route under what careless and hostile callers send: refused in the one error shape, as documented, with nothing written. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createToken } from '#activities/tokens.ts';
import { bodyBytesMax } from '#api/app.ts';
import { failureCodes } from '#domain/failures.ts';
import { mayDo, permissions, roleNames, type Permission } from '#domain/backoffice/roles.ts';
import { createTestApi, type Answer, type RequestOptions, type TestApi } from '#test/support/api.ts';
import { createBookWorld, homeOf, type TestMarket } from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, type TestPlayer } from '#test/support/factories.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { makePlayer as makePayingPlayer } from '#test/workflows/payment-world.ts';
import { keylessPosts } from './keyless-posts.ts';
import {
  addressOf,
  fieldsOf,
  isMoney,
  operationsOf,
  sampleOf,
  withMember,
  type JsonSchema,
  type OpenApiDocument,
  type Operation,
} from './openapi-operations.ts';

let database: TestDatabase;
let app: TestApi;
let operations: readonly Operation[];
let ann: TestPlayer;
let tokens: { ann: string; bob: string; admin: string };

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  operations = operationsOf((await app.send('GET', '/openapi.json')).body as unknown as OpenApiDocument);
  ann = await makePlayer(database.db);
  const bob = await makePlayer(database.db);
  tokens = {
    ann: await openTestSession(database, { playerId: ann.id }),
    bob: await openTestSession(database, { playerId: bob.id }),
    admin: await app.signInAs(['admin']),
  };
  await makeDeposit(database.db, ann);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** Rows of everything that a refused call must leave as it is. */
async function countRows(): Promise<Record<string, string>> {
  const tables = await database.ownerPool.query<{ name: string }>(
    `select table_schema || '.' || quote_ident(table_name) as name from information_schema.tables
     where table_schema in ('wallet', 'payments', 'bonus', 'kyc', 'games', 'responsible_gambling')
     and table_type = 'BASE TABLE' order by 1`,
  );
  const counts = tables.rows.map(
    ({ name }) => `select '${name}' as name, count(*)::text as rows from ${name}`,
  );
  const { rows } = await database.ownerPool.query<{ name: string; rows: string }>(counts.join(' union all '));
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]));
}

const withBody = () => operations.filter(({ body }) => body !== null);
const guarded = () => operations.filter(({ guard }) => guard !== 'none');
const has = (operation: Operation, place: string) => operation.parameters.some((one) => one.in === place);

const authorityFor = (operation: Operation): RequestOptions => ({
  ...(operation.guard === 'none' ? {} : { token: operation.guard === 'player' ? tokens.ann : tokens.admin }),
  ...(has(operation, 'header') ? { key: randomUUID() } : {}),
});

/** What must hold of every answer, whatever was sent. Failures are collected, so that one run names them all. */
const breaches = new Set<string>();
async function probe(
  operation: Operation,
  label: string,
  body?: unknown,
  { address, ...options }: RequestOptions & { address?: string } = {},
): Promise<Answer> {
  const answer = await app.send(operation.method, address ?? addressOf(operation), body, {
    ...authorityFor(operation),
    ...options,
  });
  for (const breach of breachesOf(operation, answer)) breaches.add(`${operation.id}, ${label}: ${breach}`);
  return answer;
}

function breachesOf(operation: Operation, answer: Answer): readonly string[] {
  const { status, headers, body } = answer;
  const found: string[] = [];
  const documented = operation.responses[String(status)];
  if (documented === undefined) found.push(`status ${status} (${String(body['code'])}) is not documented`);
  if (status < 400) return found;
  if (status >= 500 && !(status === 503 && /^\d+$/.test(headers.get('retry-after') ?? '')))
    found.push(`status ${status} ${answer.text}`);
  if (headers.get('content-type') !== 'application/problem+json')
    found.push(`content type ${headers.get('content-type')}`);
  if (!failureCodes.some((code) => code === body['code'])) found.push(`code ${String(body['code'])}`);
  else if (documented && !documented.description.split(', ').includes(String(body['code'])))
    found.push(`code ${String(body['code'])} is not documented under ${status}`);
  if (body['status'] !== status) found.push(`status ${String(body['status'])} in the body of a ${status}`);
  if (body['instance'] !== headers.get('x-request-id') || !body['instance'])
    found.push(`instance ${String(body['instance'])}`);
  return found;
}

/** Adds a breach unless the answer is one of the expected refusals. */
function expectCode(operation: Operation, label: string, answer: Answer, ...codes: string[]): void {
  if (!codes.includes(String(answer.body['code'])))
    breaches.add(
      `${operation.id}, ${label}: answered ${answer.status} ${answer.text.slice(0, 300)}, not ${codes.join(' or ')}`,
    );
}

const pointersOf = (answer: Answer): readonly string[] =>
  Array.isArray(answer.body['errors'])
    ? answer.body['errors'].map(({ pointer }: { pointer: string }) => pointer)
    : [];

describe('refused calls', () => {
  let before: Record<string, string>;
  beforeEach(async () => {
    breaches.clear();
    before = await countRows();
  });
  afterEach(async () => {
    expect([...breaches]).toEqual([]);
    expect(await countRows()).toEqual(before);
  });

  test('the document has the routes of every module, so that the tests below are about something', () => {
    expect(operations.length).toBeGreaterThan(60);
    expect(withBody().length).toBeGreaterThan(15);
    expect(guarded().filter(({ guard }) => guard === 'operator').length).toBeGreaterThan(20);
  });

  test('reads of the back office say that their turn may not come', () => {
    const reads = operations.filter(({ method, path }) => method === 'GET' && path.startsWith('/admin/v1/'));
    expect(reads.length).toBeGreaterThan(20);
    const silent = reads.filter(({ responses }) => !responses['503']?.description.includes('overloaded'));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  test('the document contradicts itself nowhere and speaks regular expressions that others understand', async () => {
    const { text } = await app.send('GET', '/openapi.json');
    const wrong: string[] = [];
    JSON.parse(text, (key, value: unknown) => {
      // Closed objects joined by allOf admit nothing; only a description may stand beside a reference.
      if (key === 'allOf' && /additionalProperties|"type"/.test(JSON.stringify(value)))
        wrong.push(JSON.stringify(value));
      if (key === 'pattern' && (String(value).endsWith('/u') || !isExpression(String(value))))
        wrong.push(String(value));
      return value;
    });
    expect(wrong).toEqual([]);
  });

  test('bodies that are no JSON, of another type, too large or missing', async () => {
    for (const operation of withBody()) {
      const body = sampleOf(operation.body ?? {});
      const spaced = `${JSON.stringify(body)}${' '.repeat(bodyBytesMax)}`;
      const text = { headers: { 'content-type': 'text/plain' } };
      const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' } };
      const cases: [string, unknown, RequestOptions, string][] = [
        ['malformed', '{"money": ', {}, 'malformed-json'],
        ['trailing comma', '{"a": 1,}', {}, 'malformed-json'],
        ['text', JSON.stringify(body), text, 'unsupported-media-type'],
        ['a form', 'a=1', form, 'unsupported-media-type'],
        ['too large', spaced, {}, 'body-too-large'],
        ['empty', '', {}, 'malformed-json'],
      ];
      for (const [label, sent, options, code] of cases)
        expectCode(operation, label, await probe(operation, label, sent, options), code);
      // Where nothing is required, no body is as good as an empty object.
      const missing = await probe(operation, 'missing');
      if (operation.body?.required?.length) expectCode(operation, 'missing', missing, 'invalid-request');
      for (const sent of ['null', '[]', '7', '"text"', 'true', '[[]]', '{"__proto__":{"a":1}}'])
        expectCode(operation, sent, await probe(operation, sent, sent), 'invalid-request');
    }
  });

  test('unknown keys, missing members, wrong types and characters that no text may hold', async () => {
    for (const operation of withBody()) {
      const body = sampleOf(operation.body ?? {});
      const extra = await probe(operation, 'unknown key', withMember(body, ['surprise'], 1));
      expectCode(operation, 'unknown key', extra, 'invalid-request');
      if (!pointersOf(extra).includes('/surprise'))
        breaches.add(`${operation.id}: the unknown key is not named`);
      for (const field of fieldsOf(operation.body ?? {})) {
        const name = field.path.join('.');
        if (field.required) {
          const missing = await probe(operation, `without ${name}`, withMember(body, field.path, undefined));
          expectCode(operation, `without ${name}`, missing, 'invalid-request');
        }
        for (const wrong of wrongValuesOf(field.schema)) {
          const label = `${name} as ${JSON.stringify(wrong).slice(0, 40)}`;
          const answer = await probe(operation, label, withMember(body, field.path, wrong));
          expectCode(operation, label, answer, 'invalid-request');
          if (!pointersOf(answer).some((pointer) => pointer.startsWith(`/${field.path[0]}`)))
            breaches.add(`${operation.id}, ${label}: the member is not named`);
        }
      }
    }
  });

  test('amounts that are negative, nothing, beyond all bounds or finer than money is', async () => {
    const money = withBody().flatMap((operation) =>
      fieldsOf(operation.body ?? {})
        .filter(({ schema }) => isMoney(schema))
        .map((field) => ({ operation, field })),
    );
    expect(money.length).toBeGreaterThanOrEqual(4);
    const refusals: [unknown, ...string[]][] = [
      [{ amount: '-1.00', asset: 'EUR' }, 'amount-not-positive'],
      [{ amount: '0', asset: 'EUR' }, 'amount-not-positive'],
      [{ amount: '0.00', asset: 'EUR' }, 'amount-not-positive'],
      [{ amount: '-0.00', asset: 'EUR' }, 'amount-not-positive'],
      [{ amount: '0.001', asset: 'EUR' }, 'amount-too-precise'],
      [{ amount: '10.000000000000000001', asset: 'EUR' }, 'amount-too-precise'],
      [{ amount: '9'.repeat(26), asset: 'EUR' }, 'amount-too-large'],
      [{ amount: '1', asset: 'XTS' }, 'unknown-asset'],
      ...[
        10,
        '9'.repeat(27),
        '1e3',
        '1,50',
        ' 1.00',
        '+1',
        '.5',
        '1.',
        'NaN',
        'Infinity',
        '0x10',
        '',
        '١',
        '10.00\n',
      ].map((amount): [unknown, string] => [{ amount, asset: 'EUR' }, 'invalid-request']),
      ...['eur', 'EU', '€', 'EUR '].map((asset): [unknown, string] => [
        { amount: '1.00', asset },
        'invalid-request',
      ]),
    ];
    for (const { operation, field } of money) {
      const body = sampleOf(operation.body ?? {});
      for (const [value, ...codes] of refusals) {
        const label = `${field.path.join('.')} ${JSON.stringify(value)}`;
        expectCode(
          operation,
          label,
          await probe(operation, label, withMember(body, field.path, value)),
          ...codes,
        );
      }
    }
  });

  test('nobody passes a guard without a session of the right kind', async () => {
    for (const operation of guarded()) {
      const body = operation.body ? sampleOf(operation.body) : undefined;
      const foreign = operation.guard === 'player' ? tokens.admin : tokens.ann;
      const callers: [string, RequestOptions][] = [
        ['no session', { token: '' }],
        ['a token that nobody was given', { token: createToken() }],
        ['a token in another form', { token: 'x'.repeat(600) }],
        ['a token with odd characters', { headers: { authorization: 'Bearer \u00ff\u00fe' } }],
        ['another scheme', { token: '', headers: { authorization: 'Basic dXNlcjpwYXNz' } }],
        [`the session of ${operation.guard === 'player' ? 'an operator' : 'a player'}`, { token: foreign }],
      ];
      for (const [label, options] of callers) {
        const answer = await probe(operation, label, body, options);
        expectCode(operation, label, answer, 'not-authenticated');
        if (answer.status !== 401) breaches.add(`${operation.id}, ${label}: status ${answer.status}`);
      }
    }
  });

  test('sessions that are over or of a locked account', async () => {
    const gone = await makePlayer(database.db);
    const locked = await makePlayer(database.db);
    const expired = await openTestSession(database, { playerId: gone.id });
    const stopped = await openTestSession(database, { playerId: locked.id });
    await database.ownerPool.query(
      `update pam.session set expires_at = now() - interval '1 second', idle_expires_at = now() - interval '1 second' where player_id = $1`,
      [gone.id],
    );
    await database.ownerPool.query(`update pam.player set status = 'locked' where id = $1`, [locked.id]);
    before = await countRows();
    for (const operation of guarded().filter(({ guard }) => guard === 'player')) {
      const body = operation.body ? sampleOf(operation.body) : undefined;
      expectCode(
        operation,
        'expired',
        await probe(operation, 'expired', body, { token: expired }),
        'session-expired',
      );
      expectCode(
        operation,
        'locked',
        await probe(operation, 'locked', body, { token: stopped }),
        'player-blocked',
      );
    }
  });

  test('every role of staff is refused exactly what it is not granted', async () => {
    const seen = new Set<Permission>();
    for (const role of roleNames) {
      const token = await app.signInAs([role]);
      for (const operation of guarded().filter(({ guard }) => guard === 'operator')) {
        if (operation.id === 'closeOperatorSession') continue;
        // What is missing is refused after the guard and before any effect.
        const body = operation.body ? {} : undefined;
        const answer = await probe(operation, role, body, { token, key: '' });
        const needed = permissions.find((permission) => String(answer.body['detail']).includes(permission));
        if (answer.body['code'] === 'forbidden' && needed === undefined)
          breaches.add(`${operation.id}, ${role}: forbidden without saying which permission is missing`);
        if (needed !== undefined) seen.add(needed);
        if (needed !== undefined && mayDo([role], needed))
          breaches.add(`${operation.id}: ${role} holds ${needed}`);
      }
    }
    // Whatever some role lacks and some route asks for has refused somebody above.
    expect(seen.size).toBeGreaterThan(10);
    const admin = guarded().filter(({ guard, id }) => guard === 'operator' && id !== 'closeOperatorSession');
    const nobody = await app.signInAs(['support']);
    await database.ownerPool.query(`delete from backoffice.operator_role where role = 'support'`);
    const open: string[] = [];
    for (const operation of admin) {
      const answer = await probe(operation, 'no role', operation.body ? {} : undefined, {
        token: nobody,
        key: '',
      });
      if (answer.body['code'] !== 'forbidden') open.push(operation.id);
    }
    expect(open.toSorted()).toEqual(['getOperatorSelf', 'listJurisdictions', 'readJurisdictionVersion']);
  });

  test('path members that are malformed, and bytes that no address may hold', async () => {
    for (const operation of operations.filter((one) => has(one, 'path'))) {
      const body = operation.body ? sampleOf(operation.body) : undefined;
      for (const parameter of operation.parameters.filter((one) => one.in === 'path')) {
        for (const value of [
          '%00',
          'a%00b',
          '%ff',
          "x'%20or%201=1--",
          '..%2f..%2fetc',
          'x'.repeat(2_000),
          '%F0%9F%98%80',
          '%20',
        ]) {
          const label = `${parameter.name} ${value.slice(0, 30)}`;
          const answer = await probe(operation, label, body, {
            address: addressOf(operation, { [parameter.name]: value }),
          });
          if (answer.status < 400 || answer.status >= 500)
            breaches.add(`${operation.id}, ${label}: status ${answer.status}`);
        }
        if (parameter.schema.format !== 'uuid') continue;
        for (const value of ['1', 'undefined', randomUUID().slice(1), `${randomUUID()}x`]) {
          const answer = await probe(operation, value, body, {
            address: addressOf(operation, { [parameter.name]: value }),
          });
          expectCode(operation, `${parameter.name} ${value}`, answer, 'invalid-request');
        }
      }
    }
  });

  test('query strings with unknown keys, limits out of bounds and NUL', async () => {
    for (const operation of operations.filter((one) => has(one, 'query'))) {
      const address = addressOf(operation);
      const joined = `${address}${address.includes('?') ? '&' : '?'}`;
      const isLoose = operation.id === 'returnFromChallenge';
      if (!isLoose) {
        const answer = await probe(operation, 'unknown key', undefined, { address: `${joined}surprise=1` });
        expectCode(operation, 'unknown key', answer, 'invalid-request');
      }
      for (const parameter of operation.parameters.filter((one) => one.in === 'query')) {
        const wrong = parameter.name === 'limit' ? ['0', '201', 'abc', '-1', '1.5', '1e9', ''] : [];
        for (const value of [...wrong, '%00', 'a%00b', 'x'.repeat(3_000)]) {
          const label = `${parameter.name}=${value.slice(0, 20)}`;
          const [path] = address.split('?');
          const others = [...new URLSearchParams(address.split('?')[1] ?? '')].filter(
            ([name]) => name !== parameter.name,
          );
          const query = [
            ...others.map(([name, one]) => `${name}=${encodeURIComponent(one)}`),
            `${parameter.name}=${value}`,
          ];
          const answer = await probe(operation, label, undefined, { address: `${path}?${query.join('&')}` });
          expectCode(operation, label, answer, 'invalid-request');
        }
      }
    }
  });

  test('every POST takes an idempotency key or stands in the list of those that need none, with the reason', () => {
    const posts = operations.filter(({ method }) => method === 'POST');
    expect(unjustified(posts, keylessPosts)).toEqual([]);
    // The rule can fail: a new POST without a word, a word for one that has a key or is gone, and a word that says nothing.
    const [keyed, bare] = [posts.find(takesKey), posts.find((one) => !takesKey(one))];
    if (keyed === undefined || bare === undefined) throw new Error('There is none of each kind.');
    const { [bare.id]: reason, ...others } = keylessPosts;
    expect(reason).toEqual(expect.any(String));
    expect(unjustified(posts, others)).toEqual([`${bare.id} has neither a key nor a reason`]);
    expect(unjustified(posts, { ...keylessPosts, [keyed.id]: 'it was keyless once' })).toEqual([
      `${keyed.id} is listed and takes a key, or is no POST`,
    ]);
    expect(unjustified(posts, { ...keylessPosts, [bare.id]: 'no' })).toEqual([`${bare.id} has no reason`]);
  });

  test('calls that move or reserve without an idempotency key, or with one of another form', async () => {
    const keyed = operations.filter((one) => has(one, 'header'));
    expect(keyed.length).toBeGreaterThanOrEqual(10);
    for (const operation of keyed) {
      const body = operation.body ? sampleOf(operation.body) : undefined;
      expectCode(
        operation,
        'no key',
        await probe(operation, 'no key', body, { key: '' }),
        'idempotency-key-missing',
      );
      for (const key of ['short', 'with space', 'x'.repeat(256)])
        expectCode(
          operation,
          `key ${key.slice(0, 12)}`,
          await probe(operation, 'key', body, { key }),
          'invalid-request',
        );
    }
  });

  test('methods and addresses that do not exist', async () => {
    for (const [method, path] of [
      ['GET', '/v1/nothing'],
      ['PUT', '/v1/deposits'],
      ['PATCH', '/v1/players/me'],
      ['DELETE', '/admin/v1/audit'],
      ['GET', '/v1/deposits/%2e%2e/nothing'],
      ['GET', '/webhooks/psp/alpha'],
      ['POST', '/webhooks/psp/unknown'],
    ] as const) {
      const answer = await app.send(method, path, undefined, { token: tokens.ann });
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        answer.status === 405 ? 405 : 404,
        'application/problem+json',
      ]);
    }
  });
});

describe('what belongs to somebody else', () => {
  let owner: { readonly playerId: string; readonly token: string };
  let stranger: { readonly playerId: string; readonly token: string };
  let instrumentId: string;
  /** Ids of the owner's things, by the address under which players reach them. */
  let things: Readonly<Record<string, string>>;

  const money = (amount: string) => ({ amount, asset: 'EUR' });
  const post = (path: string, body: unknown, token: string, key: string = randomUUID()) =>
    app.send('POST', path, body, { token, key });
  const card = { kind: 'card', tokens: [{ psp: 'alpha', token: 'pm_of_the_owner' }] };
  const depositOf = (amount: string) => ({
    money: money(amount),
    instrument: card,
    returnUrl: 'https://shop.example/',
  });
  const withdrawalOf = (amount: string, id = instrumentId) => ({
    money: money(amount),
    instrument: { instrumentId: id },
  });
  const addCard = (id: string, playerId: string) =>
    database.db
      .insertInto('payments.instrument')
      .values({ id, playerId, psp: 'alpha', kind: 'card', token: 'pm_of_the_owner' })
      .execute();
  let match: TestMarket;
  const betOf = (amount: string) => ({ stake: money(amount), legs: [homeOf(match)] });
  const limitOf = (amount: string) => ({ kind: 'deposit', window: 'day', money: money(amount) });
  const awardOf = (amount: string) => ({
    playerId: owner.playerId,
    money: money(amount),
    wageringTimes: 10,
    days: 7,
    reason: 'a test of what belongs to whom',
  });

  const payingPlayer = async () => {
    const playerId = await makePayingPlayer(database.db);
    return { playerId, token: await openTestSession(database, { playerId }) };
  };
  const idOf = async (table: string): Promise<string> => {
    const { rows } = await database.ownerPool.query<{ id: string }>(
      `select id from ${table} where player_id = $1 order by 1 limit 1`,
      [owner.playerId],
    );
    return rows[0]?.id ?? `no row in ${table}`;
  };

  beforeAll(async () => {
    owner = await payingPlayer();
    stranger = await payingPlayer();
    await makeDeposit(database.db, { ...ann, id: owner.playerId });
    instrumentId = randomUUID();
    await addCard(instrumentId, owner.playerId);
    // Temporal is away, so each of these leaves its row and answers 503.
    await post('/v1/deposits', depositOf('20.00'), owner.token);
    await post('/v1/withdrawals', withdrawalOf('10.00'), owner.token);
    await post('/v1/limits', limitOf('2000.00'), owner.token);
    await post('/admin/v1/awards', awardOf('5.00'), tokens.admin);
    match = await createBookWorld(database).makeMarket();
    await post('/v1/bets', betOf('1.00'), owner.token);
    await database.ownerPool.query(
      `insert into wallet.rate (id, sold_asset, bought_asset, rate, source, quoted_at, expires_at, published_by, fingerprint)
       values (gen_random_uuid(), 'USDT', 'EUR', '0.9', 'desk', now(), now() + interval '1 hour', 'system:test', '\\x00')`,
    );
    await post('/v1/ramp/quotes', { pay: { amount: '10', asset: 'USDT' }, receiveAsset: 'EUR' }, owner.token);
    things = {
      '/v1/deposits/': await idOf('payments.deposit'),
      '/v1/withdrawals/': await idOf('payments.withdrawal'),
      '/v1/kyc/verifications/': await idOf('kyc.verification'),
      '/v1/limit-changes/': await idOf('responsible_gambling.limit_change'),
      '/v1/sessions/': await idOf('pam.session'),
      '/v1/awards/': await idOf('bonus.award'),
      '/v1/bets/': await idOf('games.bet'),
      '/v1/ramp/quotes/': await idOf('payments.ramp_quote'),
    };
  });

  test('is not there for another player, whatever is asked of it', async () => {
    breaches.clear();
    expect(Object.values(things)).toEqual(
      Object.values(things).map(() => expect.stringMatching(/^[0-9a-f-]{36}$/)),
    );
    const before = await countRows();
    const reached = operations.filter(
      ({ guard, parameters }) =>
        guard === 'player' && parameters.some(({ name, in: place }) => place === 'path' && name === 'id'),
    );
    expect(reached.length).toBeGreaterThanOrEqual(8);
    for (const operation of reached) {
      const [, id] = Object.entries(things).find(([prefix]) => operation.path.startsWith(prefix)) ?? [];
      if (id === undefined)
        throw new Error(`Nothing of the owner is known for ${operation.path}: add it above.`);
      const body = operation.body ? sampleOf(operation.body) : undefined;
      const answer = await probe(operation, 'a stranger', body, {
        token: stranger.token,
        address: addressOf(operation, { id }),
      });
      expectCode(operation, 'a stranger', answer, 'not-found');
    }
    const borrowed = await post('/v1/withdrawals', withdrawalOf('1.00'), stranger.token);
    expect(borrowed.body['code']).toBe('payment-method-unavailable');
    expect([...breaches]).toEqual([]);
    expect(await countRows()).toEqual(before);
    const own = await app.send('GET', `/v1/deposits/${things['/v1/deposits/']}`, undefined, {
      token: owner.token,
    });
    expect(own.status).toBe(200);
  });

  test('is not there for staff of another brand, and nobody of another brand is in their lists', async () => {
    breaches.clear();
    const before = await countRows();
    const byPath: [string, string | undefined][] = [
      ['/admin/v1/deposits/', things['/v1/deposits/']],
      ['/admin/v1/withdrawals/', things['/v1/withdrawals/']],
      ['/admin/v1/verifications/', things['/v1/kyc/verifications/']],
      ['/admin/v1/players/', owner.playerId],
      ['/admin/v1/ledger/players/', owner.playerId],
      ['/admin/v1/bets/', things['/v1/bets/']],
    ];
    for (const brands of [['borealis'], []]) {
      const token = await app.signInAs(['admin'], brands);
      for (const operation of operations.filter(({ guard }) => guard === 'operator')) {
        const [, id] = byPath.find(([prefix]) => operation.path.startsWith(`${prefix}{`)) ?? [];
        const body = operation.body ? sampleOf(operation.body) : undefined;
        if (id !== undefined && operation.id !== 'listAssessments') {
          const address = addressOf(operation, { id, playerId: id });
          expectCode(
            operation,
            'staff of another brand',
            await probe(operation, 'staff', body, { token, address }),
            'not-found',
          );
        } else if (operation.method === 'GET' && operation.id !== 'listOperators') {
          const answer = await probe(operation, 'staff of another brand', undefined, { token });
          if (answer.text.includes(owner.playerId))
            breaches.add(`${operation.id} shows a player of another brand`);
        }
      }
      expect((await post('/admin/v1/awards', awardOf('1.00'), token)).body['code']).toBe('not-found');
    }
    expect([...breaches]).toEqual([]);
    expect(await countRows()).toEqual(before);
  });

  test('an idempotency key means one content', async () => {
    const asOwner = owner.token;
    const registration = {
      ...Object(sampleOf(operations.find(({ id }) => id === 'registerPlayer')?.body ?? {})),
      email: `${randomUUID()}@example.org`,
      termsVersion: 1,
    };
    const fresh = await payingPlayer();
    const saver = await payingPlayer();
    await makeDeposit(database.db, { ...ann, id: saver.playerId });
    const savedCard = randomUUID();
    await addCard(savedCard, saver.playerId);
    const decision = Object(
      sampleOf(operations.find(({ id }) => id === 'decideWithdrawal')?.body ?? {}),
    ) as object;
    const pairs: [string, unknown, unknown, string][] = [
      [
        `/admin/v1/withdrawals/${things['/v1/withdrawals/']}/approvals`,
        { ...decision, reason: 'seen' },
        { ...decision, reason: 'seen otherwise' },
        tokens.admin,
      ],
      ['/v1/deposits', depositOf('11.00'), depositOf('12.00'), asOwner],
      ['/v1/withdrawals', withdrawalOf('2.00', savedCard), withdrawalOf('3.00', savedCard), saver.token],
      ['/v1/limits', limitOf('50.00'), limitOf('49.00'), fresh.token],
      ['/v1/bets', betOf('1.00'), betOf('2.00'), saver.token],
      [
        '/v1/exclusions',
        { kind: 'time-out', duration: 'PT24H' },
        { kind: 'time-out', duration: 'P7D' },
        fresh.token,
      ],
      ['/v1/kyc/verifications', { level: 'L2' }, { level: 'L3' }, fresh.token],
      ['/v1/players', registration, { ...registration, firstName: 'Another' }, ''],
      [
        '/admin/v1/awards',
        { ...awardOf('5.00'), playerId: stranger.playerId },
        { ...awardOf('6.00'), playerId: stranger.playerId },
        tokens.admin,
      ],
    ];
    for (const [path, first, other, token] of pairs) {
      const key = randomUUID();
      const begun = await post(path, first, token, key);
      expect([path, begun.status, begun.text]).toEqual([
        path,
        expect.toBeOneOf([200, 201, 503]),
        expect.any(String),
      ]);
      const before = await countRows();
      const repeated = await post(path, first, token, key);
      expect([path, repeated.status]).toEqual([path, begun.status]);
      const reused = await post(path, other, token, key);
      expect([path, reused.status, reused.body['code']]).toEqual([path, 422, 'idempotency-key-reused']);
      expect(await countRows()).toEqual(before);
    }
  });
});

const takesKey = ({ parameters }: Operation): boolean =>
  parameters.some(
    (one) => one.in === 'header' && one.name.toLowerCase() === 'idempotency-key' && one.required === true,
  );

/** What is wrong with `reasons` as the whole list of POSTs without a key. */
function unjustified(
  posts: readonly Operation[],
  reasons: Readonly<Record<string, string>>,
): readonly string[] {
  const keyless = new Set(posts.filter((one) => !takesKey(one)).map(({ id }) => id));
  return [
    ...[...keyless].filter((id) => !(id in reasons)).map((id) => `${id} has neither a key nor a reason`),
    ...Object.keys(reasons)
      .filter((id) => !keyless.has(id))
      .map((id) => `${id} is listed and takes a key, or is no POST`),
    ...Object.entries(reasons)
      .filter(([, reason]) => reason.split(' ').length < 3)
      .map(([id]) => `${id} has no reason`),
  ];
}

const isExpression = (text: string): boolean => {
  try {
    return Boolean(new RegExp(text, 'u'));
  } catch {
    return false;
  }
};

/** Values of other types, and texts with what PostgreSQL and JSON cannot keep. */
function wrongValuesOf(schema: JsonSchema): readonly unknown[] {
  const kinds: Record<string, readonly unknown[]> = {
    string: [7, true, ['x'], { x: 1 }, null, 'a\u0000b', 'a\ud800b'],
    integer: ['7', 1.5, true, null, [], 1e21, -1],
    object: ['text', 7, [], null],
    array: ['text', {}, null, [null]],
  };
  if (schema.type === undefined) {
    const isNullable = schema.anyOf?.some(({ type }) => type === 'null') ?? false;
    return isNullable ? ['\u0000'] : ['\u0000', null];
  }
  return kinds[String(schema.type)] ?? [null];
}
