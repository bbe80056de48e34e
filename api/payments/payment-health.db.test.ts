/** The figures of payment health over a real database: who may look, and that every dimension counts the same attempts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordDispute } from '#activities/payments/commands/dispute-notices.ts';
import { recordFraudAlert } from '#activities/payments/commands/fraud-alerts.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { askDeposit, makePlayer, seedWorld } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
let staff: { payments: string; support: string };

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await seedWorld(database.db);
  const [payments, support] = await Promise.all([app.signInAs(['payments']), app.signInAs(['support'])]);
  staff = { payments, support };
  const playerId = await makePlayer(database.db);
  const outcomes = ['approved', 'declined', 'declined', 'unknown'];
  for (const [index, state] of outcomes.entries()) {
    const { id } = await askDeposit(database.db, playerId, '1.00');
    await database.ownerPool.query(
      'update payments.attempt set state = $2, card_bin = $3, sent_at = now() where deposit_id = $1',
      [id, state, index < 2 ? '424242' : null],
    );
  }
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const read = (query: string, token = staff.payments) =>
  app.send('GET', `/admin/v1/payments/health${query}`, undefined, { token });

test('success is told per PSP, to those who may see routing', async () => {
  expect((await read('', staff.support)).status).toBe(403);
  expect((await read('')).body).toMatchObject({
    by: 'psp',
    hours: 24,
    success: [
      { psp: 'alpha', key: null, attempts: 4, approved: 1, declined: 2, unclear: 1, approvedBps: 3_333 },
    ],
    fraudToSales: [],
  });
});

test('by country, hour and card range the same attempts are told apart', async () => {
  expect((await read('?by=country')).body).toMatchObject({ success: [{ key: 'MT', attempts: 4 }] });
  expect((await read('?by=bin')).body).toMatchObject({
    success: [
      { key: '424242', attempts: 2, approvedBps: 5_000 },
      { key: null, attempts: 2, approvedBps: 0 },
    ],
  });
  const { body } = await read('?by=hour&hours=1');
  expect(JSON.stringify(body)).toMatch(/"key":"\d{4}-\d\d-\d\dT\d\d:00Z"/);
});

test('reports of fraud count beside chargebacks, and a charge with both is told as such', async () => {
  const reported = await askDeposit(database.db, await makePlayer(database.db), '1.00');
  await database.ownerPool.query(`update payments.attempt set psp_reference = 'pi_r' where deposit_id = $1`, [
    reported.id,
  ]);
  for (const pspReference of ['issfr_1', 'issfr_2'])
    await recordFraudAlert(database.db, 'alpha', { pspReference, chargeReference: 'pi_r' });
  expect((await read('')).body).toMatchObject({
    fraudToSales: [{ psp: 'alpha', sales: 0, disputes: 0, fraudReports: 2, onBoth: 0, ratioBps: null }],
  });
  await recordDispute(database.db, 'alpha', { pspReference: 'du_1', chargeReference: 'pi_r' });
  expect((await read('')).body).toMatchObject({
    fraudToSales: [{ disputes: 0, fraudReports: 2, onBoth: 0 }],
  });
  await database.ownerPool.query(
    `update payments.dispute set stage = 'chargeback', status = 'needs-response'`,
  );
  expect((await read('')).body).toMatchObject({
    fraudToSales: [{ disputes: 1, fraudReports: 2, onBoth: 2 }],
  });
});

test('a window that is too long or a dimension that does not exist is refused', async () => {
  expect((await read('?hours=745')).status).toBe(400);
  expect((await read('?by=colour')).status).toBe(400);
});
