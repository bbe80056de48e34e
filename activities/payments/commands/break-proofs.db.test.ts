/** A break closes by what is about it and nothing else, and by two people where our own books are the proof. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BreakKind } from '#domain/payments/settlement.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { euro, seedWorld } from '#test/workflows/payment-world.ts';
import { closeBreak, openBreak, type Proof } from './breaks.ts';

let database: TestDatabase;
const [ann, ben] = [randomUUID(), randomUUID()];

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 120_000);
afterAll(() => database?.drop());

type Wish = {
  kind: BreakKind;
  subject?: string | null;
  expected?: bigint | null;
  found?: bigint | null;
};

async function opened({ kind, subject = null, expected = null, found = null }: Wish): Promise<string> {
  const naturalKey = `txn_${randomUUID()}`;
  await database.db.transaction().execute((trx) =>
    openBreak(trx, {
      psp: 'alpha',
      day: '2026-11-24',
      kind,
      naturalKey,
      subject,
      asset: 'EUR',
      expected,
      found,
    }),
  );
  const { id } = await database.db
    .selectFrom('payments.reconciliationBreak')
    .select('id')
    .where('naturalKey', '=', naturalKey)
    .executeTakeFirstOrThrow();
  return id;
}

/** A journal between the PSP and its suspense or a player's side; `units` is what the PSP's account moves by. */
async function journal(
  units: bigint,
  subject: string,
  at = 'now()',
  account = 'psp:alpha:clearing',
): Promise<string> {
  const id = randomUUID();
  await database.ownerPool.query(
    `with j as (insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, subject, fingerprint, occurred_at)
       values ($1::uuid, 'pitboss', $1::text, 'hold.capture', 'EUR', 'aurora', abs($3::numeric), $2, '\\x00', ${at}) returning id)
     insert into wallet.entry (journal_id, line, asset, account, amount)
     select id, line, 'EUR', account, amount from j, (values (1, $4, $3::numeric), (2, 'suspense:beta', -$3::numeric)) l(line, account, amount)`,
    [id, subject, units.toString(), account],
  );
  return id;
}

const close = (id: string, kind: Proof['kind'], reference: string, operatorId = ann) =>
  database.db.transaction().execute((trx) =>
    closeBreak(trx, id, {
      proof: { kind, reference },
      resolution: 'looked up at the PSP',
      actor: { kind: 'operator', id: operatorId },
    }),
  );

const refused = { failure: { code: 'invalid-request' } };

test('an extra line is not proven by an older, a smaller, a turned or a foreign journal', async () => {
  const id = await opened({ kind: 'extra', found: 10_000n * euro });
  const subject = 'deposit:found';
  for (const wrong of [
    await journal(-10_000n * euro, subject, "now() - interval '1 day'"),
    await journal(-5n * euro, subject),
    await journal(10_000n * euro, subject),
    await journal(-10_000n * euro, subject, 'now()', 'psp:gamma:clearing'),
  ])
    expect(await close(id, 'journal', wrong)).toMatchObject(refused);
});

test('a journal closes a break once another person names it, and no second break', async () => {
  const id = await opened({ kind: 'extra', found: 70n * euro });
  const right = await journal(-70n * euro, 'deposit:right');
  expect(await close(id, 'journal', right)).toMatchObject({ value: { closedAt: null, proposedBy: ann } });
  expect(await close(id, 'journal', right)).toMatchObject({ value: { closedAt: null } });
  await expect(
    database.ownerPool.query(
      `update payments.reconciliation_break set closed_at = now(), closed_by = 'operator:' || proposed_by, proof_kind = 'journal',
         proof_reference = proposed_reference, resolution = 'alone' where id = $1`,
      [id],
    ),
  ).rejects.toThrow(/second person/);
  expect(await close(id, 'journal', right, ben)).toMatchObject({ value: { closedBy: `operator:${ben}` } });
  const twin = await opened({ kind: 'extra', found: 70n * euro });
  expect(await close(twin, 'journal', right)).toMatchObject(refused);
});

test('a break of a payment is proven by a journal of that payment, of the difference', async () => {
  const subject = `deposit:${randomUUID()}`;
  const id = await opened({ kind: 'amount', subject, expected: 40n * euro, found: 41n * euro });
  expect(await close(id, 'journal', await journal(-1n * euro, 'deposit:another'))).toMatchObject(refused);
  expect(await close(id, 'journal', await journal(-41n * euro, subject))).toMatchObject(refused);
  const right = await journal(-1n * euro, subject);
  await close(id, 'journal', right);
  expect(await close(id, 'journal', right, ben)).toMatchObject({ value: { closedBy: `operator:${ben}` } });
});

test('an unexplained line is not proven by any line of a later file, only by one that takes it back', async () => {
  const id = await opened({ kind: 'extra', found: 30n * euro });
  const { naturalKey } = await database.db
    .selectFrom('payments.reconciliationBreak')
    .select('naturalKey')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const tell = async (day: string, key: string, reference: string, gross: bigint, at: string) => {
    const file = randomUUID();
    await database.ownerPool.query(
      `insert into payments.settlement_file (id, psp, day, version, name, sha256, content, fetched_at)
       values ($1::uuid, 'alpha', $2::date, 1, $2::text, sha256($2::text::bytea), 'x', ${at})`,
      [file, day],
    );
    await database.ownerPool.query(
      `insert into payments.settlement_line (file_id, line, psp, natural_key, kind, psp_reference, asset, gross, fee)
       values ($1, 1, 'alpha', $2, 'charge', $3, 'EUR', $4, 0)`,
      [file, key, reference, gross.toString()],
    );
  };
  await tell('2026-11-24', naturalKey, 'pi_1', 30n * euro, "now() - interval '1 day'");
  await tell('2026-11-25', 'txn_other', 'pi_2', -30n * euro, "now() + interval '1 second'");
  await tell('2026-11-26', 'txn_less', 'pi_1', -3n * euro, "now() + interval '1 second'");
  await tell('2026-11-27', 'txn_back', 'pi_1', -30n * euro, "now() + interval '1 second'");
  expect(await close(id, 'later-line', 'txn_other')).toMatchObject(refused);
  expect(await close(id, 'later-line', 'txn_less')).toMatchObject(refused);
  expect(await close(id, 'later-line', 'txn_back')).toMatchObject({ value: { closedBy: `operator:${ann}` } });
});
