/** Scores on the real tables: what a payment is scored on, what its band does to it, and that all of it is kept. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedRules } from '#activities/backoffice/rule-seeds.ts';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { orThrow } from '#domain/failures.ts';
import { firstScorecard } from '#domain/risk/first-scorecard.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  askDeposit,
  brand,
  fingerprintOf,
  makePlayer,
  seedWorld,
  workItemsOf,
} from '#test/workflows/payment-world.ts';
import { createRiskActivities } from '#activities/risk/assess-withdrawal.ts';
import { giveFraudScore } from '#activities/risk/commands/fraud-scores.ts';
import { simulateScorecard } from '#activities/risk/commands/simulate-scorecard.ts';

let database: TestDatabase;
let app: TestApi;
/** Two people: whoever drafted does not publish. */
let [author, lead] = ['', ''];
let trial = '';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  await seedRules(database.db);
  [author, lead] = [await app.signInAs(['risk']), await app.signInAs(['risk'])];
  // Under trial from the beginning: everybody starts a hundred points higher.
  trial = await draft({ ...firstScorecard, otherwise: { points: 150, reviewFrom: 500, refuseFrom: 800 } });
  expect((await step(trial, 'publish', author)).status).toBe(403);
  for (const name of ['publish', 'shadow']) expect((await step(trial, name)).text).toContain('"state"');
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function draft(content: object): Promise<string> {
  const drafted = await app.send(
    'POST',
    '/admin/v1/rule-sets/risk.fraud-scorecard/versions',
    { brand, content, note: 'as the test wants it' },
    { token: author, key: randomUUID() },
  );
  expect(drafted.status, drafted.text).toBe(200);
  const id = String(drafted.body['id']);
  expect(
    (await app.send('POST', `/admin/v1/rule-versions/${id}/simulations`, { days: 30 }, { token: author }))
      .status,
  ).toBe(200);
  return id;
}

async function step(id: string, name: string, token = lead) {
  const { contentHash } = await database.db
    .selectFrom('backoffice.ruleVersion')
    .select('contentHash')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return app.send(
    'POST',
    `/admin/v1/rule-versions/${id}/steps`,
    { step: name, contentHash: contentHash.toString('hex'), reason: 'as the test wants it' },
    { token },
  );
}

const scoringOf = (subject: string) =>
  database.db.selectFrom('risk.scoring').selectAll().where('subject', '=', subject).executeTakeFirst();

/** `reports` issuers have reported fraud on a deposit of the player's. */
async function reported(reports: number): Promise<string> {
  const playerId = await makePlayer(database.db);
  const { id } = await askDeposit(database.db, playerId, '10.00');
  for (let nth = 0; nth < reports; nth += 1)
    await database.ownerPool.query(
      `insert into payments.fraud_alert (psp, psp_reference, charge_reference, deposit_id, attempt, player_id, brand, jurisdiction,
         due_at, due_reason)
       values ('alpha', $1, 'ch', $2, 1, $3, 'aurora', 'MT', now() + interval '3 days', 'a rule of ours')`,
      [randomUUID(), id, playerId],
    );
  return playerId;
}

const give = (playerId: string, score: number) =>
  database.db.transaction().execute(async (trx) =>
    orThrow(
      await giveFraudScore(trx, {
        playerId,
        score,
        source: 'a vendor',
        expiresAt: new Date(Date.now() + 3_600_000),
        after: 0,
        operatorId: randomUUID(),
        reason: 'as the vendor says',
      }),
    ),
  );

const depositWish = (playerId: string, depositId: string) => ({
  depositId,
  playerId,
  brand,
  jurisdiction: 'MT',
  money: { amount: '10.00', asset: 'EUR' },
  tokens: [{ psp: 'alpha', token: `tok_${depositId}` }],
  returnUrl: 'http://shop.test/back',
  fingerprint: fingerprintOf(depositId),
});

const refusedDeposit = (playerId: string, depositId: string) =>
  requestDeposit(database.db, depositWish(playerId, depositId));

describe('a deposit', () => {
  test('is scored with its version, inputs and trial, and routing may ask for the score', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    const scoring = await scoringOf(`deposit:${row.id}`);
    expect(scoring).toMatchObject({
      computed: 100,
      given: null,
      score: 100,
      band: 'accept',
      points: [{ row: 'a new account', points: 50 }],
      shadowVersionId: trial,
      shadowComputed: 200,
    });
    expect(scoring?.inputs).toMatchObject({
      flow: 'deposit',
      'history.fraudReports': '0',
      'ip.country': null,
    });
    expect(row.captureMode).toBe('automatic');
    const { inputs } = await database.db
      .selectFrom('payments.routingDecision')
      .select('inputs')
      .where('depositId', '=', row.id)
      .executeTakeFirstOrThrow();
    expect(inputs).toMatchObject({ 'player.fraudScore': '100' });
    await expect(
      database.ownerPool.query(`update risk.scoring set band = 'refuse' where subject = 'deposit:${row.id}'`),
    ).rejects.toThrow(/append-only|cannot/);
  });

  test('with a score to be reviewed is only held, and a person has it', async () => {
    const playerId = await reported(1);
    const row = await askDeposit(database.db, playerId);
    expect(await scoringOf(`deposit:${row.id}`)).toMatchObject({ computed: 550, band: 'review' });
    expect(row.captureMode).toBe('manual');
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['listed-deposit:open']);
  });

  test('with a score to be refused is refused without saying why, and the score is kept', async () => {
    const playerId = await reported(2);
    const depositId = randomUUID();
    const refused = await refusedDeposit(playerId, depositId);
    expect(refused).toMatchObject({ ok: false, failure: { code: 'payment-method-unavailable' } });
    expect(JSON.stringify(refused)).not.toContain('fraud');
    expect(await scoringOf(`deposit:${depositId}`)).toMatchObject({ computed: 900, band: 'refuse' });
    const { rows } = await database.ownerPool.query<{ payload: { by: string } }>(
      `select payload from compliance.outbox where type = 'payments.deposit.refused' and payload ->> 'depositId' = $1`,
      [depositId],
    );
    expect(rows.map(({ payload }) => payload.by)).toEqual(['fraud-score']);
  });

  test('goes by a score that was given while it holds, whatever ours would be', async () => {
    const known = await reported(2);
    await give(known, 10);
    const row = await askDeposit(database.db, known);
    expect(await scoringOf(`deposit:${row.id}`)).toMatchObject({
      computed: 900,
      given: 10,
      score: 10,
      band: 'accept',
    });
    const suspect = await makePlayer(database.db);
    await give(suspect, 900);
    expect(await refusedDeposit(suspect, randomUUID())).toMatchObject({ ok: false });
  });

  test('knows who shares a device with somebody who has fraud behind him', async () => {
    const [fraud, other] = [await reported(1), await makePlayer(database.db)];
    const device = randomUUID();
    for (const playerId of [fraud, other])
      await database.ownerPool.query(`insert into pam.device (player_id, device_id) values ($1, $2)`, [
        playerId,
        device,
      ]);
    const row = await askDeposit(database.db, other);
    const scoring = await scoringOf(`deposit:${row.id}`);
    expect(scoring?.inputs).toMatchObject({ 'linked.device': '1', 'history.linkedFraud': '1' });
    expect(scoring).toMatchObject({ computed: 600, band: 'review' });
  });
});

describe('an address', () => {
  const askFrom = async (ip: string) => {
    const [depositId, playerId] = [randomUUID(), await makePlayer(database.db)];
    const asked = await requestDeposit(database.db, {
      ...depositWish(playerId, depositId),
      origin: { sessionId: null, ip },
    });
    expect(asked.ok, ip).toBe(true);
    return (await scoringOf(`deposit:${depositId}`))?.inputs;
  };

  test('of the internet is shared with whoever else pays from it', async () => {
    await askFrom('198.51.100.30');
    expect(await askFrom('198.51.100.30')).toMatchObject({
      'linked.ip24h': '1',
      'uses.ip1h': '1',
      'uses.ipDeclinedCards1h': '0',
    });
  });

  test('of this machine, a private or a shared network tells nothing of a household', async () => {
    for (const ip of ['127.0.0.1', '172.16.9.9', '::ffff:10.1.1.1', 'fd00::7']) {
      await askFrom(ip);
      expect(await askFrom(ip), ip).toMatchObject({
        'ip.country': null,
        'mismatch.ip': null,
        'linked.ip24h': null,
        'uses.ip1h': null,
        'uses.ipDeclinedCards1h': null,
      });
    }
  });
});

test('a withdrawal is assessed with its score, anew before its payout', async () => {
  const playerId = await reported(2);
  const [withdrawalId, instrumentId] = [randomUUID(), randomUUID()];
  await database.ownerPool.query(
    `insert into payments.instrument (id, player_id, psp, kind, token) values ($1, $2, 'alpha', 'card', 'tok_of_the_test')`,
    [instrumentId, playerId],
  );
  const client = await database.ownerPool.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into payments.withdrawal (id, player_id, brand, jurisdiction, jurisdiction_version, asset, amount, instrument_id,
         cancellable, fingerprint, payload_hash)
       values ($1, $2, 'aurora', 'MT', 1, 'EUR', 50000000000000, $3, true, '\\x00', '\\x00')`,
      [withdrawalId, playerId, instrumentId],
    );
    await client.query(
      `insert into payments.withdrawal_leg (withdrawal_id, leg, instrument_id, amount, fee) values ($1, 1, $2, 50000000000000, 0)`,
      [withdrawalId, instrumentId],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
  const { assessWithdrawal } = createRiskActivities({ db: database.db });
  const ask = { withdrawalId, playerId, money: { amount: '50.00', asset: 'EUR' } };
  const first = await assessWithdrawal(ask);
  expect(first).toMatchObject({ outcome: 'refuse', ruleVersion: 'withdrawal-3' });
  expect(first.reasons).toContain('fraud-score');
  await assessWithdrawal({ ...ask, isRepeat: true });
  expect(await scoringOf(`withdrawal:${withdrawalId}`)).toMatchObject({ band: 'refuse', computed: 900 });
  expect(await scoringOf(`withdrawal:${withdrawalId}:payout`)).toMatchObject({ band: 'refuse' });
});

test('staff see a score with the words of why; others do not', async () => {
  const playerId = await reported(1);
  const row = await askDeposit(database.db, playerId);
  const path = `/admin/v1/players/${playerId}/fraud-scorings?subject=deposit:${row.id}`;
  expect((await app.send('GET', path, undefined, { token: await app.signInAs(['content']) })).status).toBe(
    403,
  );
  const told = await app.send('GET', path, undefined, { token: author });
  expect(told.body).toMatchObject({
    items: [
      {
        score: 550,
        band: 'review',
        start: 50,
        why: [
          {
            row: 'a fraud report',
            points: 450,
            says: 'if the fraud reports on deposits of the player is at least 1',
          },
          { row: 'a new account', points: 50 },
        ],
        version: 1,
      },
    ],
  });
});

test('a scorecard is tried on history before anybody lives by it', async () => {
  const simulated = orThrow(await simulateScorecard(database.db, { versionId: trial, brand, days: 1 }));
  const { rows } = await database.ownerPool.query<{ n: number }>(
    `select count(*)::int as n from risk.scoring`,
  );
  expect(simulated.decisions).toBe(rows[0]?.n);
  // Everybody starts higher, but nobody beyond the end of the scale.
  expect(simulated.changed).toBe(simulated.decisions);
  expect(simulated.firstChanged).toBe(0);
  expect(simulated.samples[0]).toMatchObject({ was: expect.any(Array), would: expect.any(Array) });
  expect(
    orThrow(await simulateScorecard(database.db, { versionId: trial, brand: 'borealis', days: 1 })).decisions,
  ).toBe(0);
});

test('a scorecard goes live by another person, scores from then on, and is rolled back', async () => {
  const [before] = await database.db
    .selectFrom('backoffice.ruleVersion')
    .select('id')
    .where('ruleSet', '=', 'risk.fraud-scorecard')
    .where('brand', '=', brand)
    .where('state', '=', 'live')
    .execute();
  expect((await step(trial, 'go-live')).body).toMatchObject({ state: 'live' });
  // Rules are remembered for two seconds.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const row = await askDeposit(database.db, await makePlayer(database.db));
  expect(await scoringOf(`deposit:${row.id}`)).toMatchObject({ ruleVersionId: trial, computed: 200 });
  expect((await step(before?.id ?? '', 'roll-back')).body).toMatchObject({ state: 'live' });
});
