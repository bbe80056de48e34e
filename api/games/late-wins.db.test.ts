/** A win that comes after we gave its stake back ourselves: recorded for a person and not paid, in every dialect and when we ask. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  betBody,
  betCallOf,
  type dialects,
  euro,
  openWalletDoors,
  type DoorPlayer,
  type WalletDoors,
} from '#test/support/wallet-doors.ts';

type Dialect = (typeof dialects)[number];

let database: TestDatabase;
let doors: WalletDoors;

beforeAll(async () => {
  database = await createTestDatabase();
  doors = await openWalletDoors(database);
});
afterAll(async () => {
  const checks = await verifyLedger(database.db);
  await doors?.close();
  await database?.drop();
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
});

const rounds = () => createRoundActivities({ db: database.db, gameProviders: new Map() });
const itemsAbout = async (transactionId: string) =>
  database.db
    .selectFrom('payments.workItem')
    .select(['id', 'kind', 'brand', 'reason', 'closedAt'])
    .where('subject', 'like', `late-win:%:${transactionId}`)
    .execute();

/** A stake of one euro that our guard has given back. */
async function givenBack(dialect: Dialect): Promise<{ player: DoorPlayer; round: string; betId: string }> {
  const player = await doors.player();
  const [round, betId] = [randomUUID(), randomUUID()];
  const own =
    dialect === 'a8r-v2'
      ? { round_id: round, transactions: [{ id: betId, type: 'bet', amount: '1' }] }
      : dialect === 'a8r-v1'
        ? { game_id: round, actions: [{ action: 'bet', action_id: betId, amount: 100 }] }
        : { round, transaction_uuid: betId };
  await doors.call(dialect, betCallOf[dialect], betBody(dialect, player, own));
  expect((await doors.wallet(player)).cash).toBe(9n * euro);
  await rounds().voidRound({ integration: dialect, roundRef: round, playerId: player.id, seen: 1 });
  expect((await doors.wallet(player)).cash).toBe(10n * euro);
  return { player, round, betId };
}

test.each(['hub88', 'caleta'] as const)(
  '%s: the win is refused as rolled back, once recorded',
  async (dialect) => {
    const { player, round, betId } = await givenBack(dialect);
    const winId = randomUUID();
    const win = betBody(dialect, player, {
      round,
      transaction_uuid: winId,
      reference_transaction_uuid: betId,
      amount: 700_000,
    });
    const call = dialect === 'hub88' ? 'transaction/win' : 'wallet/win';
    for (const _ of [1, 2])
      expect((await doors.call(dialect, call, win)).body).toMatchObject({
        status: 'RS_ERROR_TRANSACTION_ROLLED_BACK',
      });
    expect((await doors.wallet(player)).cash).toBe(10n * euro);
    const [item, ...more] = await itemsAbout(winId);
    expect(more).toEqual([]);
    expect(item).toMatchObject({ kind: 'late-win', closedAt: null });
    expect(item?.reason).toContain('7.00 EUR');
    expect(item?.reason).toContain(player.id);
  },
);

test('a8r v2: the win is answered as done under the id of the record, and the rest of its batch happens', async () => {
  const { player, round, betId } = await givenBack('a8r-v2');
  const [winId, nextId] = [randomUUID(), randomUUID()];
  const batch = betBody('a8r-v2', player, {
    round_id: round,
    transactions: [
      { id: winId, type: 'win', amount: '7', bet_id: betId },
      { id: nextId, type: 'bet', amount: '2' },
    ],
  });
  const answers = [];
  for (const _ of [1, 2]) answers.push(await doors.call('a8r-v2', 'Round/BetWin', batch));
  const [item, ...more] = await itemsAbout(winId);
  expect(more).toEqual([]);
  for (const { http, body } of answers) {
    expect(http).toBe(200);
    expect(body).toMatchObject({
      balance: '8',
      transactions: [
        { id: winId, id_casino: item?.id, bonus_amount: '0' },
        { id: nextId, bonus_amount: '0' },
      ],
    });
  }
  expect(answers[0]?.body).toEqual(answers[1]?.body);
  expect((await doors.wallet(player)).cash).toBe(8n * euro);
});

test('a8r v1: a late win alone is answered as done and ends its round', async () => {
  const { player, round } = await givenBack('a8r-v1');
  const winId = randomUUID();
  // Without a bet's id it answers the last stake of the round, which is the one that went back.
  const played = betBody('a8r-v1', player, {
    game_id: round,
    finished: true,
    actions: [{ action: 'win', action_id: winId, amount: 700 }],
  });
  const { http, body } = await doors.call('a8r-v1', 'play', played);
  const [item] = await itemsAbout(winId);
  expect(http).toBe(200);
  expect(body).toMatchObject({ balance: 1_000, transactions: [{ action_id: winId, tx_id: item?.id }] });
  expect((await doors.wallet(player)).cash).toBe(10n * euro);
});

test('a win whose bet the provider itself rolled back is still paid in a8r', async () => {
  const player = await doors.player();
  const [round_id, betId, winId] = [randomUUID(), randomUUID(), randomUUID()];
  const send = (call: string, transactions: object[]) =>
    doors.call('a8r-v2', call, betBody('a8r-v2', player, { round_id, finished: false, transactions }));
  await send('Round/BetWin', [{ id: betId, type: 'bet', amount: '1' }]);
  await send('Round/Rollback', [{ id: randomUUID(), original_id: betId }]);
  await send('Round/BetWin', [{ id: winId, type: 'win', amount: '7', bet_id: betId }]);
  expect((await doors.wallet(player)).cash).toBe(17n * euro);
  expect(await itemsAbout(winId)).toEqual([]);
});

test('a closed item is not opened again by a repeat', async () => {
  const { player, round, betId } = await givenBack('hub88');
  const winId = randomUUID();
  const win = betBody('hub88', player, {
    round,
    transaction_uuid: winId,
    reference_transaction_uuid: betId,
  });
  await doors.call('hub88', 'transaction/win', win);
  await database.ownerPool.query(
    `update payments.work_item set closed_at = now(), closed_by = gen_random_uuid(), resolution = 'paid by a correction'
     where subject like '%' || $1`,
    [winId],
  );
  await doors.call('hub88', 'transaction/win', win);
  expect(await itemsAbout(winId)).toHaveLength(1);
});

test('a round that is opened again and asked about books what is new and records what is late', async () => {
  const { player, round, betId } = await givenBack('hub88');
  const [again, lateId, newId] = [randomUUID(), randomUUID(), randomUUID()];
  await doors.call('hub88', 'transaction/bet', betBody('hub88', player, { round, transaction_uuid: again }));
  const told = (externalId: string, referenceExternalId: string) =>
    ({
      externalId,
      referenceExternalId,
      kind: 'win',
      wireAmount: '300000',
      jackpotWireAmount: null,
    }) as const;
  const roundKey = { integration: 'hub88', roundRef: round, playerId: player.id };
  const settled = await rounds().settleRound({
    round: roundKey,
    transactions: [told(lateId, betId), told(newId, again)],
  });
  expect(settled).toEqual({ applied: 1, settled: true });
  expect((await doors.wallet(player)).cash).toBe(12n * euro);
  expect(await itemsAbout(lateId)).toHaveLength(1);
  expect(await itemsAbout(newId)).toEqual([]);
});

test('an answer that cannot be booked settles nothing, and is asked for again', async () => {
  const player = await doors.player();
  const round = randomUUID();
  await doors.call('hub88', 'transaction/bet', betBody('hub88', player, { round }));
  const settled = await rounds().settleRound({
    round: { integration: 'hub88', roundRef: round, playerId: player.id },
    transactions: [
      {
        externalId: randomUUID(),
        referenceExternalId: randomUUID(),
        kind: 'win',
        wireAmount: '300000',
        jackpotWireAmount: null,
      },
    ],
  });
  expect(settled).toEqual({ applied: 0, settled: false });
  expect(
    (await database.pool.query('select state from games.round where round_ref = $1', [round])).rows[0],
  ).toEqual({ state: 'open' });
});
