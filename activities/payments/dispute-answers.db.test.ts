/** An answer to a dispute leaves by two people: one proposes it, another one sends what was shown, or it is taken back. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  fingerprintOf,
  keyPlayer,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { recordDispute, type DisputeRow } from './commands/dispute-notices.ts';
import {
  decideDisputeResponse,
  openEvidence,
  recordDisputeResponse,
  type DisputeResponseDecision,
} from './commands/record-dispute-response.ts';

let database: TestDatabase;
const alpha = scriptedPsp('alpha');
const [ann, ben] = [randomUUID(), randomUUID()];

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 60_000);
afterAll(() => database?.drop());

/** A dispute that waits for an answer. */
async function disputed(): Promise<DisputeRow> {
  const { db } = database;
  const playerId = await makePlayer(db);
  await keyPlayer(db, playerId);
  const deposit = await askDeposit(db, playerId, '20.00');
  alpha.play({ authorise: [approved], status: [approved] });
  const { money, provider } = paymentActivities(db, new Map([['alpha', alpha]]));
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  await money.captureDeposit({ depositId: deposit.id, number: 1 });
  const row = await recordDispute(db, 'alpha', {
    pspReference: `du_${randomUUID()}`,
    chargeReference: `psp-deposit:${deposit.id}:a1`,
  });
  return db
    .updateTable('payments.dispute')
    .set({ stage: 'chargeback', status: 'needs-response' })
    .where('id', '=', row?.id ?? '')
    .returningAll()
    .executeTakeFirstOrThrow();
}

const propose = (
  row: DisputeRow,
  evidence: string | null = 'The player was signed in from his own device.',
) => {
  const responseId = randomUUID();
  return database.db.transaction().execute((trx) =>
    recordDisputeResponse(trx, testKeyRing, {
      responseId,
      disputeId: row.id,
      evidence,
      reason: 'the player was there',
      operatorId: ann,
      role: 'payments',
      fingerprint: fingerprintOf(responseId),
    }),
  );
};

const decide = (row: DisputeRow, responseId: string, changes: Partial<DisputeResponseDecision> = {}) =>
  database.db.transaction().execute((trx) =>
    decideDisputeResponse(trx, {
      responseId,
      disputeId: row.id,
      decision: 'send',
      contentHash: fingerprintOf(responseId).toString('hex'),
      reason: 'it is all there',
      operatorId: ben,
      ...changes,
    }),
  );

test('what one person proposed another one sends, as it was shown, once', async () => {
  const row = await disputed();
  const answer = orThrow(await propose(row));
  expect(answer.state).toBe('proposed');
  expect(await openEvidence(database.db, testKeyRing, answer, row.playerId)).toContain('signed in');
  expect(await decide(row, answer.id, { operatorId: ann })).toMatchObject({
    failure: { code: 'own-approval' },
  });
  expect(await decide(row, answer.id, { operatorId: row.playerId })).toMatchObject({
    failure: { code: 'own-approval' },
  });
  expect(await decide(row, answer.id, { contentHash: '0'.repeat(64) })).toMatchObject({
    failure: { code: 'dispute-not-open' },
  });
  expect(await decide(await disputed(), answer.id)).toMatchObject({ failure: { code: 'not-found' } });
  expect(await decide(row, answer.id)).toMatchObject({ value: { state: 'recorded', decidedBy: ben } });
  expect(await decide(row, answer.id)).toMatchObject({ ok: true });
  expect(await decide(row, answer.id, { operatorId: randomUUID() })).toMatchObject({
    failure: { code: 'already-decided' },
  });
  const told = await database.db
    .selectFrom('compliance.audit')
    .select('action')
    .where('subject', '=', `dispute:${row.id}`)
    .where('action', 'like', 'payments.dispute-answer.%')
    .orderBy('id')
    .execute();
  expect(told.map(({ action }) => action)).toEqual([
    'payments.dispute-answer.proposed',
    'payments.dispute-answer.approved',
  ]);
});

test('an answer that was taken back frees its stage, and one that waits keeps it', async () => {
  const row = await disputed();
  const answer = orThrow(await propose(row, null));
  expect(await propose(row)).toMatchObject({ failure: { code: 'dispute-not-open' } });
  expect(await decide(row, answer.id, { decision: 'withdraw', operatorId: ann })).toMatchObject({
    value: { state: 'withdrawn' },
  });
  expect(await decide(row, answer.id)).toMatchObject({ failure: { code: 'already-decided' } });
  expect(await propose(row)).toMatchObject({ ok: true });
});

test('nothing is sent once the deadline has passed or the dispute has moved on', async () => {
  const [late, moved] = [await disputed(), await disputed()];
  const [lateAnswer, movedAnswer] = [orThrow(await propose(late)), orThrow(await propose(moved))];
  const { db } = database;
  await db.updateTable('payments.dispute').set({ expiredAt: new Date() }).where('id', '=', late.id).execute();
  await db
    .updateTable('payments.dispute')
    .set({ status: 'lost', closedAt: new Date() })
    .where('id', '=', moved.id)
    .execute();
  for (const [row, answer] of [
    [late, lateAnswer],
    [moved, movedAnswer],
  ] as const)
    expect(await decide(row, answer.id)).toMatchObject({ failure: { code: 'dispute-not-open' } });
});

test('the database sends nothing on one person’s word', async () => {
  const answer = orThrow(await propose(await disputed()));
  const decidedBy = (operatorId: string | null) =>
    database.db
      .updateTable('payments.disputeResponse')
      .set({
        state: 'recorded',
        ...(operatorId === null
          ? {}
          : { decidedBy: operatorId, decisionReason: 'by myself', decidedAt: new Date() }),
      })
      .where('id', '=', answer.id)
      .execute();
  await expect(decidedBy(null)).rejects.toThrow(/dispute_response_decided/);
  await expect(decidedBy(ann)).rejects.toThrow(/dispute_response_decided/);
  await decidedBy(ben);
  await expect(decidedBy(randomUUID())).rejects.toThrow(/is decided/);
});
