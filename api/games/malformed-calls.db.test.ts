/** Every malformed wallet call of every dialect: answered as the dialect documents, nothing moved, one line in the log. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodyBytesMax } from '#api/app.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  betBody,
  betCallOf,
  dialects,
  euro,
  gameOf,
  openWalletDoors,
  type Dialect,
  type DoorAnswer,
  type DoorPlayer,
  type RawCall,
  type WalletDoors,
} from '#test/support/wallet-doors.ts';

let database: TestDatabase;
let doors: WalletDoors;
let ann: DoorPlayer;
let ben: DoorPlayer;

beforeAll(async () => {
  database = await createTestDatabase();
  doors = await openWalletDoors(database);
  ann = await doors.player(100_000n * euro);
  ben = await doors.player();
  for (const dialect of dialects) {
    await database.db
      .insertInto('games.freeRoundIssue')
      .values({
        integration: dialect,
        issueId: 'issued',
        playerId: ann.id,
        asset: 'EUR',
        gameCode: gameOf(dialect),
      })
      .execute();
  }
});

afterAll(async () => {
  await doors?.close();
  await database?.drop();
});

/** What a refusal is called, in each dialect. */
type Refusal =
  | 'syntax'
  | 'types'
  | 'signature'
  | 'currency'
  | 'game'
  | 'player'
  | 'partner'
  | 'lost'
  | 'issue';
type Expected = { readonly http: number; readonly body: Readonly<Record<string, unknown>> };

const rs = (status: string): Expected => ({ http: 200, body: { status } });
const twirp = (http: number, code: string, apiCode: string): Expected => ({
  http,
  body: { code, meta: { api_code: apiCode } },
});
const numbered = (code: number): Expected => ({ http: code === 403 ? 403 : 412, body: { code } });

const words: Readonly<Record<'rs' | 'a8r-v2' | 'a8r-v1', Readonly<Record<Refusal, Expected>>>> = {
  rs: {
    syntax: rs('RS_ERROR_WRONG_SYNTAX'),
    types: rs('RS_ERROR_WRONG_TYPES'),
    signature: rs('RS_ERROR_INVALID_SIGNATURE'),
    currency: rs('RS_ERROR_WRONG_CURRENCY'),
    game: rs('RS_ERROR_INVALID_GAME'),
    player: rs('RS_ERROR_INVALID_TOKEN'),
    partner: rs('RS_ERROR_INVALID_PARTNER'),
    lost: rs('RS_ERROR_WRONG_SYNTAX'),
    issue: rs('RS_ERROR_UNKNOWN'),
  },
  'a8r-v2': {
    syntax: twirp(400, 'invalid_argument', '400'),
    types: twirp(400, 'invalid_argument', '400'),
    signature: twirp(403, 'permission_denied', '403'),
    currency: twirp(400, 'invalid_argument', '154'),
    game: twirp(400, 'invalid_argument', '400'),
    player: twirp(400, 'invalid_argument', '101'),
    partner: twirp(403, 'permission_denied', '403'),
    lost: twirp(404, 'bad_route', '400'),
    issue: twirp(400, 'invalid_argument', '400'),
  },
  'a8r-v1': {
    syntax: numbered(400),
    types: numbered(400),
    signature: numbered(403),
    currency: numbered(154),
    game: numbered(107),
    player: numbered(101),
    partner: numbered(403),
    lost: numbered(400),
    issue: numbered(400),
  },
};
const expectedOf = (dialect: Dialect, refusal: Refusal): Expected =>
  words[dialect === 'hub88' || dialect === 'caleta' ? 'rs' : dialect][refusal];

/** Sends it and holds all that must be true of a refused call against it. */
async function refused(
  dialect: Dialect,
  body: object | string,
  refusal: Refusal,
  { call = betCallOf[dialect], ...raw }: RawCall & { readonly call?: string } = {},
): Promise<DoorAnswer> {
  const before = await doors.ledger();
  const answer = await doors.call(dialect, call, body, raw);
  const { http, body: wanted } = expectedOf(dialect, refusal);
  expect(answer.body).toMatchObject(wanted);
  expect(answer.http).toBe(http);
  expect(await doors.ledger()).toEqual(before);
  const lines = doors.log.filter((line) => line['requestId'] === answer.requestId);
  const source = refusal === 'types' ? { integration: dialect } : {};
  expect(lines).toEqual([expect.objectContaining({ dialect, ...source, msg: 'wallet call refused' })]);
  return answer;
}

/** Every place of a body: where it is and how to put something else there, or take it away. */
function placesOf(body: object): readonly (readonly (string | number)[])[] {
  return Object.entries(body).flatMap(([name, value]): (string | number)[][] => {
    const key = Array.isArray(body) ? Number(name) : name;
    const inner = typeof value === 'object' && value !== null ? placesOf(value) : [];
    return [[key], ...inner.map((path) => [key, ...path])];
  });
}
function changed(body: unknown, [key, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (key === undefined) return value;
  const copy: unknown = structuredClone(body);
  if (Array.isArray(copy)) {
    if (rest.length === 0 && value === undefined) copy.splice(Number(key), 1);
    else copy[Number(key)] = changed(copy[Number(key)], rest, value);
    return copy;
  }
  const members = copy as Record<string, unknown>;
  if (rest.length === 0 && value === undefined) delete members[String(key)];
  else members[String(key)] = changed(members[String(key)], rest, value);
  return members;
}

/** What the dialect does without, or reads as another type, too. */
const optional = new Set(['finished', 'session_id']);
describe.each(dialects)('%s', (dialect) => {
  const bet = (more: Record<string, unknown> = {}) => betBody(dialect, ann, more);
  const amountOf = (text: string, amount: string): string =>
    text.replace(/"amount":("?)\d+\1/, `"amount":${amount}`);

  test('a valid call is taken, so that what follows is about its changes', async () => {
    expect((await doors.call(dialect, betCallOf[dialect], bet())).text).toContain('"balance":');
  });

  test('every field that is missing is refused', async () => {
    const body = bet();
    for (const path of placesOf(body)) {
      const name = String(path.at(-1));
      if (optional.has(name) && dialect.startsWith('a8r')) continue;
      const without = changed(body, path, undefined);
      // A v1 call without actions asks for the balance.
      if (dialect === 'a8r-v1' && (name === 'actions' || name === '0')) continue;
      await refused(dialect, without as object, 'syntax');
    }
  });

  test.each([
    ['a list', []],
    ['an object', {}],
    ['true', true],
    ['null', null],
  ])('every field that is %s instead of itself is refused', async (_name, value) => {
    const body = bet();
    for (const path of placesOf(body)) {
      const name = String(path.at(-1));
      const isFlag = ['round_closed', 'is_free', 'finished'].includes(name);
      if (isFlag && value === true) continue;
      if (dialect.startsWith('a8r')) {
        if (name === 'session_id' || (name === 'finished' && value === null)) continue;
        if (dialect === 'a8r-v1' && name === 'actions' && (value === null || Array.isArray(value))) continue;
      }
      await refused(dialect, changed(body, path, value) as object, 'types');
    }
  });

  test.each([
    '-1',
    '-0',
    '1e2',
    '100.0',
    '1.5',
    '9223372036854775808',
    '1e400',
    '99999999999999999999999999999999999999999',
    'null',
    'true',
    '"abc"',
    '""',
    '"-1"',
    '"1e2"',
    '"+1"',
    '" 1"',
    '"0x10"',
    '"1,5"',
    '"NaN"',
  ])('an amount of %s is refused', async (amount) => {
    const text = amountOf(JSON.stringify(bet()), amount);
    await refused(dialect, text, 'types');
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{broken'],
    ['half of a call', '{"request_uuid":"'],
    ['a word', 'bet'],
    ['two values', '{}{}'],
    ['bytes that are no text', '\u0000\u0001'],
  ])('%s is refused', async (_name, body) => {
    await refused(dialect, body, 'syntax');
  });

  test('a key that repeats is refused, also with an equal value and deep inside', async () => {
    const text = JSON.stringify(bet());
    const amount = /"amount":("?)\d+\1/.exec(text)?.[0] ?? '';
    await refused(dialect, text.replace(amount, `${amount},${amount}`), 'syntax');
    await refused(dialect, text.replace(/^\{/, '{"meta":{"a":1,"a":2},'), 'syntax');
  });

  test('an id with NUL or half a character is refused', async () => {
    const text = JSON.stringify(
      bet({ [dialect === 'a8r-v2' ? 'round_id' : dialect === 'a8r-v1' ? 'game_id' : 'round']: 'r' }),
    );
    await refused(dialect, text.replace('"r"', '"r\\u0000"'), 'types');
    await refused(dialect, text.replace('"r"', '"r\\ud800"'), 'types');
    await refused(dialect, text.replace('"r"', `"${'r'.repeat(256)}"`), 'types');
  });

  test('a signature that is missing, foreign, of other bytes or no signature is refused', async () => {
    const body = JSON.stringify(bet());
    for (const signature of [null, '', 'AAAA', 'not base64!', 'f'.repeat(64), 'x'.repeat(4_000)])
      await refused(dialect, body, 'signature', { signature });
    await refused(dialect, '{broken', 'signature', { signature: 'AAAA' });
  });

  test('another currency, another game, another player and another partner are refused', async () => {
    for (const currency of ['USD', 'XXX', 'FUN', 'mBTC'])
      await refused(dialect, bet({ currency }), 'currency');
    const game = dialect === 'a8r-v2' ? 'game_id' : dialect === 'a8r-v1' ? 'game' : 'game_code';
    for (const name of ['nothing', 'withdrawn'])
      await refused(dialect, bet({ [game]: gameOf(dialect, name) }), 'game');
    const player = { hub88: 'user', caleta: 'supplier_user', 'a8r-v2': 'player_id', 'a8r-v1': 'user_id' }[
      dialect
    ];
    for (const id of [randomUUID(), 'somebody']) await refused(dialect, bet({ [player]: id }), 'player');
    // A token of one player proves nothing about another; without tokens there is nobody to confuse.
    if (!dialect.startsWith('a8r')) {
      await refused(dialect, bet({ [player]: ben.id }), 'player');
      await refused(dialect, bet({ token: randomUUID() }), 'player');
    }
    await refused(dialect, bet(), 'partner', { integration: 'nobody' });
    const other = dialect === 'hub88' ? 'caleta' : 'hub88';
    await refused(dialect, bet(), 'partner', { integration: other });
  });

  test('a body that is too large, a type that is no JSON, a wrong method and a wrong address are refused', async () => {
    await refused(dialect, JSON.stringify(bet({ meta: 'x'.repeat(bodyBytesMax) })), 'syntax');
    for (const contentType of [
      'application/x-www-form-urlencoded',
      'text/xml',
      'multipart/form-data; boundary=x',
    ])
      await refused(dialect, bet(), 'syntax', { contentType });
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) await refused(dialect, bet(), 'lost', { method });
    await refused(dialect, bet(), 'lost', { call: 'no/such/call' });
  });

  test('plain text, JSON of a vendor and no type at all are read, because the signature says what was meant', async () => {
    for (const contentType of [
      'text/plain;charset=UTF-8',
      'application/vnd.acme+json',
      'application/json; charset=utf-8',
      null,
    ])
      expect((await doors.call(dialect, betCallOf[dialect], bet({}), { contentType })).text).toContain(
        '"balance":',
      );
  });

  test('fields that nobody knows are passed over', async () => {
    const body = { ...bet(), unknown: { deep: [1, null] }, __proto: 1 };
    expect((await doors.call(dialect, betCallOf[dialect], body)).text).toContain('"balance":');
  });

  test('whatever is put in place of whatever, the ledger balances and the answer is one of the dialect', async () => {
    const anything = fc.oneof(
      fc.constant(undefined),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('', 'EUR', '-1', '1', '\u0000', '__proto__', 10 ** 21, -5, 0.1),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(), anything, async (at, value) => {
        const body = bet();
        const places = placesOf(body);
        const path = places[at % places.length] ?? [];
        const mutated = changed(body, path, value) as Record<string, unknown>;
        const before = await doors.ledger();
        const answer = await doors.call(dialect, betCallOf[dialect], JSON.stringify(mutated));
        if (dialect === 'hub88' || dialect === 'caleta') {
          expect(answer.http).toBe(200);
          expect(answer.body['status']).not.toBe('RS_ERROR_UNKNOWN');
        } else expect([200, 400, 403, 409, 412]).toContain(answer.http);
        const isTaken =
          answer.body['status'] === 'RS_OK' || (answer.http === 200 && 'balance' in answer.body);
        if (!isTaken) {
          expect(await doors.ledger()).toEqual(before);
          const lines = doors.log.filter((line) => line['requestId'] === answer.requestId);
          expect(lines).toHaveLength(1);
        }
      }),
      { numRuns: 150 },
    );
    const { rows } = await database.ownerPool.query<{ off: string }>(
      'select coalesce(sum(amount), 0)::text as off from wallet.entry',
    );
    expect(rows[0]?.off).toBe('0');
  });
});

const otherCalls: readonly (readonly [Dialect, string, (player: DoorPlayer) => Record<string, unknown>])[] = [
  ['hub88', 'user/info', (player) => ({ request_uuid: randomUUID(), user: player.id })],
  [
    'hub88',
    'user/balance',
    (player) => ({ request_uuid: randomUUID(), token: player.tokens.hub88, game_code: 'slot' }),
  ],
  [
    'hub88',
    'transaction/win',
    (player) => ({ ...betBody('hub88', player), reference_transaction_uuid: randomUUID() }),
  ],
  [
    'hub88',
    'transaction/rollback',
    (player) => {
      const { amount: _, currency: __, is_free: ___, user: ____, ...body } = betBody('hub88', player);
      return { ...body, reference_transaction_uuid: randomUUID() };
    },
  ],
  [
    'caleta',
    'wallet/win',
    (player) => ({ ...betBody('caleta', player), reference_transaction_uuid: randomUUID() }),
  ],
  ['caleta', 'wallet/check', (player) => ({ token: player.tokens.caleta })],
  ['a8r-v2', 'Player/Balance', (player) => ({ player_id: player.id, currency: 'EUR' })],
  [
    'a8r-v2',
    'Round/Rollback',
    (player) =>
      betBody('a8r-v2', player, { transactions: [{ id: randomUUID(), original_id: randomUUID() }] }),
  ],
  ['a8r-v2', 'Round/Finish', (player) => ({ player_id: player.id, round_id: 'r', currency: 'EUR' })],
  ['a8r-v2', 'Freespins/Finish', () => ({ issue_id: 'issued', amount: '1' })],
  [
    'a8r-v1',
    'rollback',
    (player) =>
      betBody('a8r-v1', player, {
        actions: [{ action: 'rollback', action_id: randomUUID(), original_action_id: randomUUID() }],
      }),
  ],
  ['a8r-v1', 'freespins', () => ({ issue_id: 'issued', status: 'played', total_amount: 100 })],
];

test.each(otherCalls)(
  '%s %s refuses each missing field, no JSON and a foreign signature',
  async (dialect, call, body) => {
    const full = body(ann);
    for (const path of placesOf(full)) {
      if (optional.has(String(path.at(-1)))) continue;
      await refused(dialect, changed(full, path, undefined) as object, 'syntax', { call });
    }
    await refused(dialect, '{broken', 'syntax', { call });
    await refused(dialect, '[]', 'types', { call });
    await refused(dialect, full, 'signature', { call, signature: 'AAAA' });
  },
);

test.each([
  ['a8r-v2', 'Freespins/Finish', { issue_id: 'unknown', amount: '1' }],
  ['a8r-v1', 'freespins', { issue_id: 'unknown', status: 'played', total_amount: 100 }],
] as const)('%s %s refuses an issue that we never made', async (dialect, call, body) => {
  await refused(dialect, body, 'issue', { call });
});
