/** Who may not decide on a payment, in the activity and, for withdrawals, past it in the database. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { openAlphaWorld } from '#test/workflows/alpha-world.ts';
import {
  approved,
  askDeposit,
  brand,
  fingerprintOf,
  makePlayer,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { requestModification } from './commands/request-modification.ts';
import { requestRefund } from './commands/request-refund.ts';
import { requestWithdrawal } from './commands/request-withdrawal.ts';
import type { WithdrawalRow } from './payment-rows.ts';

const world = openAlphaWorld();
const { alpha, acts } = world;

type Paid = { readonly playerId: string; readonly depositId: string };

/** A captured deposit of 200 euros by the player with this address. */
async function paidBy(email: string): Promise<Paid> {
  const { db } = world;
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
  return { playerId, depositId };
}

/** A withdrawal that waits for people. */
async function waiting(email: string): Promise<WithdrawalRow> {
  const { db } = world;
  const { playerId, depositId } = await paidBy(email);
  const { money } = acts();
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
  await world.database.ownerPool.query(
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
  await world.database.ownerPool.query(
    `insert into kyc.screening (id, subject, number, player_id, brand, state, list_version, hit_ids, answered_at, decided_by, decided_at, reason)
     values ($1, $2, 1, $3, $4, 'cleared', 'l1', '{x}', now(), $5, now(), 'another person')`,
    [randomUUID(), `withdrawal:${row.id}`, row.playerId, brand, cleo],
  );
  await expect(decide(row, cleo)).rejects.toMatchObject(ownApproval);
  const forged = world.db.insertInto('payments.withdrawalApproval').values({
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

const wishBy = (operatorId: string, depositId: string) => {
  const id = randomUUID();
  return {
    depositId,
    reason: 'asked for by the player',
    operatorId,
    roles: ['support'],
    fingerprint: fingerprintOf(id),
    money: { amount: '150.00', asset: 'EUR' },
    id,
  };
};

const refund = (operatorId: string, depositId: string) => {
  const { id: refundId, ...wish } = wishBy(operatorId, depositId);
  return world.db.transaction().execute((trx) => requestRefund(trx, testKeyRing, { ...wish, refundId }));
};

test('an operator neither asks for nor decides on a refund to the player with his own address', async () => {
  const { depositId } = await paidBy('rita.both@example.test');
  const rita = await hire('rita.both@example.test');
  expect(await refund(rita, depositId)).toMatchObject(ownApproval);
  const row = orThrow(await refund(await hire('otto@example.test'), depositId));
  const { money } = acts();
  await money.beginRefund({ refundId: row.id });
  const word = (operatorId: string, decision: 'approve' | 'refuse') =>
    money.recordRefundDecision({
      refundId: row.id,
      operatorId,
      role: 'payments-lead',
      decision,
      reason: 'read and agreed',
      payloadHash: row.payloadHash.toString('hex'),
    });
  await expect(word(rita, 'approve')).rejects.toMatchObject(ownApproval);
  await expect(word(rita, 'refuse')).rejects.toMatchObject(ownApproval);
  expect(await word(await hire('olga@example.test'), 'approve')).toMatchObject({ state: 'approved' });
});

test('an operator neither captures nor voids a deposit of the player with his own address', async () => {
  const { depositId } = await paidBy('vera.both@example.test');
  const ask = (operatorId: string, kind: 'capture' | 'void') => {
    const { id: modificationId, ...wish } = wishBy(operatorId, depositId);
    return world.db.transaction().execute((trx) =>
      requestModification(trx, testKeyRing, {
        ...wish,
        modificationId,
        kind,
        isFinal: true,
        money: null,
      }),
    );
  };
  const vera = await hire('vera.both@example.test');
  expect(await ask(vera, 'capture')).toMatchObject(ownApproval);
  expect(await ask(vera, 'void')).toMatchObject(ownApproval);
  // Anybody else is told what is the matter with it: nothing is held.
  expect(await ask(await hire('oscar@example.test'), 'void')).toMatchObject({
    failure: { code: 'modification-not-open' },
  });
});
