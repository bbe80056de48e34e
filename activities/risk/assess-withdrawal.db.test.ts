/** Assessments on the real tables: the facts are read right, and a verdict is given once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { everyBet } from '#domain/games/book/bet-lanes.ts';
import { createBookWorld, homeOf, homeWins } from '#test/support/book-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, openTestSession, seedProtection } from '#test/support/protected-player.ts';
import { settleSinglesPage } from '../games/book/market-activities.ts';
import { createRiskActivities } from './assess-withdrawal.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await seedProtection(database);
});
afterAll(() => database.drop());

const assess = (playerId: string, withdrawalId: string = randomUUID()) =>
  createRiskActivities({ db: database.db }).assessWithdrawal({
    withdrawalId,
    playerId,
    money: { amount: '50.00', asset: 'EUR' },
  });

async function capturedDeposit(playerId: string, euros: number): Promise<void> {
  await database.ownerPool.query(
    `insert into payments.deposit (id, player_id, brand, jurisdiction, jurisdiction_version, method, asset, amount, state,
       options, route_version, return_url, fingerprint, captured_psp, first, captured_at)
     values ($1, $2, 'aurora', 'MT', 1, 'card', 'EUR', $3::numeric * 1000000000000, 'captured',
       '[]', 1, 'https://x.test', '\\x00', 'alpha', false, now())`,
    [randomUUID(), playerId, euros],
  );
}

test('a new player is reviewed for each reason, and the stored facts are the ones of the tables', async () => {
  const { playerId } = await createTestPlayer(database);
  await capturedDeposit(playerId, 20);
  await openTestSession(database, { playerId });
  const withdrawalId = randomUUID();
  const verdict = await assess(playerId, withdrawalId);
  expect(verdict).toEqual({
    outcome: 'review',
    reasons: ['young-account', 'first-withdrawal', 'little-play'],
    ruleVersion: 'withdrawal-3',
  });
  const row = await database.db
    .selectFrom('risk.assessment')
    .select('facts')
    .where('subject', '=', `withdrawal:${withdrawalId}`)
    .executeTakeFirstOrThrow();
  expect(row.facts).toMatchObject({
    deposited: '20000000000000',
    requested: '50000000000000',
    devices: 1,
    linkedPlayers: 0,
  });
});

test('asked again, it answers what it answered although the facts have changed', async () => {
  const { playerId } = await createTestPlayer(database);
  const withdrawalId = randomUUID();
  const first = await assess(playerId, withdrawalId);
  await capturedDeposit(playerId, 1000);
  expect(await assess(playerId, withdrawalId)).toEqual(first);
  const events = await database.db
    .selectFrom('compliance.audit')
    .select('action')
    .where('subject', '=', `withdrawal:${withdrawalId}`)
    .execute();
  expect(events).toEqual([{ action: 'risk.assessment.made' }]);
});

test('a device of many players is refused, and an address that is new on an old account is noticed', async () => {
  const deviceId = randomUUID();
  for (let n = 0; n < 10; n += 1)
    await openTestSession(database, await createTestPlayer(database), { deviceId });
  const { playerId } = await createTestPlayer(database);
  await openTestSession(database, { playerId }, { deviceId });
  expect(await assess(playerId)).toMatchObject({
    outcome: 'refuse',
    reasons: expect.arrayContaining(['device-of-many-players', 'shared-device']),
  });
  const old = await createTestPlayer(database);
  await database.ownerPool.query('alter table pam.player disable trigger user');
  await database.ownerPool.query(
    `update pam.player set registered_at = now() - interval '9 days' where id = $1`,
    [old.playerId],
  );
  await database.ownerPool.query('alter table pam.player enable trigger user');
  await openTestSession(database, old);
  const { reasons } = await assess(old.playerId);
  expect(reasons).toContain('new-address');
  expect(reasons).not.toContain('young-account');
  // A proxy that was started anew has a new address, and tells nothing of the players behind it.
  await openTestSession(database, old, { ip: '10.8.0.3' });
  expect((await assess(old.playerId)).reasons).not.toContain('new-address');
});

test('sports stakes are play, and those of void bets are none', async () => {
  const book = createBookWorld(database);
  const bettor = await book.makeBettor();
  await capturedDeposit(bettor.id, 20);
  const [won, abandoned] = [await book.makeMarket(), await book.makeMarket()];
  for (const match of [won, abandoned]) orThrow(await book.place(bettor, [homeOf(match)]));
  await book.result(won, homeWins);
  await settleSinglesPage(database.db, { ...won, version: 1 }, homeWins, everyBet, 10);
  expect((await assess(bettor.id)).reasons).not.toContain('little-play');

  const voided = { home: { result: 'void' }, draw: { result: 'void' }, away: { result: 'void' } } as const;
  await book.result(abandoned, voided);
  await settleSinglesPage(database.db, { ...abandoned, version: 1 }, voided, everyBet, 10);
  expect((await assess(bettor.id)).reasons).toContain('little-play');
});

test('nobody is assessed who is not there', async () => {
  await expect(assess(randomUUID())).rejects.toMatchObject({ failure: { code: 'not-found' } });
});
