/** Money that comes after its deposit was given up: it is the player's, and counts against his deposit limit again. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  balancesOf,
  declined,
  limitTaken,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
} from '#test/workflows/payment-world.ts';

let database: TestDatabase;
const alpha = scriptedPsp('alpha');

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 60_000);
afterAll(() => database?.drop());

const acts = () => paymentActivities(database.db, new Map([['alpha', alpha]]));

/** A deposit that was declined, given up, and whose PSP says now that it took the money. */
async function givenUp(playerId: string, amount: string): Promise<string> {
  const { id: depositId } = await askDeposit(database.db, playerId, amount);
  alpha.play({ authorise: [declined('generic')], status: [approved] });
  const { money, provider } = acts();
  await provider.authoriseAttempt({ depositId, number: 1 });
  await money.failDeposit({ depositId, reason: 'declined' });
  return depositId;
}

async function comesLate(depositId: string): Promise<void> {
  const { money, provider } = acts();
  alpha.play({ status: [approved] });
  expect(await provider.refreshAttempt({ depositId, number: 1 })).toMatchObject({
    state: 'late_approved',
  });
  expect(await money.captureDeposit({ depositId, number: 1 })).toEqual({ kind: 'captured' });
}

test('a late success takes its share of the limit again, once', async () => {
  const playerId = await makePlayer(database.db);
  const depositId = await givenUp(playerId, '50.00');
  expect(await limitTaken(database.db, playerId)).toBe(0n);
  await comesLate(depositId);
  expect(await limitTaken(database.db, playerId)).toBe(50n);
  expect(await acts().money.captureDeposit({ depositId, number: 1 })).toEqual({ kind: 'captured' });
  expect(await limitTaken(database.db, playerId)).toBe(50n);
});

test('a late success is credited above the limit, and nothing more is taken until the window moves on', async () => {
  const playerId = await makePlayer(database.db);
  const depositId = await givenUp(playerId, '600.00');
  const { id: other } = await askDeposit(database.db, playerId, '600.00');
  alpha.play({ authorise: [approved], status: [approved] });
  await acts().provider.authoriseAttempt({ depositId: other, number: 1 });
  await acts().money.captureDeposit({ depositId: other, number: 1 });
  await comesLate(depositId);
  expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 1_200n });
  expect(await limitTaken(database.db, playerId)).toBe(1_200n);
  await expect(askDeposit(database.db, playerId, '1.00')).rejects.toMatchObject({
    failure: { code: 'deposit-limit-exceeded' },
  });
});
