/** Figures over many journals and lists of staff, as somebody of one brand sees them: his part of each, and it balances by itself. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  await post('aurora', 30n);
  await post('aurora', 5n);
  await post('boreal', 7n);
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** A journal of the house, balanced, straight into the ledger's tables: what is read is under test, not what writes. */
async function post(brand: string, units: bigint): Promise<void> {
  const id = randomUUID();
  const client = await database.ownerPool.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into wallet.journal (id, brand, code, integration, external_id, asset, amount, occurred_at, fingerprint)
       values ($1, $2, 'fee.charge', 'test', $3, 'EUR', $4, now(), '\\x00')`,
      [id, brand, id, units],
    );
    await client.query(
      `insert into wallet.entry (journal_id, line, account, asset, amount)
       values ($1, 0, 'house:psp-fees', 'EUR', -$2::numeric), ($1, 1, 'psp:alpha:clearing', 'EUR', $2)`,
      [id, units],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
}

const trial = async (brands: readonly string[]) => {
  const token = await app.signInAs(['admin'], brands);
  const { body } = await app.send('GET', '/admin/v1/ledger/trial-balance', undefined, { token });
  const lines = body['lines'] as { account: string; entries: number; balance: { amount: string } }[];
  return {
    balanced: body['balanced'],
    entries: lines.map(({ account, entries }) => [account, entries]),
    amounts: lines.map(({ balance }) => Number(balance.amount)),
  };
};

test('the trial balance of one brand is the sums of its journals and balances, and the brands together are the whole', async () => {
  const [aurora, boreal, whole] = [await trial(['aurora']), await trial(['boreal']), await trial(['*'])];
  expect(aurora).toMatchObject({
    balanced: true,
    entries: [
      ['house:psp-fees', 2],
      ['psp:alpha:clearing', 2],
    ],
  });
  expect(boreal).toMatchObject({
    balanced: true,
    entries: [
      ['house:psp-fees', 1],
      ['psp:alpha:clearing', 1],
    ],
  });
  expect(whole.amounts.map((amount) => amount.toFixed(12))).toEqual(
    aurora.amounts.map((amount, line) => (amount + (boreal.amounts[line] ?? 0)).toFixed(12)),
  );
  expect(await trial([])).toMatchObject({ entries: [] });
});

test('somebody of one brand sees the people who work on it, and none of the brands beside it', async () => {
  await app.signInAs(['support'], ['aurora', 'boreal']);
  await app.signInAs(['support'], ['boreal']);
  const token = await app.signInAs(['admin'], ['aurora']);
  const { body } = await app.send('GET', '/admin/v1/operators?limit=100', undefined, { token });
  const items = body['items'] as { brands: string[] }[];
  expect(items.length).toBeGreaterThan(1);
  expect(new Set(items.flatMap(({ brands }) => brands))).toEqual(new Set(['aurora', '*']));
});

test('a PSP’s settlement is of all brands and shown to nobody who is limited to some', async () => {
  const limited = await app.signInAs(['admin'], ['aurora']);
  const whole = await app.signInAs(['admin']);
  const path = '/admin/v1/reconciliation/breaks';
  expect(await app.send('GET', path, undefined, { token: limited })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
  expect((await app.send('GET', path, undefined, { token: whole })).status).toBe(200);
});
