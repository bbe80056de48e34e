/** The back office's routes of reconciliation over a real database: who may look, who may work, and what closes a break. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBreak } from '#activities/payments/commands/breaks.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
let app: TestApi;
let staff: { payments: string; support: string };

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  const [payments, support] = await Promise.all([app.signInAs(['payments']), app.signInAs(['support'])]);
  staff = { payments, support };
  await database.db.transaction().execute((trx) =>
    openBreak(trx, {
      psp: 'alpha',
      day: '2026-11-24',
      kind: 'extra',
      naturalKey: 'txn_1',
      subject: null,
      asset: 'EUR',
      expected: null,
      found: 12n * 10n ** 12n,
    }),
  );
}, 60_000);

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const list = async (token: string, query = '') =>
  app.send('GET', `/admin/v1/reconciliation/breaks${query}`, undefined, { token });
const firstId = async (): Promise<string> => {
  const { rows } = await database.ownerPool.query<{ id: string }>(
    'select id from payments.reconciliation_break',
  );
  return rows[0]?.id ?? '';
};

test('breaks are listed with what differs and how old they are, to those who may look', async () => {
  expect((await list(staff.support)).status).toBe(403);
  expect((await list(staff.payments)).body).toMatchObject({
    items: [
      {
        psp: 'alpha',
        day: '2026-11-24',
        kind: 'extra',
        naturalKey: 'txn_1',
        expected: null,
        found: { amount: '12.00', asset: 'EUR' },
        ownerId: null,
        proof: null,
      },
    ],
    next: null,
  });
  expect((await list(staff.payments, '?state=closed')).body).toMatchObject({ items: [] });
  expect((await list(staff.payments, '?state=lost')).status).toBe(400);
});

test('a break gets an owner who may work on what is about all brands', async () => {
  const path = `/admin/v1/reconciliation/breaks/${await firstId()}/owner`;
  const assign = (ownerId: string) => app.send('POST', path, { ownerId }, { token: staff.payments });
  const limited = app.operatorOf(await app.signInAs(['payments'], ['aurora']));
  const content = app.operatorOf(await app.signInAs(['content']));
  for (const nobody of [randomUUID(), limited, content]) expect((await assign(nobody)).status).toBe(404);
  const id = app.operatorOf(staff.payments);
  expect((await assign(id)).body).toMatchObject({ ownerId: id });
  expect((await list(staff.payments, `?ownerId=${id}`)).body).toMatchObject({ items: [{ ownerId: id }] });
});

test('a break closes by nothing that cannot be looked up', async () => {
  const path = `/admin/v1/reconciliation/breaks/${await firstId()}/closings`;
  const close = (proof: object) =>
    app.send(
      'POST',
      path,
      { proof, resolution: 'seen at the PSP' },
      { token: staff.payments, key: randomUUID() },
    );
  for (const kind of ['later-line', 'bank-line', 'journal', 'correction'])
    expect((await close({ kind, reference: randomUUID() })).body).toMatchObject({ code: 'invalid-request' });
  expect((await close({ kind: 'write-off', reference: 'x' })).status).toBe(400);
});

test('a day shows its files, its breaks and an empty suspense', async () => {
  const day = await app.send('GET', '/admin/v1/reconciliation/alpha/2026-11-24', undefined, {
    token: staff.payments,
  });
  expect(day.body).toMatchObject({ files: [], openBreaks: 1, closedBreaks: 0, suspense: [] });
  const post = (id: string, subject: string, cents: bigint, at: string) =>
    database.ownerPool.query(
      `with j as (insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, subject, fingerprint, occurred_at)
         values ($1::uuid, 'pitboss', $1::text, 'hold.capture', 'EUR', 'aurora', abs($3::numeric), $2, '\\x00', $4::timestamptz) returning id)
       insert into wallet.entry (journal_id, line, asset, account, amount)
       select id, line, 'EUR', account, amount from j, (values (1, 'suspense:alpha', $3::numeric), (2, 'suspense:beta', -$3::numeric)) l(line, account, amount)`,
      [id, subject, (cents * 10n ** 10n).toString(), at],
    );
  await post(randomUUID(), 'hold:open', 500n, '2026-11-24T10:00:00Z');
  await post(randomUUID(), 'hold:evened', 700n, '2026-11-24T11:00:00Z');
  await post(randomUUID(), 'hold:evened', -700n, '2026-11-24T12:00:00Z');
  await post(randomUUID(), 'hold:open', -500n, '2026-11-25T09:00:00Z');
  const suspenseOf = async (ofDay: string) =>
    (await app.send('GET', `/admin/v1/reconciliation/alpha/${ofDay}`, undefined, { token: staff.payments }))
      .body['suspense'];
  expect(await suspenseOf('2026-11-24')).toEqual([
    {
      account: 'suspense:alpha',
      money: { amount: '5.00', asset: 'EUR' },
      items: [
        {
          subject: 'hold:open',
          money: { amount: '5.00', asset: 'EUR' },
          since: '2026-11-24T10:00:00.000Z',
          workItemId: null,
        },
      ],
      unexplained: { amount: '5.00', asset: 'EUR' },
    },
  ]);
  // A work item that was open at the day's end explains it, also when it was closed since; one that came later does not.
  const item = (openedAt: string, closedAt: string | null) =>
    database.ownerPool.query(
      `insert into payments.work_item (kind, subject, reason, opened_at, closed_at, resolution)
       values ('unmatched-transfer', 'hold:open', 'test', $1, $2, 'test')`,
      [openedAt, closedAt],
    );
  await item('2026-11-26T10:00:00Z', '2026-11-26T11:00:00Z');
  expect(await suspenseOf('2026-11-24')).toMatchObject([{ unexplained: { amount: '5.00' } }]);
  await item('2026-11-24T10:00:00Z', '2026-11-25T09:00:00Z');
  expect(await suspenseOf('2026-11-24')).toMatchObject([
    { items: [{ workItemId: expect.any(String) }], unexplained: { amount: '0.00' } },
  ]);
  expect(await suspenseOf('2026-11-25')).toEqual([]);
  const run = await app.send('POST', '/admin/v1/reconciliation/delta/2026-11-24/runs', undefined, {
    token: staff.payments,
  });
  expect(run.status).toBe(404);
});
