/** The proof proves: a sound ledger passes, and each kind of tampering by the owner is found and named. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { postCommand, postTransfer } from './post.ts';
import { openWallet } from './player-wallet.ts';
import { firstBadOf, verifyLedger } from './verify.ts';

let database: TestDatabase;
const playerId = randomUUID();

beforeAll(async () => {
  database = await createTestDatabase();
  await database.db
    .insertInto('wallet.asset')
    .values({ code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 })
    .onConflict((oc) => oc.doNothing())
    .execute();
  await database.db.transaction().execute(async (trx) => {
    await openWallet(trx, { playerId, asset: 'EUR', brand: 'aurora', jurisdiction: 'MT' });
    for (const n of [1, 2, 3]) {
      await postTransfer(trx, {
        key: `deposit:${n}:capture`,
        playerId,
        asset: 'EUR',
        amount: BigInt(n) * 10n ** 12n,
        subject: `deposit:${n}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      });
    }
  });
});

afterAll(() => database?.drop());

const findings = async () => (await verifyLedger(database.db)).flatMap((check) => check.findings);

/** Tampers as only the owner of the database can, looks, and puts things back. */
async function tampered(change: string, undo: string): Promise<string[]> {
  const run = async (text: string) => {
    const client = await database.ownerPool.connect();
    try {
      await client.query(`begin; set local session_replication_role = replica; ${text}; commit`);
    } finally {
      client.release();
    }
  };
  await run(change);
  const found = await findings();
  await run(undo);
  return found;
}

test('a sound ledger passes every check', async () => {
  expect(await findings()).toEqual([]);
});

test('a changed amount is named with its journal and its place in the chain', async () => {
  const found = await tampered(
    `update wallet.entry set amount = amount + 1 where seq = 2`,
    `update wallet.entry set amount = amount - 1 where seq = 2`,
  );
  expect(found.some((line) => line.includes('off by 1 units'))).toBe(true);
  expect(found.some((line) => line.startsWith(`entry 2 of ${playerId}/EUR/cash`))).toBe(true);
  expect(await findings()).toEqual([]);
});

test('a consistent forgery of both sides still breaks the hash', async () => {
  const forge = (sign: string) => `
    update wallet.entry set amount = amount ${sign} 5, balance_after = balance_after ${sign} 5 where seq = 3;
    update wallet.entry e set amount = e.amount ${sign === '+' ? '-' : '+'} 5 from wallet.entry p
      where p.seq = 3 and e.journal_id = p.journal_id and e.player_id is null;
    update wallet.player_wallet set cash = cash ${sign} 5`;
  const found = await tampered(forge('+'), forge('-'));
  expect(found).toEqual([expect.stringMatching(/^entry 3 of .* does not have the hash of its content$/)]);
});

test('a drifted balance and a forged head are found', async () => {
  expect(
    await tampered(
      'update wallet.player_wallet set cash = cash + 1',
      'update wallet.player_wallet set cash = cash - 1',
    ),
  ).toEqual([expect.stringMatching(/its entries sum to/)]);
  const head = "update wallet.player_wallet set cash_head = decode('00', 'hex')";
  const restore = 'update wallet.player_wallet set cash_head = (select hash from wallet.entry where seq = 3)';
  expect(await tampered(head, restore)).toEqual([expect.stringMatching(/head that is not its last hash/)]);
});

test('of several bad entries the earliest in the ledger is named first, whatever chain it is in', async () => {
  const forge = (bytes: string) => `update wallet.entry set hash = ${bytes} where seq in (2, 3)`;
  const { rows } = await database.ownerPool.query<{ seq: string; hash: string }>(
    "select seq, encode(hash, 'hex') as hash from wallet.entry where seq in (2, 3)",
  );
  const run = (text: string) =>
    database.ownerPool.query(`begin; set local session_replication_role = replica; ${text}; commit`);
  await run(forge("decode('00', 'hex')"));
  const checks = await verifyLedger(database.db);
  for (const { seq, hash } of rows)
    await run(`update wallet.entry set hash = decode('${hash}', 'hex') where seq = ${seq}`);
  expect(firstBadOf(checks)).toMatch(/^entry 2 of .* does not have the hash of its content$/);
  expect(firstBadOf(await verifyLedger(database.db))).toBeNull();
});

test('a round that has no row and one that has no journals are found', async () => {
  const round = randomUUID();
  await database.db.transaction().execute((trx) =>
    postCommand(trx, {
      kind: 'bet',
      key: { integration: 'studio', externalId: randomUUID() },
      playerId,
      asset: 'EUR',
      game: 'slot',
      round,
      roundClosed: false,
      fingerprint: '00'.repeat(32),
      amount: 4n,
      sessionIssuedAtMs: Date.now(),
      sessionExpiresAtMs: Date.now() + 3_600_000,
      contributionBps: 10_000,
      guardMs: 30_000,
    }),
  );
  expect(await findings()).toEqual([]);
  const invented = (of: string) =>
    `insert into games.round (integration, round_ref, player_id, asset, game_code, state, staked, won, opened_at, guard_at)
     values ('studio', '${of}', '${playerId}', 'EUR', 'slot', 'settled', 4, 0, now(), now())`;
  const remove = (of: string) => `delete from games.round where round_ref = '${of}'`;
  expect(await tampered(remove(round), invented(round))).toEqual([`round ${round} has journals and no row`]);
  expect(await tampered(invented('none'), remove('none'))).toEqual([
    'round none: staked 4 for 0, won 0 for 0',
  ]);
});
