/** Two API processes on one database, as a deployment runs them: what one provider says to both is decided once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  callerDialects,
  createWalletCaller,
  newMovement,
  type Movement,
  type WalletCaller,
} from '#test/support/wallet-caller.ts';
import { startWalletRig, type RigPlayer, type WalletRig } from '#test/support/wallet-rig.ts';

const euro = 10n ** 12n;

let database: TestDatabase;
let rig: WalletRig;
let caller: WalletCaller;

beforeAll(async () => {
  database = await createTestDatabase();
  rig = await startWalletRig(database, { apis: 2 });
  caller = createWalletCaller(rig.keys);
}, 120_000);

afterAll(async () => {
  await rig?.close();
  await database?.drop();
});

/** The processes in turn. */
const apiFor = (index: number): string => rig.apis[index % 2]?.url ?? '';
const times = (count: number) => Array.from({ length: count }, (_, index) => index);

const cashOf = async ({ id }: RigPlayer): Promise<bigint> => {
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    id,
  ]);
  return BigInt(rows[0].cash);
};

describe.each(callerDialects)('%s', (dialect) => {
  test('fifty identical calls at once move money once and are answered alike', async () => {
    const player = await rig.fundedPlayer(100n * euro);
    const bet = newMovement({ dialect, kind: 'bet', player, amount: 3n * euro });
    const win = newMovement({
      ...bet,
      kind: 'win',
      externalId: randomUUID(),
      amount: 2n * euro,
      reference: bet.externalId,
    });
    const undo = newMovement({
      ...win,
      kind: 'rollback',
      externalId: randomUUID(),
      reference: win.externalId,
    });
    for (const [movement, left] of [
      [bet, 97n],
      [win, 99n],
      [undo, 97n],
    ] as const) {
      const answers = await Promise.all(times(50).map((index) => caller.call(apiFor(index), movement)));
      expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
      expect(new Set(answers.map(({ reply }) => reply)).size).toBe(1);
      expect(new Set(answers.map(({ balance }) => balance))).toEqual(new Set([left * euro]));
      expect(await cashOf(player)).toBe(left * euro);
    }
  });

  test('fifty bets that compete for one balance spend what there is and not a unit more', async () => {
    const player = await rig.fundedPlayer(100n * euro);
    const bets = times(50).map(() => newMovement({ dialect, kind: 'bet', player, amount: 9n * euro }));
    const answers = await Promise.all(bets.map((bet, index) => caller.call(apiFor(index), bet)));
    const taken = answers.filter(({ outcome }) => outcome === 'ok');
    const refusal = dialect === 'hub88' ? 'RS_ERROR_NOT_ENOUGH_MONEY' : '100';
    expect(taken).toHaveLength(11);
    expect(answers.filter(({ status }) => status === refusal)).toHaveLength(39);
    expect(await cashOf(player)).toBe(1n * euro);
    // Each was shown another balance: they happened one after the other.
    expect(new Set(taken.map(({ balance }) => balance)).size).toBe(11);
  });

  test.each([
    ['the bet first', false],
    ['the rollback first', true],
  ])('a bet that races its own rollback is never kept: %s', async (_, rollbackFirst) => {
    const player = await rig.fundedPlayer(100n * euro);
    for (const turn of times(25)) {
      const bet = newMovement({ dialect, kind: 'bet', player, amount: euro });
      const undo = newMovement({
        ...bet,
        kind: 'rollback',
        externalId: randomUUID(),
        reference: bet.externalId,
      });
      const [first, second] = rollbackFirst ? [undo, bet] : [bet, undo];
      const answers = await Promise.all([
        caller.call(apiFor(turn), first),
        caller.call(apiFor(turn + 1), second),
      ]);
      const [betAnswer, undoAnswer] = rollbackFirst ? answers.toReversed() : answers;
      expect(undoAnswer?.outcome).toBe('ok');
      expect(['RS_OK', 'RS_ERROR_TRANSACTION_ROLLED_BACK', 'OK']).toContain(betAnswer?.status);
      expect(await cashOf(player)).toBe(100n * euro);
      // Whoever comes again is told the same, by either process.
      const again = await Promise.all([caller.call(apiFor(turn + 1), bet), caller.call(apiFor(turn), undo)]);
      expect(again[1].reply).toBe(undoAnswer?.reply);
      if (betAnswer?.outcome === 'ok') expect(again[0].reply).toBe(betAnswer.reply);
      else expect(again[0].status).toBe(betAnswer?.status);
      expect(await cashOf(player)).toBe(100n * euro);
    }
  });

  test('both processes play the same players in opposite order, and neither waits for the other for good', async () => {
    const players = await Promise.all(times(16).map(() => rig.fundedPlayer(100n * euro)));
    for (const _ of times(5)) {
      const play = (order: readonly RigPlayer[], api: number) =>
        order.map((player) =>
          caller.call(apiFor(api), newMovement({ dialect, kind: 'bet', player, amount: euro })),
        );
      const answers = await Promise.all([...play(players, 0), ...play(players.toReversed(), 1)]);
      expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
    }
    expect(await Promise.all(players.map(cashOf))).toEqual(players.map(() => 90n * euro));
  });
});

test('opposing batches of the same players end in one order, each transaction once, without a deadlock', async () => {
  const players = await Promise.all(times(8).map(() => rig.fundedPlayer(100n * euro)));
  const expected = new Map(players.map((player) => [player, 100n * euro]));
  for (const turn of times(5)) {
    const batches = players.map((player) => {
      const round = randomUUID();
      const of = (kind: 'bet' | 'win', amount: bigint) =>
        newMovement({ dialect: 'a8r-v2', kind, player, round, amount });
      return { player, movements: [of('bet', 4n * euro), of('win', euro), of('bet', 2n * euro)] };
    });
    const send = (api: number, reversed: boolean) =>
      (reversed ? batches.toReversed() : batches).map(async ({ player, movements }) => ({
        player,
        answer: await caller.callBatch(apiFor(api), reversed ? movements.toReversed() : movements),
      }));
    const answers = await Promise.all([...send(turn, false), ...send(turn + 1, true)]);
    expect(new Set(answers.map(({ answer }) => answer.outcome))).toEqual(new Set(['ok']));
    for (const { player, movements } of batches) {
      const replies = answers.filter((one) => one.player === player).map(({ answer }) => answer.replies);
      for (const { externalId } of movements)
        expect(new Set(replies.map((reply) => reply.get(externalId))).size).toBe(1);
      expected.set(player, (expected.get(player) ?? 0n) - 5n * euro);
      expect(await cashOf(player)).toBe(expected.get(player));
    }
  }
});

test('a batch that races the rollback of all of it, last first, leaves nothing', async () => {
  const player = await rig.fundedPlayer(100n * euro);
  for (const turn of times(15)) {
    const round = randomUUID();
    const bets = times(3).map(() =>
      newMovement({ dialect: 'a8r-v2', kind: 'bet', player, round, amount: euro }),
    );
    const undo: Movement[] = bets
      .toReversed()
      .map((bet) =>
        newMovement({ ...bet, kind: 'rollback', externalId: randomUUID(), reference: bet.externalId }),
      );
    const answers = await Promise.all([
      caller.callBatch(apiFor(turn), bets),
      caller.callBatch(apiFor(turn + 1), undo),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
    expect(await cashOf(player)).toBe(100n * euro);
  }
});

test('after all of it the ledger is proven', async () => {
  expect(await rig.unproven()).toEqual([]);
});
