/** Who may not decide on a withdrawal, in the activity and past it in the database. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { requestWithdrawal } from './commands/request-withdrawal.ts';
import type { WithdrawalRow } from './payment-rows.ts';

let database: TestDatabase;
const alpha = scriptedPsp('alpha');

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 120_000);
afterAll(() => database?.drop());

const acts = () => paymentActivities(database.db, new Map([['alpha', alpha]]));

/** A withdrawal that waits for people. */
async function waiting(email: string): Promise<WithdrawalRow> {
  const { db } = database;
  const playerId = await makePlayer(db);
  await db
    .updateTable('pam.player')
    .set({ emailIndex: testKeyRing.blindIndex(email) })
    .where('id', '=', playerId)
    .execute();
  const { id: depositId } = await askDeposit(db, playerId, '200.00');
  alpha.play({ authorise: [approved], status: [approved] });
  const { money, provider } = acts();
  await provider.authoriseAttempt({ depositId, number: 1 });
  await money.captureDeposit({ depositId, number: 1 });
  const { instrumentId } = await db
    .selectFrom('payments.deposit')
    .select('instrumentId')
    .where('id', '=', depositId)
    .executeTakeFirstOrThrow();
  const withdrawalId = randomUUID();
  const row = orThrow(
    await requestWithdrawal(db, {
      withdrawalId,
      playerId,
      brand,
      money: { amount: '150.00', asset: 'EUR' },
      instrumentId: instrumentId ?? '',
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
  await money.checkWithdrawal({ withdrawalId });
  await money.askForApproval({ withdrawalId, approvals: 2, reasons: [] });
  return row;
}

async function hire(email: string): Promise<string> {
  const id = randomUUID();
  await database.ownerPool.query(
    `insert into backoffice.operator (id, email, name, password_hash) values ($1, $2, 'Some Body', 'x')`,
    [id, email],
  );
  return id;
}

const decide = (row: WithdrawalRow, operatorId: string, decision: 'approve' | 'refuse' = 'approve') =>
  acts().money.recordApproval({
    withdrawalId: row.id,
    operatorId,
    role: 'payments',
    decision,
    reason: 'as asked',
    payloadHash: row.payloadHash.toString('hex'),
  });

const ownApproval = { failure: { code: 'own-approval' } };

test('an operator decides neither way on a withdrawal of a player with his own address', async () => {
  const row = await waiting('ann.both@example.test');
  const ann = await hire('ann.both@example.test');
  await expect(decide(row, ann)).rejects.toMatchObject(ownApproval);
  await expect(decide(row, ann, 'refuse')).rejects.toMatchObject(ownApproval);
  await decide(row, await hire('ben@example.test'));
});

test('who has cleared the match of a withdrawal with a list does not approve it, past the code neither', async () => {
  const row = await waiting('player.two@example.test');
  const cleo = await hire('cleo@example.test');
  await database.ownerPool.query(
    `insert into kyc.screening (id, subject, number, player_id, brand, state, list_version, hit_ids, answered_at, decided_by, decided_at, reason)
     values ($1, $2, 1, $3, $4, 'cleared', 'l1', '{x}', now(), $5, now(), 'another person')`,
    [randomUUID(), `withdrawal:${row.id}`, row.playerId, brand, cleo],
  );
  await expect(decide(row, cleo)).rejects.toMatchObject(ownApproval);
  const forged = database.db.insertInto('payments.withdrawalApproval').values({
    withdrawalId: row.id,
    operatorId: cleo,
    decision: 'approve',
    reason: 'forged',
    payloadHash: row.payloadHash,
    role: 'payments',
  });
  await expect(forged.execute()).rejects.toThrow(/had a hand/);
  await decide(row, cleo, 'refuse');
});
