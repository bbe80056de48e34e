/** The `freeRounds` workflow against providers on the wire: issued once, taken back where the provider lets, over in time. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { cancelFreeRounds, orderFreeRounds } from '#activities/games/commands/free-rounds.ts';
import { createGameProviders } from '#activities/games/configured-providers.ts';
import { createFreeRoundsActivities } from '#activities/games/free-rounds.ts';
import { orThrow } from '#domain/failures.ts';
import { freeRoundsNoticed, freeRoundsStart } from '#workflows/free-rounds.contract.ts';
import type { freeRounds } from '#workflows/free-rounds.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, type TestPlayer } from '#test/support/factories.ts';
import { makeIntegration, testKeyRing } from '#test/support/integrations.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { startWireServer, type WireScript, type WireServer } from '#test/support/wire-server.ts';

const ours = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const games = [{ code: 'acme:test', title: 'Test', category: 'slots' }];
const staff = { operatorId: randomUUID(), reason: 'a welcome' };

let database: TestDatabase;
let workflows: WorkflowEnvironment;
let wire: WireServer;
let player: TestPlayer;

type Wish = { integration?: string; betValue?: string | null; days?: number; count?: number };

async function orderRounds(wish: Wish = {}): Promise<string> {
  const { integration = 'agg', betValue = '0.20', days = 7, count = 10 } = wish;
  const ordered = await orderFreeRounds(database.db, {
    id: randomUUID(),
    playerId: player.id,
    brand: 'aurora',
    asset: 'EUR',
    integration,
    games: ['acme:test'],
    count,
    betValue,
    days,
    prepaidId: null,
    campaignId: null,
    winnings: null,
    fingerprint: Buffer.from('one'),
    ...staff,
  });
  return orThrow(ordered).id;
}

const takeBack = (id: string) =>
  database.db
    .transaction()
    .execute((trx) =>
      cancelFreeRounds(trx, { id, actor: { kind: 'operator', id: staff.operatorId }, reason: staff.reason }),
    );

const readRow = (id: string) =>
  database.db
    .selectFrom('games.freeRoundIssue')
    .select(['state', 'failure', 'prepaid'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();

async function factsOf(id: string): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ type: string }>(
    "select type from compliance.outbox where payload ->> 'freeRoundsId' = $1 order by id",
    [id],
  );
  return rows.map(({ type }) => type.replace('games.free-rounds.', ''));
}

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> => {
  const activities = createFreeRoundsActivities({
    db: database.db,
    keyRing: testKeyRing,
    gameProviders: createGameProviders({ db: database.db, keyRing: testKeyRing }),
  });
  return workflows.runWorkflows({ activities: { player: {}, provider: activities } }, fn);
};

const start = (client: Client, freeRoundsId: string) =>
  client.workflow.start<typeof freeRounds>(
    'freeRounds',
    freeRoundsStart({ freeRoundsId, playerId: player.id, brand: 'aurora' }),
  );

async function until(id: string, state: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await readRow(id)).state === state) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`still ${(await readRow(id)).state}, not ${state}`);
}

/** Skipped time is not the database's, so what it has to judge is moved back instead. */
const endValidity = (id: string) =>
  database.ownerPool.query(
    "update games.free_round_issue set valid_until = now() - interval '1 second' where id = $1",
    [id],
  );

describeWorkflows('free rounds', () => {
  beforeAll(async () => {
    [database, workflows, wire] = await Promise.all([
      createTestDatabase(),
      createWorkflowEnvironment(),
      startWireServer(),
    ]);
    player = await makePlayer(database.db);
    const common = { baseUrl: wire.url, games };
    await makeIntegration(database.db, { ...common, id: 'agg', dialect: 'a8r-v2', callerSecret: 'shared' });
    await makeIntegration(database.db, {
      ...common,
      id: 'hub',
      dialect: 'hub88',
      ownPrivateKey: ours.privateKey,
    });
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await wire?.close();
    await database?.drop();
  });
  beforeEach(() => {
    wire.requests.length = 0;
    wire.script = () => ({ body: {} });
  });

  test('are asked for by one id until the provider answers, and end with their validity', async () => {
    const id = await orderRounds();
    let asked = 0;
    wire.script = () => {
      asked += 1;
      return asked < 3 ? { status: 500 } : { body: {} };
    };
    await run(async (client) => {
      const handle = await start(client, id);
      await until(id, 'issued');
      await endValidity(id);
      await workflows.env.sleep('8 days');
      expect(await handle.result()).toBe('ended');
      await workflows.exportHistory(handle, 'free-rounds.ended');
    });
    expect(wire.requests.map(({ path, body }) => [path, body?.['issue_id']])).toEqual(
      Array.from({ length: 3 }, () => ['/v2/casino_a8r.Freespins/Issue', id]),
    );
    expect(wire.requests[0]?.body).toMatchObject({ freespins_quantity: 10, bet_amount: '0.2' });
    expect(await factsOf(id)).toEqual(['requested', 'issued', 'ended']);
  });

  test('that the provider refuses are refused, with its words', async () => {
    const id = await orderRounds();
    wire.script = () => ({ status: 400, body: { code: 'invalid_argument', msg: 'no such game' } });
    await run(async (client) => {
      const handle = await start(client, id);
      expect(await handle.result()).toBe('refused');
      await workflows.exportHistory(handle, 'free-rounds.refused');
    });
    expect((await readRow(id)).failure).toContain('no such game');
    expect(await factsOf(id)).toEqual(['requested', 'refused']);
  });

  test('are taken back where the player has not claimed them', async () => {
    const id = await orderRounds();
    await run(async (client) => {
      const handle = await start(client, id);
      await until(id, 'issued');
      expect(await takeBack(id)).toEqual({
        ok: true,
        value: { state: 'cancelling' },
      });
      await handle.signal(freeRoundsNoticed);
      expect(await handle.result()).toBe('cancelled');
      await workflows.exportHistory(handle, 'free-rounds.cancelled');
    });
    expect(wire.requests.at(-1)).toMatchObject({
      path: '/v2/casino_a8r.Freespins/Cancel',
      body: { issue_id: id, provider: 'acme' },
    });
    expect(await factsOf(id)).toEqual(['requested', 'issued', 'cancel-requested', 'cancelled']);
  });

  test('that were claimed stay, and the refusal is on record', async () => {
    const id = await orderRounds();
    await run(async (client) => {
      const handle = await start(client, id);
      await until(id, 'issued');
      wire.script = () => ({ status: 400, body: { code: 'invalid_argument', msg: 'claimed' } });
      await takeBack(id);
      await handle.signal(freeRoundsNoticed);
      await until(id, 'issued');
      expect((await readRow(id)).failure).toContain('claimed');
      await endValidity(id);
      await workflows.env.sleep('8 days');
      expect(await handle.result()).toBe('ended');
      await workflows.exportHistory(handle, 'free-rounds.claimed');
    });
    expect(await factsOf(id)).toEqual(['requested', 'issued', 'cancel-requested', 'cancel-refused', 'ended']);
  });

  test('taken back before the provider could be reached are not issued afterwards', async () => {
    const id = await orderRounds();
    wire.script = ({ path }) =>
      path.endsWith('/Cancel') ? { status: 404, body: { code: 'not_found' } } : { status: 503 };
    await run(async (client) => {
      const handle = await start(client, id);
      for (let waits = 0; wire.requests.length === 0 && waits < 200; waits += 1)
        await new Promise((resolve) => setTimeout(resolve, 25));
      await takeBack(id);
      await handle.signal(freeRoundsNoticed);
      expect(await handle.result()).toBe('cancelled');
      await workflows.exportHistory(handle, 'free-rounds.cancelled-unissued');
    });
    expect(await factsOf(id)).toEqual(['requested', 'cancel-requested', 'cancelled']);
  });

  test('of a prepaid offer keep the offer that was chosen, also when it is used up by a lost answer', async () => {
    const id = await orderRounds({ integration: 'hub', count: 5 });
    let left = 1;
    const script: WireScript = ({ path }, response) => {
      if (path.endsWith('/prepaids/list')) {
        const offer = { prepaid_uuid: 'p1', game_code: 'acme:test', currency: 'EUR' };
        return { body: left > 0 ? [offer] : [] };
      }
      if (left > 0) {
        left = 0;
        response.socket?.destroy();
        return 'taken-over';
      }
      return { body: { reward_uuid: id, status: 'FRS_ACTIVE' } };
    };
    wire.script = script;
    await run(async (client) => {
      const handle = await start(client, id);
      await until(id, 'issued');
      await endValidity(id);
      await workflows.env.sleep('8 days');
      await handle.result();
    });
    expect(wire.requests.map(({ path }) => path.split('/freebet/')[1])).toEqual([
      'prepaids/list',
      'rewards/create',
      'rewards/create',
    ]);
    expect(wire.requests[2]?.body).toEqual(wire.requests[1]?.body);
    expect(wire.requests[2]?.body).toMatchObject({ bet_value: 20_000, bet_count: 5, reward_uuid: id });
  });

  test('once refused or over cannot be taken back, and no step leads back', async () => {
    const id = await orderRounds();
    await database.pool.query("update games.free_round_issue set state = 'refused' where id = $1", [id]);
    expect(await takeBack(id)).toMatchObject({
      failure: { code: 'free-rounds-not-cancellable' },
    });
    await expect(
      database.pool.query("update games.free_round_issue set state = 'issued' where id = $1", [id]),
    ).rejects.toThrow('cannot go from refused to issued');
  });
});
