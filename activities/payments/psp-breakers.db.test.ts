/** A PSP that gives no answers, over real rows: charges are held back as proven not sent, and one answer brings it back. */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  attemptsOf,
  makePlayer,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  unknown,
} from '#test/workflows/payment-world.ts';
import { createDepositAttemptActivities } from './deposit-attempts.ts';
import { createPspBreakers } from './psp-breakers.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
});
afterAll(() => database?.drop());

test('after five charges without an answer a PSP is left alone, then probed by one, and comes back', async () => {
  const { db } = database;
  const alpha = scriptedPsp('alpha');
  let nowMs = 0;
  const breakers = createPspBreakers(() => nowMs);
  const { authoriseAttempt } = createDepositAttemptActivities({
    db,
    psps: new Map([['alpha', alpha]]),
    breakers,
    keyRing: testKeyRing,
    publicUrl: 'http://api.test',
    log: pino({ level: 'silent' }),
  });
  const playerId = await makePlayer(db);
  const charge = async (): Promise<string[]> => {
    const { id } = await askDeposit(db, playerId, '1.00');
    await authoriseAttempt({ depositId: id, number: 1 });
    return attemptsOf(db, id);
  };
  alpha.play({ authorise: [unknown], status: [unknown] });
  for (let number = 1; number <= 5; number += 1) expect(await charge()).toEqual(['alpha:unknown']);
  expect(breakers.states().get('alpha')).toBe('open');
  alpha.play({ authorise: [approved], status: [approved] });
  expect(await charge()).toEqual(['alpha:not_sent']);
  expect(alpha.calls).toEqual([]);
  nowMs += 5_000;
  expect(await charge()).toEqual(['alpha:approved']);
  expect(breakers.states().get('alpha')).toBe('closed');
});

test('a charge that left before the PSP was left alone, and is answered late, brings nobody back', async () => {
  const { db } = database;
  const alpha = scriptedPsp('alpha');
  const breakers = createPspBreakers(() => 0);
  const { authoriseAttempt } = createDepositAttemptActivities({
    db,
    psps: new Map([['alpha', alpha]]),
    breakers,
    keyRing: testKeyRing,
    publicUrl: 'http://api.test',
    log: pino({ level: 'silent' }),
  });
  const playerId = await makePlayer(db);
  let answer: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let left: () => void = () => {};
  const sent = new Promise<void>((resolve) => {
    left = resolve;
  });
  alpha.play({
    authorise: [
      async (order) => {
        left();
        await late;
        return approved(order);
      },
      unknown,
    ],
    status: [approved],
  });
  const slow = await askDeposit(db, playerId, '1.00');
  const waiting = authoriseAttempt({ depositId: slow.id, number: 1 });
  await sent;
  for (let number = 1; number <= 5; number += 1) {
    const { id } = await askDeposit(db, playerId, '1.00');
    await authoriseAttempt({ depositId: id, number: 1 });
  }
  expect(breakers.states().get('alpha')).toBe('open');
  answer();
  await waiting;
  // Its money counts, and its word about the PSP does not.
  expect(await attemptsOf(db, slow.id)).toEqual(['alpha:approved']);
  expect(breakers.states().get('alpha')).toBe('open');
});
