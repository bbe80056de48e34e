/** Limits, retry rules and lists on the real tables, with deposits and withdrawals that race. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import {
  askDeposit,
  euro,
  fingerprintOf,
  keyPlayer,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  workItemsOf,
} from '#test/workflows/payment-world.ts';
import { addListEntry, endListEntry, lookUp, type NewListEntry } from './commands/list-entries.ts';
import { setPaymentRule, type SetPaymentRule } from './commands/payment-rules.ts';
import { requestDeposit } from './commands/request-deposit.ts';
import { requestWithdrawal } from './commands/request-withdrawal.ts';
import { confirmRetryRule, endRetryRule, proposeRetryRule } from './commands/retry-rules.ts';

let database: TestDatabase;
const alpha = scriptedPsp('alpha');
const beta = scriptedPsp('beta');

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 60_000);
afterAll(() => database?.drop());

const acts = () =>
  paymentActivities(
    database.db,
    new Map([
      ['alpha', alpha],
      ['beta', beta],
    ]),
  );

const ask = (
  playerId: string,
  amount: string,
  token = `tok_${playerId.slice(0, 8)}`,
  ip: string | null = null,
) => {
  const depositId = randomUUID();
  return requestDeposit(database.db, {
    depositId,
    playerId,
    brand: 'aurora',
    jurisdiction: 'MT',
    money: { amount, asset: 'EUR' },
    tokens: [
      { psp: 'alpha', token },
      { psp: 'beta', token: `${token}_b` },
    ],
    returnUrl: 'http://shop.test/back',
    fingerprint: fingerprintOf(depositId),
    origin: { sessionId: null, ip },
  });
};

type Declined = Extract<PspOutcome, { kind: 'declined' }>;
const visa = (fingerprint: string) => ({ fingerprint, network: 'visa', bin: '424242', country: 'MT' });
const decline =
  (fingerprint: string, more: Partial<Declined> = {}) =>
  (): PspOutcome => ({
    kind: 'declined',
    pspReference: null,
    declineClass: 'generic',
    rawCode: 'scripted',
    networkCode: '05',
    card: visa(fingerprint),
    ...more,
  });

/** Sends the first attempt of a deposit that was taken in. */
async function send(depositId: string, outcome: () => PspOutcome, number = 1) {
  const psp = number === 1 ? alpha : beta;
  psp.play({ authorise: [outcome], status: [outcome] });
  return acts().money.authoriseAttempt({ depositId, number });
}

const operatorId = randomUUID();
const setRule = async (
  rule: Partial<SetPaymentRule> & Pick<SetPaymentRule, 'name' | 'measure'>,
): Promise<void> => {
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await setPaymentRule(trx, {
        ruleId: randomUUID(),
        brand: 'aurora',
        flow: 'deposit',
        subject: 'player',
        method: null,
        jurisdiction: null,
        country: null,
        asset: null,
        amount: null,
        countMax: null,
        kycLevel: null,
        windowS: null,
        isActive: true,
        reason: 'a test',
        operatorId,
        fingerprint: Buffer.alloc(32),
        ...rule,
      }),
    ),
  );
  outliveMemory();
};
const endRule = (rule: Parameters<typeof setRule>[0]) => setRule({ ...rule, isActive: false });

/** The rule's end does not depend on how the test went. */
async function under<T>(rule: Parameters<typeof setRule>[0], work: () => Promise<T>): Promise<T> {
  await setRule(rule);
  try {
    return await work();
  } finally {
    await endRule(rule);
  }
}

/** All at once, but for the time of a machine that is busy: a pool that is too slow to connect is no answer. */
const patiently = async <T>(work: () => Promise<T>, tries = 5): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (tries === 0 || !(error instanceof Error && error.message.includes('timeout exceeded'))) throw error;
    return patiently(work, tries - 1);
  }
};

const list = (entry: Pick<NewListEntry, 'list' | 'kind' | 'value'> & Partial<NewListEntry>) =>
  database.db.transaction().execute(async (trx) =>
    orThrow(
      await addListEntry(trx, testKeyRing, {
        entryId: randomUUID(),
        brand: 'aurora',
        skips: [],
        reason: 'a test',
        expiresAt: null,
        operatorId,
        fingerprint: Buffer.alloc(32),
        ...entry,
      }),
    ),
  );

const refusalsOf = async (playerId: string) =>
  (
    await database.db
      .selectFrom('compliance.outbox')
      .select('payload')
      .where('playerId', '=', playerId)
      .where('type', '=', 'payments.deposit.refused')
      .orderBy('id')
      .execute()
  ).map(({ payload }) => payload);

describe('limits of a brand', () => {
  test('of twelve deposits that race no more than the count admits are reserved, and the others hear when to come back', async () => {
    const rule = {
      name: 'race-count',
      measure: 'count',
      countMax: 3,
      windowS: 3_600,
      subject: 'ip',
    } as const;
    await under(rule, async () => {
      // Different players from one address: only the address's counter makes them take turns.
      const players = await Promise.all(
        Array.from({ length: 12 }, () => patiently(() => makePlayer(database.db))),
      );
      const answers = await Promise.all(
        players.map((playerId) => patiently(() => ask(playerId, '10.00', undefined, '198.51.100.7'))),
      );
      expect(answers.filter(({ ok }) => ok)).toHaveLength(3);
      const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer.failure]));
      for (const failure of refused) {
        expect(failure.code).toBe('payment-limit-exceeded');
        expect(failure.retryAfterS).toBeGreaterThan(3_500);
        expect(failure).not.toHaveProperty('by');
      }
      const { rows } = await sql<{ uses: number; deposits: number }>`
      select (select count(*)::int from payments.payment_use where subject = 'ip:198.51.100.7') as uses,
        (select count(*)::int from payments.deposit where player_id = any (${players}::uuid[])) as deposits`.execute(
        database.db,
      );
      expect(rows[0]).toEqual({ uses: 3, deposits: 3 });
    });
  }, 60_000);

  test('a sum is given back by a proven decline, and kept by an unknown outcome', async () => {
    const rule = {
      name: 'sum-day',
      measure: 'sum',
      amount: 100n * euro,
      asset: 'EUR',
      windowS: 86_400,
    } as const;
    await setRule(rule);
    const playerId = await makePlayer(database.db);
    const first = orThrow(await ask(playerId, '80.00'));
    expect(await ask(playerId, '30.00')).toMatchObject({
      ok: false,
      failure: { code: 'payment-limit-exceeded' },
    });
    await send(first.id, decline('sum-card'));
    const second = orThrow(await ask(playerId, '90.00'));
    await send(second.id, () => ({ kind: 'unknown', reason: 'lost' }));
    expect(await ask(playerId, '30.00')).toMatchObject({
      ok: false,
      failure: { code: 'payment-limit-exceeded' },
    });
    expect(await refusalsOf(playerId)).toMatchObject([
      { by: 'payment-rule:sum-day:v1' },
      { by: 'payment-rule:sum-day:v1' },
    ]);
    await endRule(rule);
  }, 60_000);

  test('amounts below and above are refused before anything is written', async () => {
    const least = {
      name: 'least',
      measure: 'amount-min',
      subject: 'payment',
      amount: 10n * euro,
      asset: 'EUR',
    } as const;
    const most = {
      name: 'most',
      measure: 'amount-max',
      subject: 'payment',
      amount: 20n * euro,
      asset: 'EUR',
    } as const;
    await Promise.all([setRule(least), setRule(most)]);
    const playerId = await makePlayer(database.db);
    expect(await ask(playerId, '9.99')).toMatchObject({
      failure: { code: 'amount-below-minimum', detail: 'The least amount is 10.00 EUR.' },
    });
    expect(await ask(playerId, '20.01')).toMatchObject({ failure: { code: 'amount-above-maximum' } });
    orThrow(await ask(playerId, '10.00'));
    await Promise.all([endRule(least), endRule(most)]);
    orThrow(await ask(playerId, '9.99'));
  }, 60_000);

  test('different cards refused from one address stop further ones, the same card does not', async () => {
    const rule = {
      name: 'enumeration',
      measure: 'declined-cards',
      subject: 'ip',
      countMax: 3,
      windowS: 3_600,
    } as const;
    await setRule(rule);
    const tester = await makePlayer(database.db);
    const again = async (card: string, ip: string) => {
      const row = await ask(tester, '10.00', `tok_${randomUUID().slice(0, 8)}`, ip);
      if (row.ok) await send(row.value.id, decline(card));
      return row.ok;
    };
    for (const card of ['e1', 'e1', 'e1', 'e2']) expect(await again(card, '203.0.113.5')).toBe(true);
    expect(await again('e3', '203.0.113.5')).toBe(true);
    expect(await again('e4', '203.0.113.5')).toBe(false);
    expect(await again('e4', '203.0.113.6')).toBe(true);
    await endRule(rule);
  }, 60_000);

  test('an address of one machine or network counts on nobody, and an entry of a list names it all the same', async () => {
    const rule = {
      name: 'of-nobody',
      measure: 'count',
      subject: 'ip',
      countMax: 1,
      windowS: 3_600,
    } as const;
    await setRule(rule);
    for (const ip of ['127.0.0.1', '::1', '10.0.0.7', '::ffff:192.168.1.4', '100.64.0.9', 'fe80::1%eth0'])
      for (const playerId of [await makePlayer(database.db), await makePlayer(database.db)])
        expect((await ask(playerId, '10.00', undefined, ip)).ok, ip).toBe(true);
    const { rows } = await sql<{ subject: string }>`
      select subject from payments.payment_use
      where subject ~ '^ip:(127\\.|::|10\\.|192\\.168|100\\.64|fe80)'`.execute(database.db);
    expect(rows).toEqual([]);
    await endRule(rule);
    const [one, other] = [await makePlayer(database.db), await makePlayer(database.db)];
    const entry = await list({ list: 'black', kind: 'ip', value: '10.0.0.7' });
    expect(await ask(one, '10.00', undefined, '10.0.0.7')).toMatchObject({
      failure: { code: 'payment-method-unavailable' },
    });
    expect((await ask(other, '10.00', undefined, '10.0.0.8')).ok).toBe(true);
    await database.db
      .transaction()
      .execute((trx) => endListEntry(trx, { entryId: entry.id, operatorId, reason: 'over' }));
  }, 60_000);
});

describe('retry rules of card networks', () => {
  test('of tries at one card that race no more than the network admits get through, whatever players and PSPs', async () => {
    const fingerprint = `race-${randomUUID()}`;
    const players = await Promise.all(Array.from({ length: 4 }, () => makePlayer(database.db)));
    // Two tries each teach whose card the tokens are: 8 of the 21 that twenty reattempts make.
    for (let round = 0; round < 2; round += 1) {
      for (const playerId of players)
        await send(orThrow(await ask(playerId, '33.00')).id, decline(fingerprint));
    }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => patiently(() => ask(players[index % 4] ?? '', '33.00'))),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(13);
    expect(answers.find(({ ok }) => !ok)).toMatchObject({ failure: { code: 'payment-limit-exceeded' } });
    // Another amount is another count.
    expect((await ask(players[0] ?? '', '34.00')).ok).toBe(true);
  }, 60_000);

  test('a card that must never be tried again is not, by the same player or another one', async () => {
    const fingerprint = `never-${randomUUID()}`;
    const [one, other] = [await makePlayer(database.db), await makePlayer(database.db)];
    await send(orThrow(await ask(other, '5.00')).id, decline(fingerprint));
    await send(
      orThrow(await ask(one, '5.00')).id,
      decline(fingerprint, { networkCode: '14', declineClass: 'hard_never' }),
    );
    for (const playerId of [one, other]) {
      const refused = await ask(playerId, '6.00');
      expect(refused).toMatchObject({ ok: false, failure: { code: 'payment-method-unavailable' } });
      expect(await refusalsOf(playerId)).toMatchObject([{ by: expect.stringMatching(/^retry-rule:/) }]);
    }
  });

  test('the cascade stops where the first PSP has told that the card is used up, and sends nothing', async () => {
    const fingerprint = `cascade-${randomUUID()}`;
    const [one, other] = [await makePlayer(database.db), await makePlayer(database.db)];
    await send(
      orThrow(await ask(other, '5.00')).id,
      decline(fingerprint, { networkCode: '41', declineClass: 'hard_never' }),
    );
    const row = orThrow(await ask(one, '5.00'));
    // The PSP's word alone would let another one try.
    expect(await send(row.id, decline(fingerprint))).toMatchObject({
      state: 'declined',
      declineClass: 'generic',
    });
    beta.play({});
    const next = await acts().provider.startAttempt({
      depositId: row.id,
      number: 2,
      psp: 'beta',
      stepUp: false,
    });
    expect(next).toMatchObject({ state: 'declined', declineClass: 'hard_never' });
    expect(await acts().money.authoriseAttempt({ depositId: row.id, number: 2 })).toMatchObject({
      state: 'declined',
    });
    expect(beta.calls).toEqual([]);
    const { rows } = await sql<{ state: string }>`select distinct state from payments.payment_use
      where payment = ${`deposit:${row.id}`} and number = 2`.execute(database.db);
    expect(rows).toEqual([{ state: 'void' }]);
  });

  test('a further attempt is counted under the method of its deposit', async () => {
    const playerId = await makePlayer(database.db);
    const { id: depositId } = orThrow(
      await requestDeposit(database.db, {
        depositId: randomUUID(),
        playerId,
        brand: 'aurora',
        jurisdiction: 'MT',
        money: { amount: '5.00', asset: 'EUR' },
        method: 'e-wallet',
        tokens: [],
        wallet: 'paypal',
        returnUrl: 'http://shop.test/back',
        fingerprint: fingerprintOf(randomUUID()),
      }),
    );
    await send(depositId, decline(`wallet-${randomUUID()}`));
    const { psp } = await database.db
      .selectFrom('payments.attempt')
      .select('psp')
      .where('depositId', '=', depositId)
      .executeTakeFirstOrThrow();
    await acts().provider.startAttempt({
      depositId,
      number: 2,
      psp: psp === 'alpha' ? 'beta' : 'alpha',
      stepUp: false,
    });
    const { rows } = await sql<{ number: number; method: string }>`
      select distinct number, method from payments.payment_use
      where payment = ${`deposit:${depositId}`} order by number`.execute(database.db);
    expect(rows).toEqual([
      { number: 1, method: 'e-wallet' },
      { number: 2, method: 'e-wallet' },
    ]);
  });

  test('an approved try is no retry', async () => {
    const fingerprint = `good-${randomUUID()}`;
    const playerId = await makePlayer(database.db);
    const approve = (): PspOutcome => ({
      kind: 'approved',
      pspReference: 'x',
      processed: { amount: '7.00', asset: 'EUR' },
      instrument: null,
      card: { ...visa(fingerprint), network: 'mastercard' },
    });
    for (let n = 0; n < 12; n += 1) await send(orThrow(await ask(playerId, '7.00')).id, approve);
    expect((await ask(playerId, '7.00')).ok).toBe(true);
  }, 60_000);

  test('a row that is stricter is proposed, confirmed by another person and ended by another one; a looser one is refused', async () => {
    const propose = (maximum: number, by: string = operatorId) =>
      database.db.transaction().execute((trx) =>
        proposeRetryRule(trx, {
          ruleId: randomUUID(),
          network: 'visa',
          rule: 'reattempts',
          windowS: 2_592_000,
          maximum,
          scope: 'card-amount-currency',
          imposedBy: 'operator',
          psp: null,
          edition: '1',
          source: 'ours',
          validTo: null,
          reason: 'a test',
          operatorId: by,
          fingerprint: Buffer.alloc(32),
        }),
      );
    expect(await propose(21)).toMatchObject({ failure: { code: 'retry-rule-looser' } });
    const { id: ruleId } = orThrow(await propose(5));
    const other = randomUUID();
    const act = (deed: typeof confirmRetryRule, by: string) =>
      database.db.transaction().execute((trx) => deed(trx, { ruleId, operatorId: by, reason: 'a test' }));
    expect(await act(confirmRetryRule, operatorId)).toMatchObject({ failure: { code: 'own-approval' } });
    expect(orThrow(await act(confirmRetryRule, other)).confirmedBy).toBe(`operator:${other}`);
    expect(await act(endRetryRule, operatorId)).toMatchObject({ failure: { code: 'own-approval' } });
    expect(orThrow(await act(endRetryRule, other)).validTo).not.toBeNull();
    expect(await act(endRetryRule, other)).toMatchObject({ failure: { code: 'retry-rule-not-open' } });
    await expect(
      database.ownerPool.query('update payments.retry_rule set maximum = 99 where id = $1', [ruleId]),
    ).rejects.toThrow('cannot change');
    await expect(
      database.ownerPool.query(
        `update payments.retry_rule set valid_to = now() + interval '1 day' where imposed_by = 'network'`,
      ),
    ).rejects.toThrow('cannot change');
  });
});

describe('lists', () => {
  test('black refuses by player, address, first digits and card, until the entry ends', async () => {
    const playerId = await makePlayer(database.db);
    const fingerprint = `listed-${randomUUID()}`;
    const row = orThrow(await ask(playerId, '5.00', 'tok_listed', '192.0.2.9'));
    await send(row.id, decline(fingerprint, { card: { ...visa(fingerprint), bin: '510510' } }));
    for (const [kind, value] of [
      ['player', playerId],
      ['ip', '192.0.2.0/24'],
      ['bin', '510510'],
      ['card', row.id],
    ] as const) {
      const entry = await list({ list: 'black', kind, value });
      expect(await ask(playerId, '5.00', 'tok_listed', '192.0.2.9'), kind).toMatchObject({
        failure: { code: 'payment-method-unavailable' },
      });
      await database.db
        .transaction()
        .execute((trx) => endListEntry(trx, { entryId: entry.id, operatorId, reason: 'over' }));
      expect((await ask(playerId, '5.00', 'tok_listed', '192.0.2.9')).ok, kind).toBe(true);
    }
  }, 60_000);

  test('a card that is listed under the name of its first deposit stays listed when it turns out to be another one', async () => {
    const [one, other] = [await makePlayer(database.db), await makePlayer(database.db)];
    const fingerprint = `twin-${randomUUID()}`;
    await send(orThrow(await ask(one, '5.00')).id, decline(fingerprint));
    const row = orThrow(await ask(other, '5.00'));
    await list({ list: 'black', kind: 'card', value: row.id });
    await send(row.id, decline(fingerprint));
    expect(await ask(one, '5.00')).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
  });

  test('an expired entry matches nothing', async () => {
    const playerId = await makePlayer(database.db);
    await list({ list: 'black', kind: 'player', value: playerId, expiresAt: new Date(Date.now() + 1_500) });
    expect((await ask(playerId, '5.00')).ok).toBe(false);
    await pause(1_600);
    expect((await ask(playerId, '5.00')).ok).toBe(true);
  });

  test('grey shows the deposit to a person, and the money is only held', async () => {
    const playerId = await makePlayer(database.db);
    await list({ list: 'grey', kind: 'player', value: playerId });
    const row = orThrow(await ask(playerId, '5.00'));
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['listed-deposit:open']);
    expect(row.captureMode).toBe('manual');
    expect(orThrow(await ask(await makePlayer(database.db), '5.00')).captureMode).toBe('automatic');
  });

  test('white skips the rule it names, and not the word of a network', async () => {
    const rule = {
      name: 'white-count',
      measure: 'count',
      countMax: 1,
      windowS: 3_600,
      subject: 'player',
    } as const;
    await setRule(rule);
    const playerId = await makePlayer(database.db);
    const first = orThrow(await ask(playerId, '5.00'));
    expect((await ask(playerId, '5.00')).ok).toBe(false);
    await list({ list: 'white', kind: 'player', value: playerId, skips: ['white-count'] });
    expect((await ask(playerId, '5.00')).ok).toBe(true);
    await send(first.id, decline(`white-${playerId}`, { declineClass: 'hard_never' }));
    expect(await ask(playerId, '5.00')).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
    await endRule(rule);
  }, 60_000);

  test('an address is found in its network, an e-mail by its keyed hash, and neither is kept readable', async () => {
    await list({ list: 'black', kind: 'ip', value: '100.64.0.0/10' });
    await list({ list: 'grey', kind: 'email', value: 'Some.One@Example.test' });
    const found = async (kind: 'ip' | 'email', value: string) =>
      orThrow(await lookUp(database.db, testKeyRing, { brand: 'aurora', kind, value })).length;
    expect(await found('ip', '100.99.1.1')).toBe(1);
    expect(await found('ip', '101.0.0.1')).toBe(0);
    expect(await found('email', 'some.one@example.TEST')).toBe(1);
    const rows = await database.db
      .selectFrom('payments.listEntry')
      .select('key')
      .where('kind', '=', 'email')
      .execute();
    expect(rows.map(({ key }) => key)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });
});

describe('withdrawals', () => {
  async function paidIn(): Promise<{ playerId: string; instrumentId: string }> {
    const playerId = await makePlayer(database.db);
    await keyPlayer(database.db, playerId);
    const row = await askDeposit(database.db, playerId, '50.00');
    await send(row.id, (): PspOutcome => ({
      kind: 'approved',
      pspReference: 'x',
      processed: { amount: '50.00', asset: 'EUR' },
      instrument: null,
    }));
    await acts().money.captureDeposit({ depositId: row.id, number: 1 });
    const { instrumentId } = await database.db
      .selectFrom('payments.deposit')
      .select('instrumentId')
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow();
    return { playerId, instrumentId: instrumentId ?? '' };
  }
  const draw = (who: { playerId: string; instrumentId: string }, amount: string) => {
    const withdrawalId = randomUUID();
    return requestWithdrawal(database.db, {
      ...who,
      withdrawalId,
      brand: 'aurora',
      money: { amount, asset: 'EUR' },
      fingerprint: fingerprintOf(withdrawalId),
    });
  };

  test('black refuses neutrally and holds nothing; grey is never approved by itself', async () => {
    const who = await paidIn();
    const entry = await list({ list: 'black', kind: 'player', value: who.playerId });
    expect(await draw(who, '10.00')).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
    await database.db
      .transaction()
      .execute((trx) => endListEntry(trx, { entryId: entry.id, operatorId, reason: 'over' }));
    const row = orThrow(await draw(who, '10.00'));
    await list({ list: 'grey', kind: 'player', value: who.playerId });
    const { check } = await acts().money.checkWithdrawal({ withdrawalId: row.id });
    expect(check).toMatchObject({
      kind: 'pass',
      approvals: 2,
      reasons: expect.arrayContaining(['grey-list']),
    });
  });

  test('a sum of withdrawals holds, and comes back with one that was cancelled', async () => {
    const rule = {
      name: 'out-sum',
      measure: 'sum',
      flow: 'withdrawal',
      amount: 20n * euro,
      asset: 'EUR',
      windowS: 86_400,
    } as const;
    await setRule(rule);
    const who = await paidIn();
    const first = orThrow(await draw(who, '15.00'));
    expect(await draw(who, '10.00')).toMatchObject({ failure: { code: 'payment-limit-exceeded' } });
    await database.ownerPool.query(
      `update payments.withdrawal set state = 'cancelled', closed_at = now() where id = $1`,
      [first.id],
    );
    expect((await draw(who, '10.00')).ok).toBe(true);
    await endRule(rule);
  }, 60_000);
});
