/** The player's return from a challenge over HTTP, with nobody behind Temporal: what a key records, and for which challenge. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail, FailureError } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import {
  action,
  askDeposit,
  declined,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
} from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let told = 0;
const alpha = scriptedPsp('alpha');
const beta = scriptedPsp('beta');
const psps = new Map([
  ['alpha', alpha],
  ['beta', beta],
]);

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database, {
    temporal: () => {
      told += 1;
      return Promise.reject(new FailureError(fail('dependency-unavailable', 'It is away.').failure));
    },
  });
  await seedWorld(database.db);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

type Challenged = { readonly playerId: string; readonly depositId: string; readonly token: string };

/** A deposit whose player was sent to the first PSP's challenge. */
async function challenged(): Promise<Challenged> {
  const playerId = await makePlayer(database.db);
  const { id: depositId } = await askDeposit(database.db, playerId);
  alpha.play({ authorise: [action] });
  const { money } = paymentActivities(database.db, psps);
  expect(await money.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'action' });
  return { playerId, depositId, token: await openTestSession(database, { playerId }) };
}

/** The first PSP declined after all, and the second one sends the player to a challenge of its own. */
async function challengedAgain({ depositId }: Challenged): Promise<void> {
  const { money } = paymentActivities(database.db, psps);
  alpha.play({ status: [declined('issuer_unavailable')] });
  await money.refreshAttempt({ depositId, number: 1 });
  await money.startAttempt({ depositId, number: 2, psp: 'beta', stepUp: false });
  beta.play({ authorise: [action] });
  expect(await money.authoriseAttempt({ depositId, number: 2 })).toMatchObject({ state: 'action' });
}

const comeBack = (
  { depositId, token }: Pick<Challenged, 'depositId' | 'token'>,
  redirectResult: string,
  key: string,
) => app.send('POST', `/v1/deposits/${depositId}/complete`, { redirectResult }, { token, key });

const returnsOf = async ({ depositId }: Challenged): Promise<unknown[]> =>
  (
    await database.db
      .selectFrom('payments.attempt')
      .select('returned')
      .where('depositId', '=', depositId)
      .orderBy('number')
      .execute()
  ).map(({ returned }) => returned);

test('a return is recorded once by its key, and told again while its challenge waits', async () => {
  const deposit = await challenged();
  const key = randomUUID();
  expect((await comeBack(deposit, 'one', '')).body['code']).toBe('idempotency-key-missing');
  const before = told;
  // Temporal is away: nobody has heard of the return, so each repeat tells it again.
  const answers = await Promise.all([comeBack(deposit, 'one', key), comeBack(deposit, 'one', key)]);
  expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  expect(told - before).toBe(2);
  expect(await comeBack(deposit, 'another', key)).toMatchObject({
    status: 422,
    body: { code: 'idempotency-key-reused' },
  });
  expect(await returnsOf(deposit)).toEqual([{ redirectResult: 'one' }]);
});

test('what came back from one challenge never reaches the next one, however late it is said again', async () => {
  const deposit = await challenged();
  const key = randomUUID();
  await comeBack(deposit, 'one', key);
  await challengedAgain(deposit);
  const before = told;
  expect(await comeBack(deposit, 'one', key)).toMatchObject({
    status: 200,
    body: { depositId: deposit.depositId, state: 'awaiting-action' },
  });
  expect(told).toBe(before);
  expect(await returnsOf(deposit)).toEqual([{ redirectResult: 'one' }, null]);
  expect((await comeBack(deposit, 'two', randomUUID())).status).toBe(503);
  expect(await returnsOf(deposit)).toEqual([{ redirectResult: 'one' }, { redirectResult: 'two' }]);
});

test('a key belongs to one deposit, and one that was refused is free again', async () => {
  const playerId = await makePlayer(database.db);
  const token = await openTestSession(database, { playerId });
  const waiting = await askDeposit(database.db, playerId);
  const key = randomUUID();
  expect((await comeBack({ depositId: waiting.id, token }, 'early', key)).body['code']).toBe(
    'deposit-not-awaiting-action',
  );
  alpha.play({ authorise: [action] });
  await paymentActivities(database.db, psps).money.authoriseAttempt({ depositId: waiting.id, number: 1 });
  expect((await comeBack({ depositId: waiting.id, token }, 'early', key)).status).toBe(503);
  const other = await askDeposit(database.db, playerId);
  expect((await comeBack({ depositId: other.id, token }, 'early', key)).body['code']).toBe(
    'idempotency-key-reused',
  );
});
