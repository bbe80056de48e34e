/** Held money of confirmed matches over HTTP: who proposes and decides, what is booked, and what a refusal leaves as it was. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KycVendor } from '#activities/kyc/vendor.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { decideMatch } from '#activities/payments/commands/decide-screening.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  approved,
  askDeposit,
  balancesOf,
  brand,
  fingerprintOf,
  makePlayer,
  onNoList,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  workItemsOf,
} from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let [cleo, dora, desk, risk, elsewhere] = ['', '', '', '', ''];
const alpha = scriptedPsp('alpha');
const path = '/admin/v1/payments/held-money-proposals';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  [cleo, dora, desk, risk, elsewhere] = await Promise.all([
    app.signInAs(['compliance']),
    app.signInAs(['compliance']),
    app.signInAs(['payments-lead']),
    app.signInAs(['risk']),
    app.signInAs(['compliance'], ['borealis']),
  ]);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

type Held = { readonly withdrawalId: string; readonly playerId: string };

/** A withdrawal of 20 of 200 euros, parked with its hold because a person has confirmed a match. */
async function held(list = 'sanctions'): Promise<Held> {
  const { db } = database;
  const vendor: KycVendor = {
    ...onNoList,
    screen: () => Promise.resolve({ listVersion: 'l1', hits: [{ id: randomUUID(), list }] }),
  };
  const { money, provider } = paymentActivities(db, new Map([['alpha', alpha]]), 'http://api.test', vendor);
  const playerId = await makePlayer(db);
  const deposit = await askDeposit(db, playerId, '200.00');
  alpha.play({ authorise: [approved], status: [approved] });
  await money.authoriseAttempt({ depositId: deposit.id, number: 1 });
  await money.captureDeposit({ depositId: deposit.id, number: 1 });
  const { id: instrumentId } = await db
    .selectFrom('payments.instrument')
    .select('id')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  const withdrawalId = randomUUID();
  orThrow(
    await requestWithdrawal(db, {
      withdrawalId,
      playerId,
      brand,
      money: { amount: '20.00', asset: 'EUR' },
      instrumentId,
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
  await money.checkWithdrawal({ withdrawalId });
  expect(await provider.screenWithdrawal({ withdrawalId })).toEqual({ outcome: 'hit' });
  const { id } = await db
    .selectFrom('kyc.screening')
    .select('id')
    .where('subject', '=', `withdrawal:${withdrawalId}`)
    .executeTakeFirstOrThrow();
  const word = { state: 'confirmed', operatorId: randomUUID(), reason: 'the same person' } as const;
  await db.transaction().execute(async (trx) => orThrow(await decideMatch(trx, id, word)));
  await money.parkWithdrawal({ withdrawalId, reason: 'screening-confirmed' });
  return { withdrawalId, playerId };
}

type Wish = { decision: string; reasonCode: string; reference?: string };
const freeze = { decision: 'keep', reasonCode: 'asset-freeze' };
const order = { decision: 'forfeit', reasonCode: 'court-order', reference: 'Qorti 17/2026' };
const licence = { decision: 'pay', reasonCode: 'payment-licensed', reference: 'SMB/2026/12' };

const propose = (withdrawalId: string, wish: Wish, token = cleo, key: string = randomUUID()) =>
  app.send('POST', path, { withdrawalId, ...wish, note: 'see the case file' }, { token, key });
const decide = (
  proposal: Record<string, unknown>,
  token = dora,
  decision = 'approve',
  payloadHash = proposal['payloadHash'],
  key: string = randomUUID(),
) =>
  app.send(
    'POST',
    `${path}/${String(proposal['proposalId'])}/decisions`,
    { decision, payloadHash, reason: 'read and agreed' },
    { token, key },
  );
async function proposed(withdrawalId: string, wish: Wish): Promise<Record<string, unknown>> {
  const answer = await propose(withdrawalId, wish);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

const stateOf = async (withdrawalId: string) =>
  (
    await database.pool.query(
      `select w.state, w.reason, array_agg(l.state order by l.leg) as legs from payments.withdrawal w
       join payments.withdrawal_leg l on l.withdrawal_id = w.id where w.id = $1 group by w.id`,
      [withdrawalId],
    )
  ).rows[0] as { state: string; reason: string | null; legs: string[] };
const eventsOf = async (withdrawalId: string) =>
  (
    await database.pool.query(
      `select action from compliance.audit where subject = $1 and (action like 'payments.held-money.%'
         or action = 'payments.withdrawal.forfeited') order by id`,
      [`withdrawal:${withdrawalId}`],
    )
  ).rows.map(({ action }: { action: string }) => action);
const proposalsOf = async (withdrawalId: string) =>
  (
    await database.pool.query('select id from payments.held_money_proposal where withdrawal_id = $1', [
      withdrawalId,
    ])
  ).rowCount;

test('held money is shown, stays held when two people say so, and is then forfeited to the authority that ordered it', async () => {
  const { withdrawalId, playerId } = await held();
  const shown = async (token = risk) =>
    (
      (await app.send('GET', '/admin/v1/payments/held-money', undefined, { token })).body['items'] as Record<
        string,
        unknown
      >[]
    ).find((one) => one['withdrawalId'] === withdrawalId);
  expect(await shown()).toMatchObject({
    held: { amount: '20.00', asset: 'EUR' },
    lists: ['sanctions'],
    isProposed: false,
    isKept: false,
  });
  expect(await shown(elsewhere)).toBeUndefined();

  const keeping = await proposed(withdrawalId, freeze);
  expect(await shown()).toMatchObject({ isProposed: true });
  const kept = await decide(keeping);
  expect(kept, kept.text).toMatchObject({ status: 200, body: { state: 'approved' } });
  expect((await decide(keeping)).body).toEqual(kept.body);
  expect(await shown()).toMatchObject({ isProposed: false, isKept: true });
  expect(await stateOf(withdrawalId)).toMatchObject({ state: 'parked', legs: ['planned'] });
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 20n });

  const forfeiting = await proposed(withdrawalId, order);
  const answers = await Promise.all([decide(forfeiting), decide(forfeiting)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(await stateOf(withdrawalId)).toEqual({
    state: 'forfeited',
    reason: 'court-order',
    legs: ['forfeited'],
  });
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 0n });
  const { rows: uses } = await database.pool.query(
    'select state from payments.payment_use where payment = $1',
    [`withdrawal:${withdrawalId}`],
  );
  expect(new Set(uses.map(({ state }: { state: string }) => state))).toEqual(new Set(['void']));
  const { rows } = await database.pool.query(
    `select e.account, sum(e.amount)::text as units from wallet.entry e join wallet.journal j on j.id = e.journal_id
     where j.subject = $1 and j.code = 'withdrawal.forfeit' group by 1 order by 1`,
    [`withdrawal:${withdrawalId}`],
  );
  expect(rows).toEqual([
    { account: 'authority:MT:payable', units: (20n * 10n ** 12n).toString() },
    { account: 'held', units: (-20n * 10n ** 12n).toString() },
  ]);
  expect(await workItemsOf(database.db, `withdrawal:${withdrawalId}`)).toContain('parked-withdrawal:closed');
  expect(await shown()).toBeUndefined();
  expect(await eventsOf(withdrawalId)).toEqual([
    'payments.held-money.proposed',
    'payments.held-money.approved',
    'payments.held-money.proposed',
    'payments.held-money.approved',
    'payments.withdrawal.forfeited',
  ]);
  const history = await app.send('GET', `${path}?withdrawalId=${withdrawalId}`, undefined, { token: risk });
  expect(history.body).toMatchObject({
    items: [
      { decision: 'forfeit', reference: 'Qorti 17/2026', state: 'approved' },
      { decision: 'keep', reference: null, state: 'approved' },
    ],
  });
  const checks = await verifyLedger(database.db);
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  expect((await propose(withdrawalId, freeze)).body).toMatchObject({ code: 'held-money-not-open' });
});

test('nobody decides alone, about what was not shown, or without the right, and a refusal moves nothing', async () => {
  const { withdrawalId, playerId } = await held();
  expect((await propose(withdrawalId, order, desk)).status).toBe(403);
  expect((await propose(withdrawalId, order, risk)).status).toBe(403);
  expect((await propose(withdrawalId, order, elsewhere)).status).toBe(404);
  expect((await propose(randomUUID(), order)).status).toBe(404);
  expect(await proposalsOf(withdrawalId)).toBe(0);

  const proposal = await proposed(withdrawalId, order);
  expect((await propose(withdrawalId, freeze, dora)).body).toMatchObject({ code: 'held-money-not-open' });
  expect(await decide(proposal, cleo)).toMatchObject({ status: 403, body: { code: 'own-approval' } });
  expect((await decide(proposal, desk)).status).toBe(403);
  expect((await decide(proposal, elsewhere)).status).toBe(404);
  expect((await decide(proposal, dora, 'approve', 'f'.repeat(64))).body).toMatchObject({
    code: 'held-money-not-open',
  });
  expect((await decide(proposal, dora, 'perhaps')).status).toBe(400);
  expect(await stateOf(withdrawalId)).toMatchObject({ state: 'parked', legs: ['planned'] });
  // Whoever proposed may take it back; nothing else comes of it afterwards.
  expect((await decide(proposal, cleo, 'refuse')).body).toMatchObject({ state: 'refused' });
  expect((await decide(proposal)).body).toMatchObject({ code: 'held-money-not-open' });
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 20n });
  expect(await eventsOf(withdrawalId)).toEqual([
    'payments.held-money.proposed',
    'payments.held-money.refused',
  ]);
});

test('a key is one proposal, and a reason fits its decision, its list and its reference', async () => {
  const { withdrawalId } = await held();
  for (const [wish, pointer] of [
    [{ ...order, reasonCode: 'asset-freeze' }, '/reasonCode'],
    [{ decision: 'forfeit', reasonCode: 'court-order' }, '/reference'],
    [{ decision: 'pay', reasonCode: 'payment-licensed' }, '/reference'],
    [{ decision: 'pay', reasonCode: 'list-without-freeze' }, '/reasonCode'],
    [{ decision: 'release', reasonCode: 'delisted' }, '/decision'],
    [{ decision: 'keep', reasonCode: 'because' }, '/reasonCode'],
  ] as const) {
    const answer = await propose(withdrawalId, wish);
    expect(answer, answer.text).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer }] },
    });
  }
  expect(await proposalsOf(withdrawalId)).toBe(0);
  const key = randomUUID();
  const first = await propose(withdrawalId, freeze, cleo, key);
  expect((await propose(withdrawalId, freeze, cleo, key)).body).toEqual(first.body);
  expect((await propose(withdrawalId, order, cleo, key)).body).toMatchObject({
    code: 'idempotency-key-reused',
  });
  expect(await proposalsOf(withdrawalId)).toBe(1);
  const exposed = await held('pep');
  expect(
    (await propose(exposed.withdrawalId, { decision: 'pay', reasonCode: 'list-without-freeze' })).status,
  ).toBe(200);
});

test('a key is one decision: raced, repeated and after its answer was lost it decides once, and never anything else', async () => {
  const { withdrawalId } = await held();
  const keeping = await proposed(withdrawalId, freeze);
  const key = randomUUID();
  const word = (proposal: Record<string, unknown>, decision: string, hash = proposal['payloadHash']) =>
    decide(proposal, dora, decision, hash, key);
  expect((await decide(keeping, dora, 'refuse', keeping['payloadHash'], '')).body).toMatchObject({
    code: 'idempotency-key-missing',
  });
  // What was refused has used no key up.
  expect((await word(keeping, 'refuse', 'f'.repeat(64))).body).toMatchObject({ code: 'held-money-not-open' });
  const [one, two] = await Promise.all([word(keeping, 'refuse'), word(keeping, 'refuse')]);
  expect(one, one.text).toMatchObject({ status: 200, body: { state: 'refused' } });
  expect(two.body).toEqual(one.body);
  const forfeiting = await proposed(withdrawalId, order);
  expect((await word(keeping, 'refuse')).body).toEqual(one.body);
  for (const other of [await word(keeping, 'approve'), await word(forfeiting, 'refuse')])
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  expect((await decide(forfeiting)).body).toMatchObject({ state: 'approved' });
  expect(await eventsOf(withdrawalId)).toEqual([
    'payments.held-money.proposed',
    'payments.held-money.refused',
    'payments.held-money.proposed',
    'payments.held-money.approved',
    'payments.withdrawal.forfeited',
  ]);
});

test('nobody proposes or decides what becomes of the money of a player with his own address', async () => {
  const { withdrawalId, playerId } = await held();
  const mine = (await propose(withdrawalId, freeze, dora)).body;
  expect((await decide(mine, dora, 'refuse')).status).toBe(200);
  const { email } = await database.db
    .selectFrom('backoffice.operator')
    .select('email')
    .where('id', '=', String(mine['proposedBy']))
    .executeTakeFirstOrThrow();
  await database.db
    .updateTable('pam.player')
    .set({ emailIndex: app.deps.keyRing.blindIndex(email) })
    .where('id', '=', playerId)
    .execute();
  expect((await propose(withdrawalId, freeze, dora)).body).toMatchObject({ code: 'own-approval' });
  const proposal = await proposed(withdrawalId, order);
  for (const decision of ['approve', 'refuse'])
    expect(await decide(proposal, dora, decision)).toMatchObject({
      status: 403,
      body: { code: 'own-approval' },
    });
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 20n });
});

test('a payment that two people allow takes the withdrawal up again; nothing is decided where no confirmed match holds money', async () => {
  const { withdrawalId } = await held();
  const { db } = database;
  const proposal = await proposed(withdrawalId, licence);
  expect((await decide(proposal)).status).toBe(200);
  expect(await stateOf(withdrawalId)).toMatchObject({ state: 'checking', legs: ['planned'] });
  expect(await workItemsOf(db, `withdrawal:${withdrawalId}`)).toContain('parked-withdrawal:closed');
  // It is on its way again: its workflow has it, and no second decision does.
  expect((await propose(withdrawalId, order)).body).toMatchObject({ code: 'held-money-not-open' });
  const { money } = paymentActivities(db, new Map([['alpha', alpha]]));
  const other = (await held()).withdrawalId;
  await database.ownerPool.query(
    `alter table kyc.screening disable trigger user;
     update kyc.screening set state = 'cleared' where subject = 'withdrawal:${other}';
     alter table kyc.screening enable trigger user`,
  );
  await money.parkWithdrawal({ withdrawalId: other, reason: 'no outcome from alpha' });
  expect((await propose(other, order)).body).toMatchObject({ code: 'held-money-not-open' });
  expect(await proposalsOf(other)).toBe(0);
});

test('held money of a confirmed match is not given back, and moves by no hand past the database', async () => {
  const { withdrawalId, playerId } = await held();
  const { money } = paymentActivities(database.db, new Map([['alpha', alpha]]));
  for (const state of ['refused', 'cancelled'] as const)
    await expect(
      money.releaseWithdrawal({ withdrawalId, state, reason: 'by mistake' }),
    ).rejects.toMatchObject({ failure: { code: 'withdrawal-not-pending' } });
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 20n });
  const run = (text: string) => database.ownerPool.query(text, [withdrawalId]);
  const leg = (state: string) =>
    run(
      `update payments.withdrawal_leg set state = '${state}', reason = 'x', closed_at = now() where withdrawal_id = $1`,
    );
  await expect(leg('released')).rejects.toThrow(/confirmed match/);
  await expect(leg('forfeited')).rejects.toThrow(/nobody decided/);
  await expect(run(`update payments.withdrawal set state = 'checking' where id = $1`)).rejects.toThrow(
    /nobody decided/,
  );
  await expect(
    run(`update payments.withdrawal set state = 'forfeited', closed_at = now() where id = $1`),
  ).rejects.toThrow(/nobody decided/);
  await proposed(withdrawalId, order);
  await expect(
    run(
      `update payments.held_money_proposal set state = 'approved', decided_by = proposed_by, decision_reason = 'mine',
         decided_at = now() where withdrawal_id = $1`,
    ),
  ).rejects.toThrow(/check constraint/);
  await expect(
    run(`update payments.held_money_proposal set amount = 1 where withdrawal_id = $1`),
  ).rejects.toThrow(/cannot change/);
});
