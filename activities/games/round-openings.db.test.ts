/** A round that was over and takes another stake is open again: guarded again, and asked about by a workflow of its own. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { orThrow } from '#domain/failures.ts';
import type { BetCommand, GameCommand, RollbackCommand, WinCommand } from '#domain/wallet/commands.ts';
import { makeFundedWallet } from '#test/support/factories.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { claimExpiredRounds } from './guard.ts';

const euro = 10n ** 12n;
let database: TestDatabase;
let wallet: WalletWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.db
    .insertInto('wallet.asset')
    .values({ code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 })
    .onConflict((oc) => oc.doNothing())
    .execute();
  wallet = createWalletWriter({ pool: database.pool });
});
afterAll(async () => {
  await wallet?.close();
  await database?.drop();
});

async function fundedPlayer(): Promise<string> {
  return makeFundedWallet(database.db, 100n * euro);
}

const fingerprint = (...parts: unknown[]) => createHash('sha256').update(parts.join('\n')).digest('hex');
const key = () => ({ integration: 'studio', externalId: randomUUID() });

const bet = (playerId: string, amount = 10n * euro, more: Partial<BetCommand> = {}): BetCommand => ({
  kind: 'bet',
  key: key(),
  playerId,
  asset: 'EUR',
  game: 'slot',
  round: playerId,
  roundClosed: false,
  fingerprint: fingerprint('bet', amount),
  amount,
  sessionIssuedAtMs: Date.now(),
  sessionExpiresAtMs: Date.now() + 3_600_000,
  contributionBps: 10_000,
  guardMs: 1,
  ...more,
});
const win = (of: BetCommand, roundClosed: boolean): WinCommand => ({
  ...of,
  kind: 'win',
  key: key(),
  betExternalId: of.key.externalId,
  roundClosed,
  fingerprint: fingerprint('win', of.amount),
});
const rollback = (of: BetCommand, roundClosed = false): RollbackCommand => ({
  ...of,
  kind: 'rollback',
  key: key(),
  originalExternalId: of.key.externalId,
  roundClosed,
  fingerprint: fingerprint('rollback', of.key.externalId),
});

/** All at once, so that they are decided in this order and written by one statement. */
const play = async (...commands: GameCommand[]) => orThrow(await wallet.submitBatch(commands));
const rowOf = async (playerId: string) =>
  database.db
    .selectFrom('games.round')
    .selectAll()
    .where('roundRef', '=', playerId)
    .executeTakeFirstOrThrow();
const claimsOf = async (playerId: string) =>
  (await claimExpiredRounds(database.db, 1_000)).filter((claimed) => claimed.playerId === playerId);

test('a stake in a void round opens it again, and the guard hands it to a workflow of its own', async () => {
  const playerId = await fundedPlayer();
  const first = bet(playerId);
  await play(first);
  await expect.poll(() => claimsOf(playerId)).toMatchObject([{ opening: 1 }]);
  await play(rollback(first));
  expect(await rowOf(playerId)).toMatchObject({ state: 'void', staked: '0' });
  await play(bet(playerId, 7n * euro));
  expect(await rowOf(playerId)).toMatchObject({
    state: 'open',
    staked: String(7n * euro),
    openings: 2,
    closedAt: null,
    guardedAt: null,
  });
  await expect.poll(() => claimsOf(playerId)).toMatchObject([{ opening: 2 }]);
});

test('a stake in a settled round opens it again', async () => {
  const playerId = await fundedPlayer();
  const first = bet(playerId);
  await play(first);
  await play(win(first, true));
  expect(await rowOf(playerId)).toMatchObject({ state: 'settled', openings: 1 });
  await play(bet(playerId));
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 2, closedAt: null });
  await play(bet(playerId));
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 2 });
});

test('a stake that ends its own round leaves it settled, also where it was void', async () => {
  const playerId = await fundedPlayer();
  const first = bet(playerId);
  await play(first);
  await play(rollback(first));
  await play(bet(playerId, euro, { roundClosed: true }));
  expect(await rowOf(playerId)).toMatchObject({ state: 'settled', openings: 1 });
  expect((await rowOf(playerId)).closedAt).not.toBeNull();
});

test('wins, rollbacks and closing calls open nothing', async () => {
  const playerId = await fundedPlayer();
  const [first, second] = [bet(playerId), bet(playerId)];
  await play(first, second);
  await play(win(first, true));
  await play(win(second, false));
  expect(await rowOf(playerId)).toMatchObject({ state: 'settled', openings: 1 });
  await play(rollback(second));
  expect(await rowOf(playerId)).toMatchObject({ state: 'settled', openings: 1 });
  await play(rollback(first));
  expect(await rowOf(playerId)).toMatchObject({ state: 'void', openings: 1 });
  await play(rollback(first, true));
  expect(await rowOf(playerId)).toMatchObject({ state: 'void', openings: 1 });
});

test('in one batch it is the order that counts: what was staked after the end is open', async () => {
  const playerId = await fundedPlayer();
  const first = bet(playerId);
  await play(first);
  await play(win(first, true), bet(playerId));
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 1 });
  await play(bet(playerId), rollback(first, true));
  expect(await rowOf(playerId)).toMatchObject({ state: 'settled' });
  const third = bet(playerId, 30n * euro);
  await play(third);
  await play(win(third, true));
  // Less is staked anew than is given back, and still somebody has to ask about it.
  await play(rollback(third), bet(playerId, euro));
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 3 });
});

test('a free bet opens its round again, too: its winnings have to be asked about', async () => {
  const playerId = await fundedPlayer();
  const first = bet(playerId);
  await play(first);
  await play(win(first, true));
  await play(bet(playerId, 0n));
  expect(await rowOf(playerId)).toMatchObject({ state: 'settled' });
  await play(bet(playerId, 0n, { isFree: true }));
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 2 });
});

test('a round that began with a win and was settled has a workflow already, so its first stake is a second opening', async () => {
  const playerId = await fundedPlayer();
  const alone = { ...win(bet(playerId), false), betExternalId: null };
  await play(alone);
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 0 });
  await expect.poll(() => claimsOf(playerId)).toMatchObject([{ opening: 1 }]);
  await play({ ...alone, key: key(), roundClosed: true });
  await play(bet(playerId));
  expect(await rowOf(playerId)).toMatchObject({ state: 'open', openings: 2 });
});
