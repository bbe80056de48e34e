/** Quotes of the ramp on the real tables: what is promised is kept, once, in time, and without a unit lost. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seedAssets } from '#activities/wallet/assets.ts';
import { endRate, publishRate } from '#activities/wallet/rates.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { assets } from '#domain/assets.ts';
import { orThrow } from '#domain/failures.ts';
import { formatDecimal } from '#domain/money.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import {
  brand,
  fingerprintOf,
  makePlayer,
  seedWorld,
  testKeyRing,
  workItemsOf,
} from '#test/workflows/payment-world.ts';
import { acceptRampQuote } from './accept-ramp-quote.ts';
import { addListEntry, endListEntry, type NewListEntry } from './list-entries.ts';
import { setPaymentRule, type SetPaymentRule } from './payment-rules.ts';
import { cancelRampQuote, expireRampQuotes, giveRampQuote, type RampQuoteRow } from './ramp-quotes.ts';
import { seedRampTerms, setRampTerms, type SetRampTerms } from './ramp-terms.ts';

vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
const operatorId = randomUUID();
const euro = 10n ** 12n;
const usdt = 10n ** 12n;
const who = { brand, jurisdiction: 'MT', origin: { sessionId: null, ip: null } };

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 10 });
  await seedAssets(database.db);
  await seedWorld(database.db);
  await seedRampTerms(database.db);
  await publish('EUR', 'USDT', '1.08');
  await publish('USDT', 'EUR', '0.925');
  await publish('EUR', 'ETH', '1/2857');
  await publish('ETH', 'EUR', '2857');
}, 60_000);
afterAll(() => database?.drop());

const publish = (soldAsset: string, boughtAsset: string, rate: string, livesMs = 3_600_000) =>
  database.db.transaction().execute(async (trx) =>
    orThrow(
      await publishRate(trx, {
        rateId: randomUUID(),
        soldAsset,
        boughtAsset,
        rate,
        source: 'desk',
        quotedAt: new Date(),
        expiresAt: new Date(Date.now() + livesMs),
        publishedBy: 'system:test',
        fingerprint: fingerprintOf(randomUUID()),
      }),
    ),
  );

const setTerms = (terms: Partial<SetRampTerms>) =>
  database.db.transaction().execute(async (trx) =>
    orThrow(
      await setRampTerms(trx, {
        requestId: randomUUID(),
        brand,
        lifetimeS: 30,
        onRampSpreadBps: 100,
        offRampSpreadBps: 100,
        isActive: true,
        reason: 'a test',
        operatorId,
        fingerprint: fingerprintOf('terms'),
        ...terms,
      }),
    ),
  );

/** Money from nowhere: as a deposit through a PSP whose name no other test uses. */
async function pour(playerId: string, asset: string, amount: bigint): Promise<void> {
  await database.db.transaction().execute(async (trx) => {
    await openWallet(trx, { playerId, asset, brand, jurisdiction: 'MT' });
    orThrow(
      await postTransfer(trx, {
        key: `poured:${randomUUID()}`,
        playerId,
        asset,
        amount,
        subject: `poured:${playerId}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    );
  });
}

const limit = (playerId: string, asset: string) =>
  database.db
    .insertInto('responsibleGambling.limit')
    .values({
      id: randomUUID(),
      playerId,
      brand,
      jurisdiction: 'MT',
      profileVersion: 1,
      kind: 'deposit',
      window: 'day',
      asset,
      amount: (10n ** 24n).toString(),
      fingerprint: fingerprintOf(playerId),
    })
    .execute();

/** With a thousand euros and a limit in USDT and ETH. */
async function rich(): Promise<string> {
  const playerId = await makePlayer(database.db);
  for (const asset of ['USDT', 'ETH']) await limit(playerId, asset);
  await pour(playerId, 'EUR', 1_000n * euro);
  return playerId;
}

const cash = async (playerId: string, asset: string): Promise<bigint> =>
  BigInt(
    (
      await database.db
        .selectFrom('wallet.playerWallet')
        .select('cash')
        .where('playerId', '=', playerId)
        .where('asset', '=', asset)
        .executeTakeFirst()
    )?.cash ?? '0',
  );

const ask = (playerId: string, amount = '100', payAsset = 'EUR', receiveAsset = 'USDT', id = randomUUID()) =>
  giveRampQuote(database.db, {
    ...who,
    quoteId: id,
    playerId,
    pay: { amount, asset: payAsset },
    receiveAsset,
    fingerprint: fingerprintOf(`${amount} ${payAsset} ${receiveAsset}`),
  });
const accept = (quote: RampQuoteRow, acceptKey = randomUUID()) =>
  acceptRampQuote(database.db, { ...who, quoteId: quote.id, playerId: quote.playerId, acceptKey });
const read = (id: string) =>
  database.db.selectFrom('payments.rampQuote').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const refusedWith = (code: string) => ({ ok: false, failure: { code } });
const eventsOf = async (id: string) =>
  (
    await database.db
      .selectFrom('compliance.outbox')
      .select('type')
      .where('type', 'like', 'payments.ramp-quote.%')
      .where(sql<boolean>`payload ->> 'quoteId' = ${id}`)
      .orderBy('id')
      .execute()
  ).map(({ type }) => type.replace('payments.ramp-quote.', ''));

/** Makes the quote's time be over, as only the owner of the database can. */
async function age(id: string): Promise<void> {
  await database.ownerPool.query('alter table payments.ramp_quote disable trigger ramp_quote_content');
  await database.ownerPool.query(
    "update payments.ramp_quote set quoted_at = now() - interval '1 minute', expires_at = now() - interval '1 second' where id = $1",
    [id],
  );
  await database.ownerPool.query('alter table payments.ramp_quote enable trigger ramp_quote_content');
}

describe('a quote', () => {
  test('holds the market’s rate less the spread for its time, and moves nothing', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    expect(quote).toMatchObject({
      direction: 'on-ramp',
      state: 'open',
      marketRate: '1.08',
      rate: '2673/2500',
      rateSource: 'desk',
      spreadBps: 100,
      receive: String((10_692n * usdt) / 100n),
      spread: String((108n * usdt) / 100n),
    });
    expect(quote.expiresAt.getTime() - quote.quotedAt.getTime()).toBe(30_000);
    expect(await cash(playerId, 'EUR')).toBe(1_000n * euro);
    expect(await cash(playerId, 'USDT')).toBe(0n);
  });

  test('is the same for a repeat of its key, and refused for other content', async () => {
    const playerId = await rich();
    const id = randomUUID();
    const first = orThrow(await ask(playerId, '100', 'EUR', 'USDT', id));
    expect(orThrow(await ask(playerId, '100', 'EUR', 'USDT', id))).toEqual(first);
    expect(await ask(playerId, '101', 'EUR', 'USDT', id)).toMatchObject(
      refusedWith('idempotency-key-reused'),
    );
  });

  test('asked for at once, leaves one open: nobody holds several rates and picks the best', async () => {
    const playerId = await rich();
    await Promise.all(Array.from({ length: 6 }, () => ask(playerId)));
    const states = (
      await database.db
        .selectFrom('payments.rampQuote')
        .select('state')
        .where('playerId', '=', playerId)
        .execute()
    ).map(({ state }) => state);
    expect(states.toSorted()).toEqual([...Array<string>(5).fill('cancelled'), 'open']);
  });

  test('never outlives the rate that it was made of', async () => {
    const playerId = await rich();
    await pour(playerId, 'EUR', euro);
    const rate = await publish('EUR', 'ETH', '1/2857', 8_000);
    const quote = orThrow(await ask(playerId, '10', 'EUR', 'ETH'));
    expect(quote.expiresAt).toEqual(rate.expiresAt);
    await publish('EUR', 'ETH', '1/2857');
  });

  test('follows the brand’s terms, and ends with them', async () => {
    const playerId = await rich();
    await setTerms({ lifetimeS: 5, onRampSpreadBps: 0 });
    const quote = orThrow(await ask(playerId));
    expect(quote).toMatchObject({ rate: '27/25', spread: '0', receive: String(108n * usdt) });
    expect(quote.expiresAt.getTime() - quote.quotedAt.getTime()).toBe(5_000);
    await setTerms({ isActive: false });
    expect(await ask(playerId)).toMatchObject(refusedWith('payment-method-unavailable'));
    await setTerms({});
    expect((await ask(playerId)).ok).toBe(true);
  });

  test('is refused clearly for what it cannot be about', async () => {
    const playerId = await rich();
    const refusals: [Parameters<typeof ask>, string][] = [
      [[playerId, '0'], 'amount-not-positive'],
      [[playerId, '-1'], 'amount-not-positive'],
      [[playerId, '1.001'], 'amount-too-precise'],
      [[playerId, '1e3'], 'invalid-request'],
      [[playerId, '10', 'XXX'], 'unknown-asset'],
      [[playerId, '10', 'EUR', 'XXX'], 'unknown-asset'],
      [[playerId, '10', 'EUR', 'EUR'], 'unsupported-asset'],
      [[playerId, '10', 'EUR', 'USD'], 'unsupported-asset'],
      [[playerId, '10', 'ETH', 'USDT'], 'unsupported-asset'],
      [[playerId, '10', 'BTC', 'EUR'], 'rate-not-current'],
      [[playerId, '10', 'USD', 'USDT'], 'unsupported-asset'],
    ];
    for (const [wish, code] of refusals)
      expect(await ask(...wish), wish.join(' ')).toMatchObject(refusedWith(code));
  });

  test('into crypto is closed while play is excluded, or without the limit that the law wants; the way back is open', async () => {
    const playerId = await rich();
    await pour(playerId, 'USDT', 100n * usdt);
    const without = await makePlayer(database.db);
    expect(await ask(without)).toMatchObject(refusedWith('deposit-limit-required'));
    const open = orThrow(await ask(playerId));
    await database.ownerPool.query(
      "update wallet.player_wallet set play_blocked_until = now() + interval '1 day', play_block_reason = 'self-excluded' where player_id = $1",
      [playerId],
    );
    expect(await ask(playerId)).toMatchObject(refusedWith('self-excluded'));
    expect(await accept(open)).toMatchObject(refusedWith('self-excluded'));
    const back = orThrow(await ask(playerId, '100', 'USDT', 'EUR'));
    expect(orThrow(await accept(back)).state).toBe('accepted');
    expect(await cash(playerId, 'EUR')).toBe(1_000n * euro + BigInt(back.receive));
  });
});

describe('its acceptance', () => {
  test('moves both legs as promised, and a repeat with the same key moves nothing more', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    const key = randomUUID();
    const accepted = orThrow(await accept(quote, key));
    expect(accepted).toMatchObject({ state: 'accepted', exchangeId: quote.id });
    expect(orThrow(await accept(quote, key))).toEqual(accepted);
    expect(await accept(quote)).toMatchObject(refusedWith('quote-not-open'));
    expect(await cash(playerId, 'EUR')).toBe(900n * euro);
    expect(await cash(playerId, 'USDT')).toBe((10_692n * usdt) / 100n);
    expect(await eventsOf(quote.id)).toEqual(['given', 'accepted']);
    const { rows } = await database.ownerPool.query(
      `select e.asset, e.account, e.amount::text from wallet.entry e join wallet.exchange x on x.journal_id = e.journal_id
       where x.id = $1 order by e.asset, e.amount`,
      [quote.id],
    );
    expect(rows.map(({ asset, amount }) => [asset, BigInt(amount)])).toEqual([
      ['EUR', -100n * euro],
      ['EUR', 100n * euro],
      ['USDT', (-10_692n * usdt) / 100n],
      ['USDT', (10_692n * usdt) / 100n],
    ]);
  });

  test('is at the promised rate, whatever the market says by then', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    await publish('EUR', 'USDT', '0.5');
    expect(orThrow(await accept(quote)).state).toBe('accepted');
    expect(await cash(playerId, 'USDT')).toBe((10_692n * usdt) / 100n);
    await publish('EUR', 'USDT', '1.08');
  });

  test('at a rate that was ended since is refused, moves nothing, and gives the quote up', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    await database.db
      .transaction()
      .execute(async (trx) =>
        orThrow(await endRate(trx, { rateId: quote.rateId, operatorId, reason: 'a digit too many' })),
      );
    expect(await accept(quote)).toMatchObject(refusedWith('quote-not-open'));
    expect((await read(quote.id)).state).toBe('cancelled');
    expect(await ask(playerId)).toMatchObject(refusedWith('rate-not-current'));
    await publish('EUR', 'USDT', '1.08');
    expect(orThrow(await accept(orThrow(await ask(playerId)))).state).toBe('accepted');
  });

  test('by fifty at once with keys of their own happens once', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    const answers = await Promise.all(Array.from({ length: 50 }, () => accept(quote)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    const codes = answers.flatMap((answer) => (answer.ok ? [] : [answer.failure.code]));
    expect(new Set(codes)).toEqual(new Set(['quote-not-open']));
    expect(await cash(playerId, 'EUR')).toBe(900n * euro);
    expect(await cash(playerId, 'USDT')).toBe((10_692n * usdt) / 100n);
  });

  test('by fifty at once with one key is one answer fifty times', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 50 }, () => accept(quote, key)));
    expect(new Set(answers.map((answer) => orThrow(answer).closedAt?.toISOString())).size).toBe(1);
    expect(await cash(playerId, 'EUR')).toBe(900n * euro);
  });

  test('one key accepts one quote', async () => {
    const [one, other] = [orThrow(await ask(await rich())), orThrow(await ask(await rich()))];
    const key = randomUUID();
    const answers = await Promise.all([accept(one, key), accept(other, key)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.find(({ ok }) => !ok)).toMatchObject(refusedWith('idempotency-key-reused'));
  });

  test('after the end is refused, moves nothing, and the quote is expired for good', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    await age(quote.id);
    for (let tries = 0; tries < 2; tries += 1)
      expect(await accept(quote)).toMatchObject(refusedWith('quote-expired'));
    expect((await read(quote.id)).state).toBe('expired');
    expect(await cash(playerId, 'EUR')).toBe(1_000n * euro);
    expect(await eventsOf(quote.id)).toEqual(['given', 'expired']);
  });

  test('and the end of its time race to one outcome each, never to both', async () => {
    await setTerms({ lifetimeS: 5 });
    const quotes: RampQuoteRow[] = [];
    for (let n = 0; n < 12; n += 1) quotes.push(orThrow(await ask(await rich())));
    await setTerms({});
    // Around the very end, from before it to after it, while the sweep runs all the time.
    const ends = quotes.map(({ expiresAt }) => expiresAt.getTime());
    let isOver = false;
    const sweep = (async () => {
      while (!isOver) await expireRampQuotes(database.db);
    })();
    const answers = await Promise.all(
      quotes.map(async (quote, n) => {
        await pause(Math.max(0, (ends[n] ?? 0) - Date.now() + (n - 6) * 4));
        return accept(quote);
      }),
    );
    isOver = true;
    await sweep;
    await expireRampQuotes(database.db);
    for (const [n, quote] of quotes.entries()) {
      const row = await read(quote.id);
      const answer = answers[n];
      expect(row.state).toBe(answer?.ok === true ? 'accepted' : 'expired');
      if (answer?.ok === false) expect(answer.failure.code).toBe('quote-expired');
      expect(await cash(quote.playerId, 'EUR')).toBe((answer?.ok === true ? 900n : 1_000n) * euro);
      expect(await eventsOf(quote.id)).toEqual(['given', row.state]);
    }
    expect(answers.map((answer) => answer.ok)).toContain(false);
  });

  test('without the funds is refused, and the quote stays open for when they are there', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId, '1200'));
    expect(await accept(quote)).toMatchObject(refusedWith('insufficient-funds'));
    expect((await read(quote.id)).state).toBe('open');
    await pour(playerId, 'EUR', 200n * euro);
    expect(orThrow(await accept(quote)).state).toBe('accepted');
    expect(await cash(playerId, 'EUR')).toBe(0n);
  });

  test('of money that is bound to wagering is refused', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    await database.ownerPool.query(
      "update wallet.player_wallet set award_id = gen_random_uuid(), award_wagering_left = 1, award_expires_at = now() + interval '1 day' where player_id = $1 and asset = 'EUR'",
      [playerId],
    );
    expect(await accept(quote)).toMatchObject(refusedWith('withdrawal-pending-wagering'));
    expect((await read(quote.id)).state).toBe('open');
    expect(await cash(playerId, 'EUR')).toBe(1_000n * euro);
  });

  test('of a quote of somebody else, or of none, is not found; a cancelled one is not open', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    const stranger = { ...quote, playerId: await rich() };
    expect(await accept(stranger)).toMatchObject(refusedWith('not-found'));
    expect(await accept({ ...quote, id: randomUUID() })).toMatchObject(refusedWith('not-found'));
    const cancel = () =>
      database.db.transaction().execute((trx) => cancelRampQuote(trx, { quoteId: quote.id, playerId }));
    expect(orThrow(await cancel()).state).toBe('cancelled');
    expect(orThrow(await cancel()).state).toBe('cancelled');
    expect(await accept(quote)).toMatchObject(refusedWith('quote-not-open'));
    const taken = orThrow(await ask(playerId));
    orThrow(await accept(taken));
    expect(
      await database.db.transaction().execute((trx) => cancelRampQuote(trx, { quoteId: taken.id, playerId })),
    ).toMatchObject(refusedWith('quote-not-open'));
  });
});

describe('limits and lists', () => {
  const list = (entry: Pick<NewListEntry, 'list' | 'value'>) =>
    database.db.transaction().execute(async (trx) =>
      orThrow(
        await addListEntry(trx, testKeyRing, {
          entryId: randomUUID(),
          brand,
          kind: 'player',
          skips: [],
          reason: 'a test',
          expiresAt: null,
          operatorId,
          fingerprint: Buffer.alloc(32),
          ...entry,
        }),
      ),
    );
  const setRule = async (rule: Pick<SetPaymentRule, 'name' | 'measure'> & Partial<SetPaymentRule>) => {
    await database.db.transaction().execute(async (trx) =>
      orThrow(
        await setPaymentRule(trx, {
          ruleId: randomUUID(),
          brand,
          flow: 'ramp',
          subject: 'player',
          method: null,
          jurisdiction: null,
          country: null,
          asset: 'EUR',
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

  test('black refuses neutrally at the quote and at its acceptance; grey shows an accepted one to a person', async () => {
    const playerId = await rich();
    const quote = orThrow(await ask(playerId));
    const entry = await list({ list: 'black', value: playerId });
    const id = randomUUID();
    expect(await ask(playerId, '100', 'EUR', 'USDT', id)).toMatchObject(
      refusedWith('payment-method-unavailable'),
    );
    expect(await eventsOf(id)).toEqual(['refused']);
    expect(await accept(quote)).toMatchObject(refusedWith('payment-method-unavailable'));
    expect((await read(quote.id)).state).toBe('open');
    await database.db
      .transaction()
      .execute((trx) => endListEntry(trx, { entryId: entry.id, operatorId, reason: 'over' }));
    await list({ list: 'grey', value: playerId });
    orThrow(await accept(quote));
    expect(await workItemsOf(database.db, `ramp-quote:${quote.id}`)).toEqual(['listed-ramp:open']);
  });

  test('an amount is refused at the quote; a sum counts what was accepted, not what was quoted, and no deposit', async () => {
    const most = {
      name: 'ramp-max',
      measure: 'amount-max',
      subject: 'payment',
      amount: 500n * euro,
    } as const;
    const sum = { name: 'ramp-sum', measure: 'sum', amount: 250n * euro, windowS: 86_400 } as const;
    const ofDeposits = { ...sum, name: 'deposit-sum', flow: 'deposit', amount: 1n * euro } as const;
    for (const rule of [most, sum, ofDeposits]) await setRule(rule);
    try {
      const playerId = await rich();
      expect(await ask(playerId, '501')).toMatchObject(refusedWith('amount-above-maximum'));
      for (let quoted = 0; quoted < 3; quoted += 1) orThrow(await ask(playerId, '200'));
      orThrow(await accept(orThrow(await ask(playerId, '200'))));
      const over = orThrow(await ask(playerId, '51'));
      expect(await accept(over)).toMatchObject(refusedWith('payment-limit-exceeded'));
      expect((await read(over.id)).state).toBe('open');
      orThrow(await accept(orThrow(await ask(playerId, '50'))));
      expect(await cash(playerId, 'EUR')).toBe(750n * euro);
    } finally {
      for (const rule of [most, sum, ofDeposits]) await setRule({ ...rule, isActive: false });
    }
  });
});

describe('the law of the row', () => {
  test('an end is for good, what was promised cannot change, and no quote is accepted without its exchange', async () => {
    const quote = orThrow(await ask(await rich()));
    const run = (text: string) => database.ownerPool.query(`${text} where id = $1`, [quote.id]);
    await expect(run('update payments.ramp_quote set receive = receive + 1')).rejects.toThrow(
      'cannot change',
    );
    await expect(
      run("update payments.ramp_quote set state = 'accepted', closed_at = now()"),
    ).rejects.toThrow();
    await expect(run("update payments.ramp_quote set state = 'expired', closed_at = now()")).rejects.toThrow(
      'check constraint',
    );
    orThrow(await accept(quote));
    await expect(
      run(
        "update payments.ramp_quote set state = 'open', closed_at = null, accept_key = null, exchange_id = null",
      ),
    ).rejects.toThrow('cannot go from');
    await expect(run('delete from payments.ramp_quote')).rejects.toThrow('keeps its rows');
  });
});

describe('conservation', () => {
  test('over random ramps there and back the house holds exactly what players gave, and verify agrees', async () => {
    const playerId = await rich();
    await pour(playerId, 'USDT', 5_000n * usdt);
    await pour(playerId, 'ETH', 3n * 10n ** 18n);
    const held = { EUR: await cash(playerId, 'EUR'), USDT: 5_000n * usdt, ETH: 3n * 10n ** 18n };
    const position = async (asset: string) => {
      const { rows } = await database.ownerPool.query<{ house: string; players: string }>(
        `select coalesce(sum(e.amount) filter (where e.player_id is null), 0)::text as house,
           coalesce(sum(e.amount) filter (where e.player_id is not null), 0)::text as players
         from wallet.entry e join wallet.journal j on j.id = e.journal_id
         where e.asset = $1 and j.code = 'fx.exchange'`,
        [asset],
      );
      return { house: BigInt(rows[0]?.house ?? '0'), players: BigInt(rows[0]?.players ?? '0') };
    };
    const pairs = fc.constantFrom(['EUR', 'USDT'], ['USDT', 'EUR'], ['EUR', 'ETH'], ['ETH', 'EUR'] as const);
    // Rates as long as the ledger keeps them, so that nearly every amount is rounded.
    const rates = fc
      .tuple(fc.bigInt({ min: 1n, max: 10n ** 6n }), fc.bigInt({ min: 1n, max: 10n ** 6n }))
      .map(([above, below]) => `${above}/${below}`);
    const expected = new Map(Object.entries(held));
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        pairs,
        rates,
        fc.bigInt({ min: 1n, max: 10n ** 4n }),
        async ([pay, receive], rate, n) => {
          if (pay === undefined || receive === undefined) return;
          await publish(pay, receive, rate);
          const places = assets.get(pay)?.payableScale ?? 0;
          const quote = await ask(playerId, formatDecimal(n, places), pay, receive);
          if (!quote.ok) return;
          const done = await accept(quote.value);
          if (!done.ok) {
            expect(done.failure.code).toBe('insufficient-funds');
            return;
          }
          made += 1;
          expected.set(pay, (expected.get(pay) ?? 0n) - BigInt(quote.value.pay));
          expected.set(receive, (expected.get(receive) ?? 0n) + BigInt(quote.value.receive));
          for (const asset of [pay, receive])
            expect(await cash(playerId, asset), asset).toBe(expected.get(asset));
        },
      ),
      { numRuns: 40 },
    );
    expect(made).toBeGreaterThan(10);
    for (const asset of ['EUR', 'USDT', 'ETH']) {
      const { house, players } = await position(asset);
      expect(house, asset).toBe(-players);
      expect(house).not.toBe(0n);
    }
    expect((await verifyLedger(database.db)).flatMap(({ findings }) => findings)).toEqual([]);
  });
});
