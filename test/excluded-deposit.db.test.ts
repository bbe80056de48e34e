/** A deposit that was admitted before its player excluded himself: nothing more is charged, wherever it stands. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockPlayer } from '#activities/pam/commands/player-lock.ts';
import { recordReturn } from '#activities/payments/commands/record-return.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  action,
  approved,
  askDeposit,
  attemptsOf,
  balancesOf,
  declined,
  excludeHimself,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
} from './workflows/payment-world.ts';

let database: TestDatabase;
let activities: ReturnType<typeof paymentActivities>['money'];
const alpha = scriptedPsp('alpha');
const beta = scriptedPsp('beta');

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
  const psps = new Map([
    ['alpha', alpha],
    ['beta', beta],
  ]);
  activities = paymentActivities(database.db, psps).money;
});
afterAll(() => database?.drop());

const exclude = (playerId: string): Promise<void> => excludeHimself(database.db, playerId);

async function asked(): Promise<{ playerId: string; depositId: string }> {
  const playerId = await makePlayer(database.db);
  const { id } = await askDeposit(database.db, playerId);
  return { playerId, depositId: id };
}

test('no further PSP is asked', async () => {
  const { playerId, depositId } = await asked();
  alpha.play({ authorise: [declined('issuer_unavailable')] });
  beta.play({ authorise: [approved], status: [approved] });
  await activities.authoriseAttempt({ depositId, number: 1 });
  await exclude(playerId);
  const second = { depositId, number: 2 };
  expect(await activities.startAttempt({ ...second, psp: 'beta', stepUp: false })).toMatchObject({
    state: 'declined',
    declineClass: 'hard_never',
  });
  expect(await activities.authoriseAttempt(second)).toMatchObject({ state: 'declined' });
  expect(beta.calls).toEqual([]);
  expect(await attemptsOf(database.db, depositId)).toEqual(['alpha:declined', 'beta:declined']);
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 0n, held: 0n });
});

test('a charge that had not left yet is not sent, whether its player is excluded or was locked', async () => {
  const excluded = await asked();
  await exclude(excluded.playerId);
  const locked = await asked();
  const order = { playerId: locked.playerId, operatorId: randomUUID(), reason: 'a stolen account' };
  orThrow(await lockPlayer(database.db, order));
  alpha.play({ authorise: [approved], status: [approved] });
  for (const { depositId } of [excluded, locked])
    expect(await activities.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'declined' });
  expect(alpha.calls).toEqual([]);
});

test('a challenge that the player comes back from is cancelled at its PSP', async () => {
  const { playerId, depositId } = await asked();
  alpha.play({
    authorise: [action],
    continued: [approved],
    status: [approved],
    cancel: [() => ({ kind: 'cancelled', pspReference: 'psp-1' })],
  });
  await activities.authoriseAttempt({ depositId, number: 1 });
  await exclude(playerId);
  await recordReturn(database.db, depositId, { playerId }, { redirectResult: 'opaque' });
  expect(await activities.continueAttempt({ depositId, number: 1 })).toMatchObject({ state: 'cancelled' });
  expect(alpha.calls).toEqual(['authorise', 'cancel']);
});

test('nobody else is stopped', async () => {
  const { depositId } = await asked();
  alpha.play({ authorise: [approved], status: [approved] });
  expect(await activities.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'approved' });
});
