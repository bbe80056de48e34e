/** Captures that are not final, as staff ask for them over HTTP: what is refused writes nothing, what is fine waits for its workflow. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { requestModification } from '#activities/payments/commands/request-modification.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  brand,
  excludeHimself,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let lead = '';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database, { keyRing: testKeyRing });
  await seedWorld(database.db);
  // Before the first deposit: routes are remembered for a moment.
  await database.db
    .insertInto('payments.pspRoute')
    .values({ brand, method: 'card', currency: 'EUR', version: 2, psps: ['alpha'], captureMode: 'in-parts' })
    .execute();
  lead = await app.signInAs(['payments-lead']);
  await app.signInAs(['support']);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const acts = () => paymentActivities(database.db, new Map([['alpha', scriptedPsp('alpha')]])).money;

/** 50 euros that a PSP holds, which was asked for several captures and may not take them. */
async function held(severalCaptures = true): Promise<string> {
  const psp = scriptedPsp('alpha');
  const hold = (order: Parameters<typeof approved>[0]) => {
    const { instrument } = approved(order) as Extract<ReturnType<typeof approved>, { kind: 'approved' }>;
    return {
      kind: 'authorised',
      pspReference: `psp-${order.reference}`,
      authorised: order.money,
      instrument,
      severalCaptures,
    } as const;
  };
  psp.play({ authorise: [hold], status: [hold] });
  const capabilities = { ...psp.capabilities, severalCaptures: { releasesRest: true } };
  const { money, provider } = paymentActivities(database.db, new Map([['alpha', { ...psp, capabilities }]]));
  const depositId = randomUUID();
  orThrow(
    await requestDeposit(database.db, {
      depositId,
      playerId: await makePlayer(database.db),
      brand,
      jurisdiction: 'MT',
      money: { amount: '50.00', asset: 'EUR' },
      tokens: [{ psp: 'alpha', token: 'tok_alpha' }],
      returnUrl: 'http://shop.test/back',
      fingerprint: fingerprintOf(depositId),
    }),
  );
  const activities = { ...money, ...provider };
  expect(await activities.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'authorised' });
  await activities.holdDeposit({ depositId, number: 1 });
  return depositId;
}

const capture = (depositId: string, body: object) =>
  app.send(
    'POST',
    `/admin/v1/deposits/${depositId}/captures`,
    { reason: 'shipped in parts', ...body },
    { token: lead, key: randomUUID() },
  );

const money = (amount: string) => ({ amount, asset: 'EUR' });

const captures = (depositId: string) =>
  database.db
    .selectFrom('payments.modification')
    .select(['state', 'isFinal', 'amount'])
    .where('depositId', '=', depositId)
    .execute();

test('a part of what is captured once is refused by its code, and nothing is written', async () => {
  const depositId = await held(false);
  const answer = await capture(depositId, { money: money('10.00'), isFinal: false });
  expect(`${answer.status} ${String(answer.body['code'])}`).toBe('422 several-captures-unsupported');
  expect(await captures(depositId)).toEqual([]);
});

test.each([
  ['a text for isFinal', { money: money('10.00'), isFinal: 'no' }, 'invalid-request'],
  ['more than is held', { money: money('50.01'), isFinal: false }, 'exceeds-authorised'],
  ['nothing', { money: money('0.00'), isFinal: false }, 'amount-not-positive'],
  ['a tenth of a cent', { money: money('0.001'), isFinal: false }, 'amount-too-precise'],
])('%s is refused as a capture in parts, and nothing is written', async (_what, body, code) => {
  const depositId = await held();
  const answer = await capture(depositId, body);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.body['code']).toBe(code);
  expect(await captures(depositId)).toEqual([]);
});

test('a part is kept although its workflow cannot begin yet, and bars the next one', async () => {
  const depositId = await held();
  expect((await capture(depositId, { money: money('10.00'), isFinal: false })).status).toBe(503);
  expect(await captures(depositId)).toEqual([
    { state: expect.any(String), isFinal: false, amount: (10n * 10n ** 12n).toString() },
  ]);
  const second = await capture(depositId, { money: money('10.00'), isFinal: false });
  expect(`${second.status} ${String(second.body['code'])}`).toBe('409 modification-not-open');
});

test('an operator neither asks for nor decides on a capture of the player with his own address', async () => {
  const depositId = await held();
  const { playerId } = await database.db
    .selectFrom('payments.deposit')
    .select('playerId')
    .where('id', '=', depositId)
    .executeTakeFirstOrThrow();
  const [{ id: own, email } = { id: '', email: '' }, other] = await database.db
    .selectFrom('backoffice.operator as o')
    .innerJoin('backoffice.operatorRole as r', 'r.operatorId', 'o.id')
    .select(['o.id', 'o.email'])
    .where('r.role', 'in', ['payments-lead', 'support'])
    .orderBy('r.role')
    .execute();
  await database.db
    .updateTable('pam.player')
    .set({ emailIndex: testKeyRing.blindIndex(email) })
    .where('id', '=', playerId)
    .execute();
  expect(await capture(depositId, {})).toMatchObject({ status: 403, body: { code: 'own-approval' } });
  expect(await captures(depositId)).toEqual([]);

  const modificationId = randomUUID();
  const row = orThrow(
    await database.db.transaction().execute((trx) =>
      requestModification(trx, testKeyRing, {
        modificationId,
        depositId,
        kind: 'capture',
        money: null,
        isFinal: true,
        reason: 'shipped',
        operatorId: other?.id ?? '',
        // Above the band of the role: another person decides.
        roles: ['support'],
        fingerprint: fingerprintOf(modificationId),
      }),
    ),
  );
  expect(await acts().beginModification({ modificationId })).toMatchObject({ state: 'awaiting-approval' });
  const word = (operatorId: string, decision: 'approve' | 'refuse') =>
    acts().recordModificationDecision({
      modificationId,
      operatorId,
      role: 'payments-lead',
      decision,
      reason: 'read and agreed',
      payloadHash: row.payloadHash.toString('hex'),
    });
  for (const decision of ['approve', 'refuse'] as const)
    await expect(word(own, decision)).rejects.toMatchObject({ failure: { code: 'own-approval' } });
  expect(await word(randomUUID(), 'approve')).toMatchObject({ state: 'approved' });
});

test('nothing is captured from a player who has excluded himself meanwhile; it is given back', async () => {
  const depositId = await held();
  const { playerId } = await database.db
    .selectFrom('payments.deposit')
    .select('playerId')
    .where('id', '=', depositId)
    .executeTakeFirstOrThrow();
  const ask = (kind: 'capture' | 'void', modificationId: string) =>
    database.db.transaction().execute((trx) =>
      requestModification(trx, testKeyRing, {
        modificationId,
        depositId,
        kind,
        money: null,
        isFinal: true,
        reason: 'shipped',
        operatorId: randomUUID(),
        roles: ['support'],
        fingerprint: fingerprintOf(modificationId),
      }),
    );
  const asked = randomUUID();
  const row = orThrow(await ask('capture', asked));
  await acts().beginModification({ modificationId: asked });
  await excludeHimself(database.db, playerId);
  const word = (decision: 'approve' | 'refuse') =>
    acts().recordModificationDecision({
      modificationId: asked,
      operatorId: randomUUID(),
      role: 'payments-lead',
      decision,
      reason: 'read and agreed',
      payloadHash: row.payloadHash.toString('hex'),
    });
  await expect(word('approve')).rejects.toMatchObject({ failure: { code: 'self-excluded' } });
  expect(await word('refuse')).toMatchObject({ state: 'refused' });
  expect(await ask('capture', randomUUID())).toMatchObject({ failure: { code: 'self-excluded' } });
  expect(await ask('void', randomUUID())).toMatchObject({ ok: true });
});
