/** The `catalogueImport` workflow against a provider on the wire: what a list changes, and what it must never change. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { changeGame } from '#activities/games/commands/change-game.ts';
import { requestDueImports, requestImport } from '#activities/games/commands/request-import.ts';
import { createCatalogueImportActivities } from '#activities/games/catalogue-import.ts';
import { createGameProviders } from '#activities/games/configured-providers.ts';
import { orThrow } from '#domain/failures.ts';
import { catalogueImportStart } from '#workflows/catalogue-import.contract.ts';
import type { catalogueImport } from '#workflows/catalogue-import.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeIntegration, testKeyRing } from '#test/support/integrations.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { startWireServer, type WireServer } from '#test/support/wire-server.ts';

const ours = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let database: TestDatabase;
let workflows: WorkflowEnvironment;
let wire: WireServer;

const listed = (number: number, changes: object = {}) => ({
  game_code: `game_${number}`,
  name: `Game ${number}`,
  category: number % 2 === 0 ? 'Video Slots' : 'Roulette',
  product: 'Acme',
  enabled: true,
  url_thumb: `https://img.example/${number}.png`,
  ...changes,
});
const twelve = Array.from({ length: 12 }, (_, number) => listed(number));

async function integration(): Promise<string> {
  const id = `acme-${randomUUID().slice(0, 8)}`;
  await makeIntegration(database.db, {
    id,
    dialect: 'hub88',
    baseUrl: wire.url,
    ownPrivateKey: ours.privateKey,
  });
  return id;
}

async function order(id: string, mayWithdrawMost = false): Promise<string> {
  const asked = await requestImport(database.db, {
    importId: randomUUID(),
    integration: id,
    mayWithdrawMost,
    actor: { kind: 'operator', id: randomUUID() },
    reason: 'a test',
  });
  return orThrow(asked).importId;
}

const activities = () =>
  createCatalogueImportActivities({
    db: database.db,
    gameProviders: createGameProviders({ db: database.db, keyRing: testKeyRing }),
  });

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: { batch: activities() } }, fn);

const start = (client: Client, importId: string) =>
  client.workflow.start<typeof catalogueImport>(
    'catalogueImport',
    catalogueImportStart({ importId, brand: 'aurora' }),
  );

/** Runs one import without Temporal: what it writes is the activity's. */
async function imported(id: string, mayWithdrawMost = false) {
  const importId = await order(id, mayWithdrawMost);
  await activities().importCatalogue({ importId });
  return readImport(importId);
}

const readImport = (importId: string) =>
  database.db
    .selectFrom('games.catalogueImport')
    .selectAll()
    .where('id', '=', importId)
    .executeTakeFirstOrThrow();

const readGame = (id: string, code: string) =>
  database.db
    .selectFrom('games.game')
    .selectAll()
    .where('integration', '=', id)
    .where('code', '=', code)
    .executeTakeFirstOrThrow();

describeWorkflows('a catalogue import', () => {
  beforeAll(async () => {
    [database, workflows, wire] = await Promise.all([
      createTestDatabase(),
      createWorkflowEnvironment(),
      startWireServer(),
    ]);
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await wire?.close();
    await database?.drop();
  });
  beforeEach(() => {
    wire.script = () => ({ body: twelve });
  });

  test('waits for a provider that is away, then takes its list over', async () => {
    const id = await integration();
    const importId = await order(id);
    let asked = 0;
    wire.script = () => {
      asked += 1;
      return asked < 3 ? { status: 503 } : { body: twelve };
    };
    await run(async (client) => {
      const handle = await start(client, importId);
      expect(await handle.result()).toBe('done');
      await workflows.exportHistory(handle, 'catalogue-import.done');
    });
    expect(await readImport(importId)).toMatchObject({ state: 'done', addedCount: 12, listedCount: 12 });
    expect(await readGame(id, 'game_2')).toMatchObject({
      title: 'Game 2',
      provider: 'Acme',
      imageUrl: 'https://img.example/2.png',
      playable: true,
      wageringContributionBps: 10_000,
    });
    // Nobody has looked at the roulette yet, so it does not count toward wagering.
    expect(await readGame(id, 'game_1')).toMatchObject({ wageringContributionBps: 0 });
  });

  test('gives up after two hours and says so', async () => {
    const id = await integration();
    const importId = await order(id);
    wire.script = () => ({ status: 503 });
    await run(async (client) => {
      const handle = await start(client, importId);
      expect(await handle.result()).toBe('failed');
      await workflows.exportHistory(handle, 'catalogue-import.given-up');
    });
    expect(await readImport(importId)).toMatchObject({
      state: 'failed',
      failure: 'The provider did not answer in time.',
    });
  });

  test('writes what the provider says and leaves what the operator decided', async () => {
    const id = await integration();
    await imported(id);
    const decision = {
      integration: id,
      game: 'game_3',
      changes: { enabled: false, wageringContributionBps: 2_500, guardMs: 60_000 },
      operatorId: randomUUID(),
      reason: 'not for us',
    };
    expect(await changeGame(database.db, decision)).toMatchObject({ ok: true });
    wire.script = () => ({ body: [listed(3, { name: 'Game Three' }), ...twelve.toSpliced(3, 1)] });
    expect(await imported(id)).toMatchObject({
      addedCount: 0,
      changedCount: 1,
      diff: { changed: ['game_3'] },
    });
    expect(await readGame(id, 'game_3')).toMatchObject({
      title: 'Game Three',
      enabled: false,
      listed: true,
      playable: false,
      wageringContributionBps: 2_500,
      guardMs: 60_000,
    });
  });

  test('withdraws a game that is missing, keeps its row, and offers it again when it returns', async () => {
    const id = await integration();
    await imported(id);
    wire.script = () => ({ body: [...twelve.slice(1, 11), listed(11, { enabled: false })] });
    const gone = await imported(id);
    expect(gone).toMatchObject({ withdrawnCount: 2, diff: { withdrawn: ['game_11', 'game_0'] } });
    expect(await readGame(id, 'game_0')).toMatchObject({ listed: false, enabled: true, playable: false });
    wire.script = () => ({ body: twelve });
    expect(await imported(id)).toMatchObject({ returnedCount: 2, changedCount: 0 });
    expect(await readGame(id, 'game_0')).toMatchObject({ playable: true });
  });

  test.each([
    ['an empty list', []],
    ['a list that was cut off', twelve.slice(0, 4)],
  ])('%s withdraws nothing unless it was told that it may', async (_, list) => {
    const id = await integration();
    await imported(id);
    wire.script = () => ({ body: list });
    expect(await imported(id)).toMatchObject({ state: 'refused', withdrawnCount: 12 - list.length });
    expect(await readGame(id, 'game_11')).toMatchObject({ playable: true });
    expect(await imported(id, true)).toMatchObject({ state: 'done' });
    expect(await readGame(id, 'game_11')).toMatchObject({ playable: false });
  });

  test('an entry that cannot be read withdraws nothing, for it may be any of the missing', async () => {
    const id = await integration();
    await imported(id);
    wire.script = () => ({ body: [...twelve.slice(1), { game_code: 7 }] });
    expect(await imported(id)).toMatchObject({ state: 'done', unreadableCount: 1, withdrawnCount: 0 });
    expect(await readGame(id, 'game_0')).toMatchObject({ playable: true });
  });

  test('is refused by the provider once, and done once, however often it runs', async () => {
    const id = await integration();
    wire.script = () => ({ status: 404, body: { error: 'UNKNOWN_OPERATOR' } });
    expect(await imported(id)).toMatchObject({ state: 'failed' });
    wire.script = () => ({ body: twelve });
    const importId = await order(id);
    await activities().importCatalogue({ importId });
    wire.requests.length = 0;
    expect(await activities().importCatalogue({ importId })).toEqual({ outcome: 'done' });
    expect(wire.requests).toHaveLength(0);
    const { rows } = await database.pool.query(
      "select count(*)::int as events from compliance.outbox where type = 'games.catalogue-import.ended' and payload ->> 'importId' = $1",
      [importId],
    );
    expect(rows[0].events).toBe(1);
  });

  test('runs once at a time, and by the clock of its integration', async () => {
    const id = await integration();
    const [one, two] = await Promise.all([order(id), order(id)]);
    expect(two).toBe(one);
    await activities().importCatalogue({ importId: one });
    await database.ownerPool.query('update games.integration set import_every_h = 24 where id = $1', [id]);
    expect(await requestDueImports(database.db)).toBe(0);
    await database.ownerPool.query('alter table games.catalogue_import disable trigger all');
    await database.ownerPool.query(
      "update games.catalogue_import set requested_at = now() - interval '25 hours' where id = $1",
      [one],
    );
    await database.ownerPool.query('alter table games.catalogue_import enable trigger all');
    expect(await requestDueImports(database.db)).toBe(1);
    expect(await requestDueImports(database.db)).toBe(0);
  });
});
