/** Free rounds between their order and their issue: who may not play by then is given none. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, type TestPlayer } from '#test/support/factories.ts';
import { makeIntegration, testKeyRing } from '#test/support/integrations.ts';
import { startWireServer, type WireServer } from '#test/support/wire-server.ts';
import { orderFreeRounds } from './commands/free-rounds.ts';
import { takeBackFreeRounds } from './commands/take-back-free-rounds.ts';
import { createGameProviders } from './configured-providers.ts';
import { createFreeRoundsActivities } from './free-rounds.ts';

let database: TestDatabase;
let wire: WireServer;
let player: TestPlayer;

beforeAll(async () => {
  [database, wire] = await Promise.all([createTestDatabase(), startWireServer()]);
  await makePlayer(database.db);
  await makeIntegration(database.db, {
    id: 'agg',
    dialect: 'a8r-v2',
    baseUrl: wire.url,
    callerSecret: 'shared',
    games: [{ code: 'acme:test', title: 'Test', category: 'slots' }],
  });
});
afterAll(async () => {
  await wire?.close();
  await database?.drop();
});
beforeEach(async () => {
  player = await makePlayer(database.db);
  wire.requests.length = 0;
  wire.script = () => ({ body: {} });
});

async function orderRounds(): Promise<string> {
  const ordered = await orderFreeRounds(database.db, {
    id: randomUUID(),
    playerId: player.id,
    brand: 'aurora',
    asset: 'EUR',
    integration: 'agg',
    games: ['acme:test'],
    count: 10,
    betValue: '0.20',
    days: 7,
    prepaidId: null,
    campaignId: null,
    winnings: null,
    fingerprint: Buffer.from('one'),
    operatorId: randomUUID(),
    reason: 'a welcome',
  });
  return orThrow(ordered).id;
}

const exclude = () =>
  database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, player.id, { until: 'infinity', reason: 'self-exclusion' }));

const advance = (freeRoundsId: string) =>
  createFreeRoundsActivities({
    db: database.db,
    keyRing: testKeyRing,
    gameProviders: createGameProviders({ db: database.db, keyRing: testKeyRing }),
  }).advanceFreeRounds({ freeRoundsId });

const askedFor = () => wire.requests.map(({ path }) => path.split('.').at(-1));

test('ordered before an exclusion are not issued after it', async () => {
  const id = await orderRounds();
  await exclude();
  expect(await advance(id)).toMatchObject({ state: 'refused', over: true });
  expect(askedFor()).not.toContain('Freespins/Issue');
});

test('whose issue had no answer are taken back when the player is excluded meanwhile', async () => {
  const id = await orderRounds();
  wire.script = () => ({ status: 503 });
  await expect(advance(id)).rejects.toThrow();
  await exclude();
  await expect(advance(id)).rejects.toThrow();
  wire.script = () => ({ body: {} });
  expect(await advance(id)).toMatchObject({ state: 'refused' });
  expect(askedFor()).toEqual(['Freespins/Issue', 'Freespins/Cancel', 'Freespins/Cancel']);
});

const brake = (until: Date | 'infinity', reason: string) =>
  database.db.transaction().execute((trx) => setPlayBrake(trx, player.id, { until, reason }));

const itemsOf = (id: string) =>
  database.db
    .selectFrom('payments.workItem')
    .select(['reason', 'resolution', 'brand'])
    .where('kind', '=', 'free-rounds-not-taken-back')
    .where('subject', '=', `free-rounds:${id}`)
    .execute();

test('that the provider has already are taken back when their player excludes himself or is locked, and not for a time-out', async () => {
  for (const reason of ['self-exclusion', 'account-locked']) {
    const id = await orderRounds();
    expect(await advance(id)).toMatchObject({ state: 'issued', over: false });
    await brake(new Date(Date.now() + 86_400_000), 'time-out');
    expect(await takeBackFreeRounds(database.db)).toBe(0);
    await brake('infinity', reason);
    expect(await takeBackFreeRounds(database.db)).toBe(1);
    expect(await takeBackFreeRounds(database.db)).toBe(0);
    expect(await advance(id)).toMatchObject({ state: 'cancelled', over: true });
    expect(askedFor()).toEqual(['Freespins/Issue', 'Freespins/Cancel']);
    expect(await itemsOf(id)).toEqual([]);
    player = await makePlayer(database.db);
    wire.requests.length = 0;
  }
});

test('that the provider does not give back are a work item, and are asked for again a day later', async () => {
  const id = await orderRounds();
  await advance(id);
  await exclude();
  expect(await takeBackFreeRounds(database.db)).toBe(1);
  wire.script = () => ({ status: 503 });
  await expect(advance(id)).rejects.toThrow();
  expect(await itemsOf(id)).toEqual([]);
  wire.script = () => ({ status: 400, body: { code: 'failed_precondition', msg: 'the rounds are played' } });
  expect(await advance(id)).toMatchObject({ state: 'issued' });
  expect(await itemsOf(id)).toMatchObject([{ resolution: null, brand: 'aurora' }]);
  expect(await takeBackFreeRounds(database.db)).toBe(0);
  await database.ownerPool.query(
    `update games.free_round_issue set asked_back_at = now() - interval '25 hours' where id = $1`,
    [id],
  );
  expect(await takeBackFreeRounds(database.db)).toBe(1);
  wire.script = () => ({ body: {} });
  expect(await advance(id)).toMatchObject({ state: 'cancelled' });
  expect(await itemsOf(id)).toMatchObject([{ resolution: 'The free rounds are over.' }]);
});
