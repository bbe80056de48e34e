/** The proof of movements proves: each kind of tampering by the owner around the ledger is found and named. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeAsset, makeDeposit, makePlayer, oneEuro } from '#test/support/factories.ts';
import { decideAdjustment, requestAdjustment } from './adjustments.ts';
import { makeExchange } from './exchanges.ts';
import { captureHold, placeHold } from './holds.ts';
import { openWallet } from './player-wallet.ts';
import { postTransfer, type PostTransfer } from './post.ts';
import { publishRate } from './rates.ts';
import { verifyLedger } from './verify.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const player = await makePlayer(database.db);
  const { id: playerId } = player;
  await makeAsset(database.db, 'USD');
  await makeDeposit(database.db, player);
  const [asking, deciding] = [randomUUID(), randomUUID()];
  const fingerprint = createHash('sha256').update('x').digest();
  await database.db.transaction().execute(async (trx) => {
    await openWallet(trx, { playerId, asset: 'USD', brand: 'aurora', jurisdiction: 'MT' });
    const post = async (key: string, amount: bigint, transfer: PostTransfer['transfer']) =>
      orThrow(
        await postTransfer(trx, { key, playerId, asset: 'EUR', amount, subject: 'deposit:1', transfer }),
      );
    await post('capture', 10n * oneEuro, { code: 'deposit.capture', psp: 'alpha' });
    await post('refund', 4n * oneEuro, { code: 'deposit.refund', capture: 'capture' });
    await post('open', 6n * oneEuro, { code: 'chargeback.open', capture: 'capture' });
    await post('win', 0n, { code: 'chargeback.win', opened: 'open' });

    const holdId = randomUUID();
    const hold = { holdId, playerId, asset: 'EUR', amount: 5n * oneEuro, reason: 'legal-order' } as const;
    orThrow(
      await placeHold(trx, {
        ...hold,
        captureTo: 'suspense:legal-orders',
        subject: null,
        note: 'Order 17',
        expiresAt: new Date(Date.now() + 3_600_000),
        actor: { kind: 'operator', id: asking },
        fingerprint,
      }),
    );
    const part = { holdId, captureId: randomUUID(), amount: oneEuro } as const;
    orThrow(await captureHold(trx, { ...part, actor: { kind: 'operator', id: deciding } }));

    const row = orThrow(
      await requestAdjustment(trx, {
        adjustmentId: randomUUID(),
        playerId,
        asset: 'EUR',
        direction: 'credit',
        amount: oneEuro,
        reasonCode: 'goodwill',
        note: 'One for the wait',
        operatorId: asking,
        fingerprint,
      }),
    );
    orThrow(
      await decideAdjustment(trx, {
        adjustmentId: row.id,
        decision: 'approve',
        contentHash: row.contentHash.toString('hex'),
        note: 'yes',
        operatorId: deciding,
        roles: ['compliance'],
      }),
    );

    const rate = orThrow(
      await publishRate(trx, {
        rateId: randomUUID(),
        soldAsset: 'EUR',
        boughtAsset: 'USD',
        rate: '1.0825',
        source: 'desk',
        quotedAt: new Date(),
        expiresAt: new Date(Date.now() + 60_000),
        publishedBy: 'system:test',
        fingerprint,
      }),
    );
    orThrow(
      await makeExchange(trx, {
        exchangeId: randomUUID(),
        playerId,
        brand: 'aurora',
        soldAsset: 'EUR',
        sold: 2n * oneEuro,
        boughtAsset: 'USD',
        rateId: rate.id,
        fingerprint,
      }),
    );
  });
});
afterAll(() => database?.drop());

const findings = async () => (await verifyLedger(database.db)).flatMap((check) => check.findings);

/** Tampers as only the owner can, looks, and puts things back. */
async function tampered(change: string, undo: string): Promise<string[]> {
  const run = async (text: string) => {
    const client = await database.ownerPool.connect();
    try {
      await client.query(`begin; set local session_replication_role = replica; ${text}; commit`);
    } finally {
      await client.query('rollback');
      client.release();
    }
  };
  await run(change);
  const found = await findings();
  await run(undo);
  return found;
}

test('a sound ledger passes, and every check has looked at something', async () => {
  const checks = await verifyLedger(database.db);
  expect(checks.flatMap((check) => check.findings)).toEqual([]);
  expect(checks.map(({ covered }) => covered)).toEqual(
    expect.arrayContaining([
      '2 refunds and chargebacks',
      '1 holds',
      '1 corrections',
      '1 exchanges',
      '1 reversals',
    ]),
  );
});

test.each([
  [
    'a hold that says less was captured',
    'update wallet.hold set captured = captured - 1',
    'update wallet.hold set captured = captured + 1',
    /^hold .* does not say what its journals say$/,
  ],
  [
    'a capture that says another amount',
    'update wallet.hold_capture set amount = amount + 1',
    'update wallet.hold_capture set amount = amount - 1',
    /^hold .* does not say what its journals say$/,
  ],
  [
    'a correction without its decision',
    `update wallet.adjustment set journal_id = (select id from wallet.journal where external_id = 'capture')`,
    `update wallet.adjustment set journal_id = (select id from wallet.journal where code = 'adjustment.post')`,
    /^correction .* has no decision that fits it$/,
  ],
  [
    'a correction of another amount than was decided',
    'update wallet.adjustment set amount = amount + 1',
    'update wallet.adjustment set amount = amount - 1',
    /^correction .* has no decision that fits it$/,
  ],
  [
    'a correction in the other direction',
    `update wallet.adjustment set direction = 'debit'`,
    `update wallet.adjustment set direction = 'credit'`,
    /^correction .* has no decision that fits it$/,
  ],
  [
    'another rate than the exchange was made at',
    `update wallet.exchange set rate = '1.0826'`,
    `update wallet.exchange set rate = '1.0825'`,
    /^exchange .* is not at its rate$/,
  ],
  [
    'a deposit that brought less than went back',
    `update wallet.journal set amount = 3 where external_id = 'capture'`,
    `update wallet.journal set amount = 10000000000000 where external_id = 'capture'`,
    /^deposit journal .* brought 3, 4000000000000 went back$/,
  ],
  [
    'a win that reverses something else',
    `update wallet.journal set reverses = (select id from wallet.journal where external_id = 'refund') where external_id = 'win'`,
    `update wallet.journal set reverses = answers where external_id = 'win'`,
    /does not fit/,
  ],
  [
    'time that runs backwards',
    `update wallet.journal set occurred_at = occurred_at + interval '1 hour' where external_id = 'capture'`,
    `update wallet.journal set occurred_at = occurred_at - interval '1 hour' where external_id = 'capture'`,
    /is older than the one before it$/,
  ],
])('%s is found', async (_, change, undo, finding) => {
  const found = await tampered(change, undo);
  expect(found.length).toBeGreaterThan(0);
  expect(found.some((line) => finding.test(line))).toBe(true);
  expect(await findings()).toEqual([]);
});
