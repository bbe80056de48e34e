/** What a connector is told when it is asked about a call of ours: from when it is, and whether it may be repeated. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  makePlayer,
  notSent,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  unknown,
} from '#test/workflows/payment-world.ts';
import { startWithdrawal } from '#test/workflows/payout-acts.ts';
import type { PaymentOrder } from './connectors.ts';

let database: TestDatabase;
const alpha = scriptedPsp('alpha');
const beta = scriptedPsp('beta');
const activities = () =>
  paymentActivities(
    database.db,
    new Map([
      ['alpha', alpha],
      ['beta', beta],
    ]),
  );

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
});
afterAll(() => database?.drop());

test('a payout is looked for from when it was sent, not from when its row was written', async () => {
  const { db } = database;
  const { money, provider } = activities();
  const playerId = await makePlayer(db);
  const seen: Date[] = [];
  alpha.play({
    authorise: [approved],
    status: [approved],
    payout: [
      (order) => {
        seen.push(order.sentAt);
        return unknown();
      },
    ],
    payoutStatus: [
      (order) => {
        seen.push(order.sentAt);
        return unknown();
      },
    ],
  });
  const { id: depositId } = await askDeposit(db, playerId);
  await provider.authoriseAttempt({ depositId, number: 1 });
  await money.captureDeposit({ depositId, number: 1 });
  const { id: instrumentId } = await db
    .selectFrom('payments.instrument')
    .select('id')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  const { withdrawalId, number } = await startWithdrawal(
    db,
    { money, provider },
    { playerId, instrumentId, amount: '20.00' },
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  await provider.sendPayout({ withdrawalId, number });
  await provider.refreshPayout({ withdrawalId, number });
  const row = await db
    .selectFrom('payments.payoutAttempt')
    .select(['startedAt', 'sentAt'])
    .where('withdrawalId', '=', withdrawalId)
    .executeTakeFirstOrThrow();
  expect(seen).toEqual([row.sentAt, row.sentAt]);
  expect(Number(row.sentAt) - row.startedAt.getTime()).toBeGreaterThanOrEqual(50);
});

test('a call that is closed as never sent is asked about as closed, so that nobody repeats its key', async () => {
  const { db } = database;
  const { provider } = activities();
  const playerId = await makePlayer(db);
  const { id: depositId } = await askDeposit(db, playerId);
  const asked: (boolean | undefined)[] = [];
  const look = (order: PaymentOrder): PspOutcome => {
    asked.push(order.isClosed);
    return { kind: 'not_found', authoritative: false };
  };
  alpha.play({ authorise: [notSent], status: [look] });
  expect(await provider.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'not_sent' });
  expect(await provider.refreshAttempt({ depositId, number: 1 })).toMatchObject({
    state: 'not_sent',
  });
  const open = await askDeposit(db, playerId);
  alpha.play({ authorise: [unknown], status: [look] });
  await provider.authoriseAttempt({ depositId: open.id, number: 1 });
  await provider.refreshAttempt({ depositId: open.id, number: 1 });
  expect(asked).toEqual([true, false]);
});

test('a call is as old as its row says, whoever asks and however late', async () => {
  const { db } = database;
  const { provider } = activities();
  const playerId = await makePlayer(db);
  const { id: depositId } = await askDeposit(db, playerId);
  const agesMs: number[] = [];
  const look = ({ ageMs }: PaymentOrder): PspOutcome => {
    agesMs.push(ageMs);
    return unknown();
  };
  alpha.play({ authorise: [unknown], status: [look] });
  await provider.authoriseAttempt({ depositId, number: 1 });
  await db
    .updateTable('payments.attempt')
    .set({ sentAt: sql<Date>`now() - interval '2 hours'` })
    .where('depositId', '=', depositId)
    .execute();
  await provider.refreshAttempt({ depositId, number: 1 });
  expect(agesMs[0]).toBeGreaterThanOrEqual(2 * 3_600_000);
  expect(agesMs[0]).toBeLessThan(2.5 * 3_600_000);
});
