/** What cannot be refunded is refused when it is asked for, over HTTP and a real database: nothing is written or moved. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { announceTransfer } from '#activities/payments/commands/announce-transfer.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { askDeposit, brand, fingerprintOf, makePlayer, seedWorld } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let desk = '';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  desk = await app.signInAs(['payments']);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function transferred(): Promise<{ depositId: string; asset: string }> {
  const depositId = randomUUID();
  orThrow(
    await announceTransfer(database.db, {
      depositId,
      playerId: await makePlayer(database.db),
      brand,
      jurisdiction: 'MT',
      money: { amount: '30.00', asset: 'EUR' },
      fingerprint: fingerprintOf(depositId),
    }),
  );
  return { depositId, asset: 'EUR' };
}

/** A deposit as the crypto workflow writes it. */
async function onChain(): Promise<{ depositId: string; asset: string }> {
  const depositId = randomUUID();
  await database.db
    .insertInto('payments.deposit')
    .values({
      id: depositId,
      playerId: await makePlayer(database.db),
      brand,
      jurisdiction: 'MT',
      jurisdictionVersion: 1,
      method: 'crypto',
      asset: 'EUR',
      amount: (30n * 10n ** 12n).toString(),
      options: '[]',
      routeVersion: 0,
      returnUrl: '',
      fingerprint: fingerprintOf(depositId),
      state: 'processing',
    })
    .execute();
  return { depositId, asset: 'EUR' };
}

const ask = (depositId: string, asset: string) =>
  app.send(
    'POST',
    `/admin/v1/deposits/${depositId}/refunds`,
    { money: { amount: '10.00', asset }, reason: 'asked for by the player' },
    { token: desk, key: randomUUID() },
  );

test.each([
  ['bank transfer', transferred],
  ['crypto transfer', onChain],
] as const)('a refund of a deposit by %s is refused at once, with its own code', async (_name, make) => {
  const { depositId, asset } = await make();
  const answer = await ask(depositId, asset);
  expect(`${answer.status} ${String(answer.body['code'])}`).toBe('422 refund-unsupported');
  expect(answer.body['detail']).toMatch(/the player withdraws it/);
  const rows = await database.db
    .selectFrom('payments.refund')
    .select('id')
    .where('depositId', '=', depositId)
    .execute();
  expect(rows).toEqual([]);
});

test('a card deposit is told apart from them: here it is only not captured yet', async () => {
  const { id, asset } = await askDeposit(database.db, await makePlayer(database.db));
  expect((await ask(id, asset)).body).toMatchObject({ code: 'refund-not-open' });
});
