/** A deposit's first attempt is looked for while it is being written: whenever it comes, it is sent, and once. */
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  makePlayer,
  scriptedPsp,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { createDepositAttemptActivities } from './deposit-attempts.ts';
import { createPspBreakers } from './psp-breakers.ts';
import type { AttemptView } from './record-outcome.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
});
afterAll(() => database?.drop());

test('an attempt whose row comes between two looks is not taken for one that was sent before', async () => {
  const { db } = database;
  const alpha = scriptedPsp('alpha');
  const { authoriseAttempt } = createDepositAttemptActivities({
    db,
    psps: new Map([['alpha', alpha]]),
    breakers: createPspBreakers(),
    keyRing: testKeyRing,
    publicUrl: 'http://api.test',
    log: pino({ level: 'silent' }),
  });
  const playerId = await makePlayer(db);
  const rounds = 40;
  alpha.play({
    authorise: Array.from({ length: rounds }, () => approved),
    status: Array.from({ length: rounds }, () => approved),
  });
  const seen: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const planned = Promise.withResolvers<AttemptView>();
    await askDeposit(db, playerId, '1.00', 'EUR', {
      onPlanned: ({ depositId }) => {
        // Some begin to look long before the commit, some just before it.
        void delay(round % 8).then(() => planned.resolve(authoriseAttempt({ depositId, number: 1 })));
      },
    });
    seen.push((await planned.promise).state);
  }
  expect(new Set(seen)).toEqual(new Set(['approved']));
});
