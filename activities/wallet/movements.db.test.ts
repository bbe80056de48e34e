/** Holds, money that goes back, corrections and exchanges on the real database: once, never too much, always provable. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Trx } from '#db/connect.ts';
import { FailureError, orThrow, type Result } from '#domain/failures.ts';
import { adjustmentReasons } from '#domain/wallet/adjustments.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeAsset, makeDeposit, makePlayer, oneEuro, type TestPlayer } from '#test/support/factories.ts';
import { decideAdjustment, requestAdjustment, type DecideAdjustment } from './adjustments.ts';
import { makeExchange } from './exchanges.ts';
import { expireHolds } from './hold-expiry.ts';
import { captureHold, placeHold, releaseHold, type PlaceHold } from './holds.ts';
import { openWallet, readBalances } from './player-wallet.ts';
import { postTransfer, type PostTransfer } from './post.ts';
import { currentRates, publishRate } from './rates.ts';
import { verifyLedger } from './verify.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  await makeAsset(database.db, 'ETH');
});
afterAll(() => database?.drop());
afterEach(async () => {
  expect((await verifyLedger(database.db)).flatMap(({ findings }) => findings)).toEqual([]);
});

/** In a transaction of its own; a refusal rolls back. */
async function run<T>(work: (trx: Trx) => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return {
      ok: true,
      value: await database.db.transaction().execute(async (trx) => orThrow(await work(trx))),
    };
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}
const must = async <T>(work: (trx: Trx) => Promise<Result<T>>): Promise<T> => orThrow(await run(work));
const refusedWith = (code: string) => ({ ok: false, failure: { code } });
const print = (text: string) => createHash('sha256').update(text).digest();
const balances = async (player: TestPlayer) => {
  const rows = await readBalances(database.db, player.id);
  return Object.fromEntries(rows.map(({ asset, ...pools }) => [asset, pools]));
};
const richPlayer = async (euros = 100n) => {
  const player = await makePlayer(database.db);
  await makeDeposit(database.db, player, euros * oneEuro);
  return player;
};
const operator = (id: string) => ({ kind: 'operator', id }) as const;
const [ann, bob, eve] = [randomUUID(), randomUUID(), randomUUID()];

describe('holds', () => {
  const holdOf = (player: TestPlayer, change: Partial<PlaceHold> = {}): PlaceHold => ({
    holdId: randomUUID(),
    playerId: player.id,
    asset: 'EUR',
    amount: 60n * oneEuro,
    reason: 'legal-order',
    captureTo: 'suspense:legal-orders',
    subject: null,
    note: 'Order 17 of the court',
    expiresAt: new Date(Date.now() + 3_600_000),
    actor: operator(ann),
    fingerprint: print('hold'),
    ...change,
  });
  const capture = (holdId: string, euros: bigint, id = randomUUID(), by = bob) =>
    run((trx) => captureHold(trx, { holdId, captureId: id, amount: euros * oneEuro, actor: operator(by) }));

  test('is captured in parts until it is used up, each part once', async () => {
    const player = await richPlayer();
    const hold = holdOf(player);
    await must((trx) => placeHold(trx, hold));
    expect((await must((trx) => placeHold(trx, hold))).id).toBe(hold.holdId);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 40n * oneEuro, held: 60n * oneEuro } });

    const part = randomUUID();
    expect(await capture(hold.holdId, 25n, part)).toMatchObject({ ok: true, value: { state: 'open' } });
    expect(await capture(hold.holdId, 25n, part)).toMatchObject({ ok: true, value: { state: 'open' } });
    expect(await capture(hold.holdId, 26n, part)).toMatchObject(refusedWith('idempotency-key-reused'));
    expect(await capture(hold.holdId, 36n)).toMatchObject(refusedWith('hold-exceeded'));
    expect(await capture(hold.holdId, 35n)).toMatchObject({ ok: true, value: { state: 'captured' } });
    expect(await capture(hold.holdId, 1n)).toMatchObject(refusedWith('hold-not-open'));
    expect(await run((trx) => releaseHold(trx, { holdId: hold.holdId, actor: operator(ann) }))).toMatchObject(
      refusedWith('hold-not-open'),
    );
    expect(await balances(player)).toMatchObject({ EUR: { cash: 40n * oneEuro, held: 0n } });
  });

  test('is released for what is left, twice with one effect', async () => {
    const player = await richPlayer();
    const hold = holdOf(player);
    await must((trx) => placeHold(trx, hold));
    orThrow(await capture(hold.holdId, 10n));
    for (const _ of [1, 2])
      expect(
        await must((trx) => releaseHold(trx, { holdId: hold.holdId, actor: operator(ann) })),
      ).toMatchObject({ state: 'released', released: String(50n * oneEuro) });
    expect(await balances(player)).toMatchObject({ EUR: { cash: 90n * oneEuro, held: 0n } });
  });

  test('needs the money, one content per id, and an end in the future', async () => {
    const player = await richPlayer();
    const hold = holdOf(player);
    expect(await run((trx) => placeHold(trx, { ...hold, amount: 101n * oneEuro }))).toMatchObject(
      refusedWith('insufficient-funds'),
    );
    expect(await run((trx) => placeHold(trx, { ...hold, expiresAt: new Date(0) }))).toMatchObject(
      refusedWith('invalid-request'),
    );
    await must((trx) => placeHold(trx, hold));
    expect(await run((trx) => placeHold(trx, { ...hold, fingerprint: print('other') }))).toMatchObject(
      refusedWith('idempotency-key-reused'),
    );
  });

  test('twenty captures at once take what is held and not a cent more', async () => {
    const player = await richPlayer();
    const hold = holdOf(player);
    await must((trx) => placeHold(trx, hold));
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => capture(hold.holdId, 7n)));
    expect(outcomes.filter(({ ok }) => ok).length).toBe(8);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 40n * oneEuro, held: 4n * oneEuro } });
  });

  test('the same request at once places one hold', async () => {
    const player = await richPlayer();
    const hold = holdOf(player);
    const placed = await Promise.all(Array.from({ length: 8 }, () => run((trx) => placeHold(trx, hold))));
    expect(placed.every(({ ok }) => ok)).toBe(true);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 40n * oneEuro } });
  });

  test('who places it does not capture it, says the command and says the database', async () => {
    const player = await richPlayer();
    const hold = holdOf(player);
    await must((trx) => placeHold(trx, hold));
    expect(await capture(hold.holdId, 1n, randomUUID(), ann)).toMatchObject(refusedWith('own-approval'));
    await expect(
      database.ownerPool.query(
        `insert into wallet.hold_capture (id, hold_id, amount, captured_by, journal_id)
         select gen_random_uuid(), $1, 1, $2, id from wallet.journal limit 1`,
        [hold.holdId, `operator:${ann}`],
      ),
    ).rejects.toThrow(/hold of his own/);
  });

  test('runs out by the database’s clock: no capture afterwards, and the sweep gives the rest back once', async () => {
    const player = await richPlayer();
    const hold = holdOf(player, { expiresAt: new Date(Date.now() + 400) });
    await must((trx) => placeHold(trx, hold));
    expect(await expireHolds(database.db, 10)).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await capture(hold.holdId, 1n)).toMatchObject(refusedWith('hold-not-open'));
    const swept = await Promise.all([expireHolds(database.db, 10), expireHolds(database.db, 10)]);
    expect(swept[0] + swept[1]).toBe(1);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 100n * oneEuro, held: 0n } });
    const { rows } = await database.ownerPool.query<{ type: string }>(
      `select type from compliance.outbox where player_id = $1 and type like 'wallet.hold.%' order by id`,
      [player.id],
    );
    expect(rows.map(({ type }) => type)).toEqual(['wallet.hold.placed', 'wallet.hold.expired']);
  });

  test.each([
    ['captured = amount + 1', /hold_check|violates check/],
    ["state = 'expired', released = amount, closed_at = now()", /has not run out/],
    ["capture_to = 'suspense:elsewhere'", /cannot change/],
    ["expires_at = expires_at + interval '1 day'", /cannot change/],
    ['captured = captured - 1', /gives nothing back/],
    ["state = 'captured', closed_at = now()", /violates check/],
  ])('the row refuses %s, even to the owner', async (change, refusal) => {
    const player = await richPlayer();
    const hold = holdOf(player);
    await must((trx) => placeHold(trx, hold));
    await expect(
      database.ownerPool.query(`update wallet.hold set ${change} where id = $1`, [hold.holdId]),
    ).rejects.toThrow(refusal);
    await expect(
      database.ownerPool.query('delete from wallet.hold where id = $1', [hold.holdId]),
    ).rejects.toThrow(/are kept/);
  });
});

describe('refunds and chargebacks', () => {
  const deposit = async (euros = 100n) => {
    const player = await makePlayer(database.db);
    const id = randomUUID();
    const step = (key: string, amount: bigint, transfer: PostTransfer['transfer']) =>
      run((trx) =>
        postTransfer(trx, {
          key: `deposit:${id}:${key}`,
          playerId: player.id,
          asset: 'EUR',
          amount: amount * oneEuro,
          subject: `deposit:${id}`,
          transfer,
        }),
      );
    orThrow(await step('capture', euros, { code: 'deposit.capture', psp: 'alpha' }));
    const capture = `deposit:${id}:capture`;
    const spend = (amount: bigint) =>
      run((trx) =>
        postTransfer(trx, {
          key: `spend:${randomUUID()}`,
          playerId: player.id,
          asset: 'EUR',
          amount: amount * oneEuro,
          subject: `withdrawal:${id}`,
          transfer: { code: 'withdrawal.reserve' },
        }),
      );
    return {
      player,
      spend,
      refund: (n: number, amount: bigint) => step(`refund:${n}`, amount, { code: 'deposit.refund', capture }),
      open: (stage: number, amount: bigint) =>
        step(`chargeback:${stage}`, amount, { code: 'chargeback.open', capture }),
      end: (stage: number, code: 'chargeback.lose' | 'chargeback.win') =>
        step(`chargeback:${stage}:${code}`, 0n, { code, opened: `deposit:${id}:chargeback:${stage}` }),
      capture,
    };
  };
  const houseOf = async (player: TestPlayer) => {
    const { rows } = await database.ownerPool.query<{ account: string; sum: string }>(
      `select e.account, (sum(e.amount) / 1000000000000)::text as sum from wallet.entry e
       join wallet.journal j on j.id = e.journal_id
       where j.player_id = $1 and e.player_id is null group by 1 having sum(e.amount) <> 0 order by 1`,
      [player.id],
    );
    return Object.fromEntries(rows.map(({ account, sum }) => [account, Number(sum)]));
  };

  test('a refund takes cash and answers the capture; a repeat moves nothing', async () => {
    const { player, refund, capture } = await deposit();
    const first = orThrow(await refund(1, 30n));
    expect(orThrow(await refund(1, 30n))).toMatchObject({ journalId: first.journalId, repeated: true });
    expect(await refund(1, 31n)).toMatchObject(refusedWith('duplicate-transaction'));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 70n * oneEuro, receivable: 0n } });
    expect(await houseOf(player)).toEqual({ 'psp:alpha:clearing': -70 });
    const { rows } = await database.ownerPool.query<{ answered: string }>(
      'select o.external_id as answered from wallet.journal r join wallet.journal o on o.id = r.answers where r.id = $1',
      [first.journalId],
    );
    expect(rows).toEqual([{ answered: capture }]);
  });

  test('what was spent becomes a debt and cash never goes below zero; the next money pays it first', async () => {
    const { player, spend, refund } = await deposit();
    orThrow(await spend(80n));
    orThrow(await refund(1, 50n));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 0n, receivable: -30n * oneEuro } });
    await makeDeposit(database.db, player, 40n * oneEuro);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 10n * oneEuro, receivable: 0n } });
  });

  test('refunds and chargebacks together never give back more than the deposit brought', async () => {
    const { refund, open, end } = await deposit();
    orThrow(await refund(1, 60n));
    expect(await refund(2, 41n)).toMatchObject(refusedWith('exceeds-captured'));
    expect(await open(1, 41n)).toMatchObject(refusedWith('exceeds-captured'));
    orThrow(await open(1, 40n));
    expect(await refund(3, 1n)).toMatchObject(refusedWith('exceeds-captured'));
    // Won money can go back after all; lost money cannot.
    orThrow(await end(1, 'chargeback.win'));
    orThrow(await open(2, 40n));
    orThrow(await end(2, 'chargeback.lose'));
    expect(await refund(4, 1n)).toMatchObject(refusedWith('exceeds-captured'));
  });

  test('eight refunds at once: the deposit is the limit', async () => {
    const { player, refund } = await deposit();
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, n) => refund(n, 30n)));
    expect(outcomes.filter(({ ok }) => ok).length).toBe(3);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 10n * oneEuro } });
  });

  test('a chargeback is disputed until it is lost or won, once', async () => {
    const { player, open, end } = await deposit();
    orThrow(await open(1, 100n));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 0n } });
    expect(await houseOf(player)).toEqual({ 'psp:alpha:clearing': -100, 'psp:alpha:disputed': 100 });
    orThrow(await end(1, 'chargeback.win'));
    expect(orThrow(await end(1, 'chargeback.win')).repeated).toBe(true);
    expect(await end(1, 'chargeback.lose')).toMatchObject(refusedWith('already-decided'));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 100n * oneEuro } });
    // Reversed was not final: the second stage opens anew and is lost.
    orThrow(await open(2, 100n));
    orThrow(await end(2, 'chargeback.lose'));
    expect(await end(2, 'chargeback.win')).toMatchObject(refusedWith('already-decided'));
    expect(await houseOf(player)).toEqual({});
    expect(await balances(player)).toMatchObject({ EUR: { cash: 0n, receivable: 0n } });
  });

  test('a win repays the debt that its opening made', async () => {
    const { player, spend, open, end } = await deposit();
    orThrow(await spend(90n));
    orThrow(await open(1, 100n));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 0n, receivable: -90n * oneEuro } });
    orThrow(await end(1, 'chargeback.win'));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 10n * oneEuro, receivable: 0n } });
  });

  test('what is answered must be a capture, or an opening, of this very player', async () => {
    const mine = await deposit();
    const other = await deposit();
    const from = (player: TestPlayer, transfer: PostTransfer['transfer']) =>
      run((trx) =>
        postTransfer(trx, {
          key: `x:${randomUUID()}`,
          playerId: player.id,
          asset: 'EUR',
          amount: oneEuro,
          subject: 'x:1',
          transfer,
        }),
      );
    for (const code of ['deposit.refund', 'chargeback.open'] as const) {
      expect(await from(mine.player, { code, capture: other.capture })).toMatchObject(
        refusedWith('transaction-not-found'),
      );
      expect(await from(mine.player, { code, capture: 'deposit:none:capture' })).toMatchObject(
        refusedWith('transaction-not-found'),
      );
    }
    expect(await from(mine.player, { code: 'chargeback.win', opened: mine.capture })).toMatchObject(
      refusedWith('transaction-not-found'),
    );
  });

  test('the database refuses a claim beyond the capture that somebody writes past the reducer', async () => {
    const { player, capture } = await deposit();
    await expect(
      database.ownerPool.query(
        `insert into wallet.journal (id, integration, external_id, code, asset, brand, player_id, amount, occurred_at, answers, fingerprint)
         select gen_random_uuid(), 'pitboss', 'forged', 'deposit.refund', 'EUR', 'aurora', $1, amount + 1, now(), id, 'x'
         from wallet.journal where external_id = $2`,
        [player.id, capture],
      ),
    ).rejects.toThrow(/more would go back/);
  });
});

describe('corrections under four eyes', () => {
  const ask = (player: TestPlayer, change: Partial<Parameters<typeof requestAdjustment>[1]> = {}) =>
    run((trx) =>
      requestAdjustment(trx, {
        adjustmentId: randomUUID(),
        playerId: player.id,
        asset: 'EUR',
        direction: 'credit',
        amount: 20n * oneEuro,
        reasonCode: 'goodwill',
        note: 'Twenty for the long wait',
        operatorId: ann,
        fingerprint: print('ask'),
        ...change,
      }),
    );
  const decide = (row: { id: string; contentHash: Buffer }, change: Partial<DecideAdjustment> = {}) =>
    run((trx) =>
      decideAdjustment(trx, {
        adjustmentId: row.id,
        decision: 'approve',
        contentHash: row.contentHash.toString('hex'),
        note: 'agreed',
        operatorId: bob,
        roles: ['payments-lead'],
        ...change,
      }),
    );

  test('the reasons in the database are those of the code', async () => {
    const rows = await database.db
      .selectFrom('wallet.adjustmentReason')
      .selectAll()
      .orderBy('code')
      .execute();
    expect(rows).toEqual(adjustmentReasons.toSorted((a, b) => (a.code < b.code ? -1 : 1)));
  });

  test('nothing moves before the second person, and then exactly once', async () => {
    const player = await richPlayer();
    const row = orThrow(await ask(player));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 100n * oneEuro } });
    const decisions = await Promise.all([decide(row), decide(row), decide(row)]);
    expect(decisions.every(({ ok }) => ok)).toBe(true);
    expect(await balances(player)).toMatchObject({ EUR: { cash: 120n * oneEuro } });
    expect(await decide(row, { decision: 'refuse' })).toMatchObject(refusedWith('already-decided'));
    expect(await decide(row, { operatorId: eve })).toMatchObject(refusedWith('already-decided'));
    const { rows } = await database.ownerPool.query<{ actor: string; action: string; reason: string }>(
      'select actor, action, reason from compliance.audit where subject = $1 order by id',
      [`adjustment:${row.id}`],
    );
    expect(rows).toEqual([
      { actor: `operator:${ann}`, action: 'wallet.adjustment.requested', reason: 'Twenty for the long wait' },
      { actor: `operator:${bob}`, action: 'wallet.adjustment.approved', reason: 'agreed' },
    ]);
  });

  test('the first person cannot decide, says the command and says the database', async () => {
    const player = await richPlayer();
    const row = orThrow(await ask(player));
    for (const decision of ['approve', 'refuse'] as const)
      expect(await decide(row, { decision, operatorId: ann })).toMatchObject(refusedWith('own-approval'));
    expect(await decide(row, { operatorId: player.id })).toMatchObject(refusedWith('own-approval'));
    await expect(
      database.ownerPool.query(
        `update wallet.adjustment set state = 'refused', decided_by = requested_by, decided_roles = '{}',
           decided_hash = content_hash, decision_note = 'mine', decided_at = now() where id = $1`,
        [row.id],
      ),
    ).rejects.toThrow(/violates check/);
  });

  test('a decision is about what was shown: another hash decides nothing', async () => {
    const row = orThrow(await ask(await richPlayer()));
    expect(await decide(row, { contentHash: '00'.repeat(32) })).toMatchObject(
      refusedWith('adjustment-not-open'),
    );
    await expect(
      database.ownerPool.query('update wallet.adjustment set amount = amount * 2 where id = $1', [row.id]),
    ).rejects.toThrow(/cannot/);
  });

  test('an amount above the band waits for somebody above; refusing needs no band', async () => {
    const player = await richPlayer();
    const row = orThrow(await ask(player, { amount: 1_001n * oneEuro }));
    expect(await decide(row)).toMatchObject(refusedWith('forbidden'));
    expect(await decide(row, { roles: ['risk'] })).toMatchObject(refusedWith('forbidden'));
    expect(await decide(row, { roles: ['compliance'] })).toMatchObject({
      ok: true,
      value: { state: 'posted' },
    });
    const large = orThrow(await ask(player, { amount: 10_001n * oneEuro }));
    expect(await decide(large, { decision: 'refuse' })).toMatchObject({
      ok: true,
      value: { state: 'refused', journalId: null },
    });
  });

  test('the reason says which way it may go and whether it may leave a debt', async () => {
    const player = await richPlayer();
    expect(await ask(player, { direction: 'debit' })).toMatchObject(refusedWith('invalid-request'));
    expect(await ask(player, { reasonCode: 'because' })).toMatchObject(refusedWith('invalid-request'));
    expect(await ask(player, { operatorId: player.id })).toMatchObject(refusedWith('own-approval'));
    const debit = { direction: 'debit', amount: 130n * oneEuro } as const;
    const residue = orThrow(await ask(player, { ...debit, reasonCode: 'residue-write-off' }));
    expect(await decide(residue)).toMatchObject(refusedWith('insufficient-funds'));
    const error = orThrow(await ask(player, { ...debit, reasonCode: 'error-correction' }));
    orThrow(await decide(error));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 0n, receivable: -30n * oneEuro } });
    const forgiven = orThrow(await ask(player, { reasonCode: 'debt-write-off', amount: 30n * oneEuro }));
    orThrow(await decide(forgiven));
    expect(await balances(player)).toMatchObject({ EUR: { cash: 0n, receivable: 0n } });
  });

  test('one content per id', async () => {
    const player = await richPlayer();
    const adjustmentId = randomUUID();
    const row = orThrow(await ask(player, { adjustmentId }));
    expect(orThrow(await ask(player, { adjustmentId })).id).toBe(row.id);
    expect(await ask(player, { adjustmentId, fingerprint: print('other') })).toMatchObject(
      refusedWith('idempotency-key-reused'),
    );
  });
});

describe('exchanges', () => {
  const traveller = async () => {
    const player = await richPlayer();
    await database.db
      .transaction()
      .execute((trx) =>
        openWallet(trx, { playerId: player.id, asset: 'ETH', brand: 'aurora', jurisdiction: 'MT' }),
      );
    return player;
  };
  const publish = (rate: string, change: Partial<Parameters<typeof publishRate>[1]> = {}) =>
    run((trx) =>
      publishRate(trx, {
        rateId: randomUUID(),
        soldAsset: 'EUR',
        boughtAsset: 'ETH',
        rate,
        source: 'desk',
        quotedAt: new Date(),
        expiresAt: new Date(Date.now() + 60_000),
        publishedBy: 'system:test',
        fingerprint: print(rate),
        ...change,
      }),
    );
  const exchange = (
    player: TestPlayer,
    rateId: string,
    change: Partial<Parameters<typeof makeExchange>[1]> = {},
  ) =>
    run((trx) =>
      makeExchange(trx, {
        exchangeId: randomUUID(),
        playerId: player.id,
        brand: 'aurora',
        soldAsset: 'EUR',
        sold: 30n * oneEuro,
        boughtAsset: 'ETH',
        rateId,
        fingerprint: print('x'),
        ...change,
      }),
    );

  test('is one journal whose lines balance in each asset, rounded down to the wei', async () => {
    const player = await traveller();
    const rate = orThrow(await publish('1/2857'));
    const exchangeId = randomUUID();
    const made = orThrow(await exchange(player, rate.id, { exchangeId }));
    expect(orThrow(await exchange(player, rate.id, { exchangeId })).journalId).toBe(made.journalId);
    const wei = (30n * 10n ** 18n) / 2857n;
    expect(await balances(player)).toMatchObject({ EUR: { cash: 70n * oneEuro }, ETH: { cash: wei } });
    expect(made).toMatchObject({ bought: String(wei), rate: '1/2857', rateSource: 'desk' });
    const { rows } = await database.ownerPool.query<{ asset: string; account: string; amount: string }>(
      'select asset, account, amount from wallet.entry where journal_id = $1 order by line',
      [made.journalId],
    );
    expect(rows).toEqual([
      { asset: 'EUR', account: 'cash', amount: String(-30n * oneEuro) },
      { asset: 'EUR', account: 'house:fx', amount: String(30n * oneEuro) },
      { asset: 'ETH', account: 'cash', amount: String(wei) },
      { asset: 'ETH', account: 'house:fx', amount: String(-wei) },
    ]);
    // A fact is about one asset: two facts of one journal, each in balance.
    const facts = await database.ownerPool.query<{ asset: string; sum: string }>(
      `select payload->>'asset' as asset, sum((entry->>'units')::numeric)::text as sum
       from compliance.outbox, jsonb_array_elements(payload->'entries') as entry
       where type = 'wallet.journal.posted' and payload->>'journalId' = $1 group by event_id, 1 order by 1`,
      [made.journalId],
    );
    expect(facts.rows).toEqual([
      { asset: 'ETH', sum: '0' },
      { asset: 'EUR', sum: '0' },
    ]);
  });

  test('many at once in both directions neither wait in a circle nor lose a unit', async () => {
    const player = await traveller();
    const there = orThrow(await publish('0.001'));
    const back = orThrow(await publish('1000', { soldAsset: 'ETH', boughtAsset: 'EUR' }));
    orThrow(await exchange(player, there.id, { sold: 50n * oneEuro }));
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        n % 2 === 0
          ? exchange(player, there.id, { sold: oneEuro })
          : exchange(player, back.id, { soldAsset: 'ETH', boughtAsset: 'EUR', sold: 10n ** 15n }),
      ),
    );
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(await balances(player)).toMatchObject({
      EUR: { cash: 50n * oneEuro },
      ETH: { cash: 5n * 10n ** 16n },
    });
  });

  test('needs a rate in force for the pair: not an older one, not one that has run out', async () => {
    const player = await traveller();
    const old = orThrow(await publish('0.5'));
    const now = orThrow(await publish('0.25'));
    expect(await exchange(player, old.id)).toMatchObject(refusedWith('rate-not-current'));
    expect(await exchange(player, now.id, { soldAsset: 'ETH', boughtAsset: 'EUR' })).toMatchObject(
      refusedWith('rate-not-current'),
    );
    const short = orThrow(await publish('0.125', { expiresAt: new Date(Date.now() + 200) }));
    expect((await currentRates(database.db)).map(({ id }) => id)).toContain(short.id);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await exchange(player, short.id)).toMatchObject(refusedWith('rate-not-current'));
  });

  test('needs the money, a wallet in the other asset, and an amount that buys a unit', async () => {
    const player = await traveller();
    const rate = orThrow(await publish('0.000000000001'));
    expect(await exchange(player, rate.id, { sold: 101n * oneEuro })).toMatchObject(
      refusedWith('insufficient-funds'),
    );
    expect(await exchange(await richPlayer(), rate.id)).toMatchObject(refusedWith('wallet-not-found'));
    const coarse = orThrow(await publish('0.000000000000000001'));
    expect(await exchange(player, coarse.id, { sold: oneEuro / 2n })).toMatchObject(
      refusedWith('amount-not-positive'),
    );
    expect(await publish('0')).toMatchObject(refusedWith('invalid-request'));
    expect(await publish('1', { boughtAsset: 'EUR' })).toMatchObject(refusedWith('invalid-request'));
  });
});
