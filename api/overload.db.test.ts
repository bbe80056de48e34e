/** More work than there is room for: wallet calls are refused before any effect, and reports never stand in front of a bet. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { untilBlocked } from '#test/support/lock-waits.ts';
import {
  betBody,
  betCallOf,
  dialects,
  euro,
  openWalletDoors,
  type DoorAnswer,
  type DoorPlayer,
  type WalletDoors,
} from '#test/support/wallet-doors.ts';
import { createRouter } from './app.ts';
import { answerError } from './problem.ts';
import { readTurns, takeTurns } from './read-turns.ts';

let database: TestDatabase;
let doors: WalletDoors;
let small: WalletWriter;
let crowded: WalletDoors;
const generalConnections = readTurns.atOnceMax + 2;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const general = openPool({
    url: database.writerUrl,
    applicationName: 'general',
    connectionsMax: generalConnections,
  });
  const play = openPool({ url: database.writerUrl, applicationName: 'play', connectionsMax: 2 });
  closers.push(
    () => general.end(),
    () => play.end(),
  );
  doors = await openWalletDoors(database, { db: createDatabase(general), playDb: createDatabase(play) });
  // One statement at a time and one command waiting: the third is too many.
  small = createWalletWriter({ pool: database.pool, slots: 1, queueGroupsMax: 1 });
  crowded = await openWalletDoors(database, { wallet: small }, { isFirst: false });
});

afterAll(async () => {
  await small?.close();
  await crowded?.close();
  await doors?.close();
  await Promise.all(closers.map((close) => close()));
  await database?.drop();
});

/** Holds a table, so that whoever needs it waits until the lock is let go. */
let letGo: () => Promise<void> = async () => {};
async function hold(table: string, mode: string): Promise<void> {
  const client = await database.ownerPool.connect();
  await client.query(`begin; lock table ${table} in ${mode} mode`);
  letGo = async () => {
    letGo = async () => {};
    await client.query('commit').catch(() => {});
    client.release();
  };
}
afterEach(() => letGo());

const undecidedIn = {
  hub88: { http: 200, body: { status: 'RS_ERROR_UNKNOWN' }, retryAfter: null },
  caleta: { http: 200, body: { status: 'RS_ERROR_UNKNOWN' }, retryAfter: null },
  'a8r-v2': { http: 503, body: { code: 'unavailable', meta: { api_code: '500' } }, retryAfter: '2' },
  'a8r-v1': { http: 503, body: { code: 500 }, retryAfter: '2' },
} as const;

test.each(dialects)(
  '%s: a full queue refuses before any effect, and the same call later is taken',
  async (dialect) => {
    const players = await Promise.all([1, 2, 3].map(() => crowded.player()));
    const bets = players.map((player) => betBody(dialect, player));
    // Known sessions: the calls below meet at the writer and nowhere else.
    for (const player of players) await crowded.call(dialect, betCallOf[dialect], betBody(dialect, player));
    const send = (index: number) => crowded.call(dialect, betCallOf[dialect], bets[index] ?? {});

    await hold('wallet.journal', 'share row exclusive');
    // The first is being written and held up there; the second waits behind it.
    const taken = [send(0)];
    await untilBlocked(database.ownerPool, 1);
    taken.push(send(1));
    await delay(100);
    const refused = await send(2);
    expect(refused).toMatchObject(undecidedIn[dialect]);
    expect(crowded.log.filter((line) => line['requestId'] === refused.requestId)).toEqual([
      expect.objectContaining({ code: 'overloaded', msg: 'wallet call not decided' }),
    ]);
    await letGo();

    for (const answer of await Promise.all(taken)) expect(answer.text).toContain('"balance":');
    const last = players[2] as DoorPlayer;
    expect((await crowded.wallet(last)).cash).toBe(9n * euro);
    expect((await send(2)).text).toContain('"balance":');
    expect((await crowded.wallet(last)).cash).toBe(8n * euro);
  },
);

test.each(dialects)(
  '%s: a database that is away refuses in the same words, and the same call later is taken once',
  async (dialect) => {
    const nowhere = openPool({
      url: 'postgres://nobody:nothing@127.0.0.1:1/nowhere',
      applicationName: 'nowhere',
      connectionsMax: 1,
    });
    const writer = createWalletWriter({ pool: nowhere });
    const cut = await openWalletDoors(
      database,
      { wallet: writer, playDb: createDatabase(nowhere) },
      { isFirst: false },
    );
    closers.push(
      () => cut.close(),
      () => nowhere.end(),
    );
    const player = await doors.player();
    const bet = betBody(dialect, player);
    const before = await doors.ledger();
    const refused = await cut.call(dialect, betCallOf[dialect], bet);
    expect(refused).toMatchObject(undecidedIn[dialect]);
    expect(cut.log.filter((line) => line['requestId'] === refused.requestId)).toEqual([
      expect.objectContaining({ level: 40, msg: 'wallet call while the ledger is away' }),
    ]);
    expect(await doors.ledger()).toEqual(before);
    for (const _ of [1, 2])
      expect((await doors.call(dialect, betCallOf[dialect], bet)).text).toContain('"balance":');
    expect((await doors.wallet(player)).cash).toBe(9n * euro);
  },
);

test('reports that wait hold up neither bets nor players', async () => {
  const token = await doors.app.signInAs(['admin']);
  const players = await Promise.all(dialects.map(() => doors.player()));
  await hold('payments.withdrawal', 'access exclusive');
  let reports = 0;
  const asked = Array.from({ length: generalConnections * 2 }, () =>
    doors.app.send('GET', '/admin/v1/withdrawals', undefined, { token }).then((answer) => {
      reports += 1;
      return answer;
    }),
  );
  await untilBlocked(database.ownerPool, readTurns.atOnceMax);

  // Sessions that nobody has seen yet, so that even their first read has to find a connection.
  const bets: DoorAnswer[] = await Promise.all(
    dialects.map((dialect, index) =>
      doors.call(dialect, betCallOf[dialect], betBody(dialect, players[index] as DoorPlayer)),
    ),
  );
  for (const bet of bets) expect(bet.text).toContain('"balance":');
  expect((await doors.app.send('GET', '/v1/games')).status).toBe(200);
  expect(reports).toBe(0);

  await letGo();
  const answers = await Promise.all(asked);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test('a read whose turn does not come is told when to come back', async () => {
  const api = createRouter();
  api.onError(answerError);
  api.use(takeTurns({ atOnceMax: 2, waitingMax: 1, waitMsMax: 50 }));
  const gate = Promise.withResolvers<void>();
  api.get('/slow', async (c) => {
    await gate.promise;
    return c.text('read');
  });
  api.post('/slow', (c) => c.text('written'));
  const running = [api.request('/slow'), api.request('/slow')];
  await delay(1);
  const patient = api.request('/slow');
  await delay(1);
  const refused = await api.request('/slow');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(await refused.json()).toMatchObject({ code: 'overloaded' });
  expect((await patient).status).toBe(503);
  expect((await api.request('/slow', { method: 'POST' })).status).toBe(200);

  const next = api.request('/slow');
  await delay(1);
  gate.resolve();
  for (const answer of await Promise.all([...running, next])) expect(answer.status).toBe(200);
  expect((await api.request('/slow')).status).toBe(200);
});
