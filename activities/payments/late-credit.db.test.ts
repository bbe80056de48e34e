/** Money that comes after its deposit was given up: it is the player's, and counts against his deposit limit again. */
import { expect, test } from 'vitest';
import { openAlphaWorld } from '#test/workflows/alpha-world.ts';
import {
  approved,
  askDeposit,
  balancesOf,
  declined,
  limitTaken,
  makePlayer,
} from '#test/workflows/payment-world.ts';

const world = openAlphaWorld();
const { alpha, acts } = world;

/** A deposit that was declined, given up, and whose PSP says now that it took the money. */
async function givenUp(playerId: string, amount: string): Promise<string> {
  const { id: depositId } = await askDeposit(world.db, playerId, amount);
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
  const playerId = await makePlayer(world.db);
  const depositId = await givenUp(playerId, '50.00');
  expect(await limitTaken(world.db, playerId)).toBe(0n);
  await comesLate(depositId);
  expect(await limitTaken(world.db, playerId)).toBe(50n);
  expect(await acts().money.captureDeposit({ depositId, number: 1 })).toEqual({ kind: 'captured' });
  expect(await limitTaken(world.db, playerId)).toBe(50n);
});

test('a late success is credited above the limit, and nothing more is taken until the window moves on', async () => {
  const playerId = await makePlayer(world.db);
  const depositId = await givenUp(playerId, '600.00');
  const { id: other } = await askDeposit(world.db, playerId, '600.00');
  alpha.play({ authorise: [approved], status: [approved] });
  await acts().provider.authoriseAttempt({ depositId: other, number: 1 });
  await acts().money.captureDeposit({ depositId: other, number: 1 });
  await comesLate(depositId);
  expect(await balancesOf(world.db, playerId)).toMatchObject({ cash: 1_200n });
  expect(await limitTaken(world.db, playerId)).toBe(1_200n);
  await expect(askDeposit(world.db, playerId, '1.00')).rejects.toMatchObject({
    failure: { code: 'deposit-limit-exceeded' },
  });
});
