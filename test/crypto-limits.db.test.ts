/** Rules of payments and lists meet money on a real local chain: parked where it cannot be refused, refused where it can. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addCryptoDestination, issueDepositAddress } from '#activities/payments/commands/crypto-addresses.ts';
import { addListEntry, endListEntry, type NewListEntry } from '#activities/payments/commands/list-entries.ts';
import { setPaymentRule, type SetPaymentRule } from '#activities/payments/commands/payment-rules.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { anvilBinary } from '#test/support/anvil.ts';
import { openCryptoWorld, usdt, usdtRaw, type CryptoWorld } from '#test/support/crypto-world.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { testKeyRing } from '#test/support/integrations.ts';
import { outliveMemory } from './support/passing-time.ts';
import {
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  workItemsOf,
} from '#test/workflows/payment-world.ts';

describe.skipIf(anvilBinary === null && process.env['CI'] !== 'true')('limits and lists of crypto', () => {
  vi.setConfig({ testTimeout: 120_000 });

  let database: TestDatabase;
  let world: CryptoWorld;
  const operatorId = randomUUID();

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await openCryptoWorld(database.db);
    await database.ownerPool.query('alter table payments.crypto_destination disable trigger all');
    await world.watch();
  }, 60_000);
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const list = (entry: Pick<NewListEntry, 'list' | 'kind' | 'value'>) =>
    database.db.transaction().execute(async (trx) =>
      orThrow(
        await addListEntry(trx, testKeyRing, {
          entryId: randomUUID(),
          brand,
          skips: [],
          reason: 'a test',
          expiresAt: null,
          operatorId,
          fingerprint: Buffer.alloc(32),
          ...entry,
        }),
      ),
    );
  const end = (entryId: string) =>
    database.db
      .transaction()
      .execute((trx) => endListEntry(trx, { entryId, operatorId, reason: 'a test is over' }));

  async function under(
    rule: Pick<SetPaymentRule, 'name' | 'measure'> & Partial<SetPaymentRule>,
    work: () => Promise<void>,
  ): Promise<void> {
    const set = async (isActive: boolean) => {
      await database.db.transaction().execute(async (trx) =>
        orThrow(
          await setPaymentRule(trx, {
            ruleId: randomUUID(),
            brand,
            flow: 'deposit',
            subject: 'payment',
            method: 'crypto',
            jurisdiction: null,
            country: null,
            asset: null,
            amount: null,
            countMax: null,
            kycLevel: null,
            windowS: null,
            reason: 'a test',
            operatorId,
            fingerprint: Buffer.alloc(32),
            ...rule,
            isActive,
          }),
        ),
      );
      outliveMemory();
    };
    await set(true);
    try {
      await work();
    } finally {
      await set(false);
    }
  }

  const rowOf = (id: string) =>
    database.db
      .selectFrom('payments.cryptoDeposit')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  const usesOf = async (playerId: string) =>
    (
      await database.db
        .selectFrom('payments.paymentUse')
        .select(['method', 'state', 'amount'])
        .where('subject', '=', `player:${playerId}`)
        .orderBy('usedAt')
        .execute()
    ).map(({ method, state, amount }) => `${method} ${state} ${BigInt(amount) / usdt}`);

  /** Pays, and buries it deep enough for its credit. */
  async function pay(address: string, tokens: bigint): Promise<string> {
    const hash = await world.anvil.pay(world.token, address, tokens * usdtRaw);
    await world.anvil.mine(6);
    await world.watch();
    return world.idOf(hash);
  }

  test('money for a player on a black list is parked with a work item, and credited once the entry has ended', async () => {
    const { playerId, address } = await world.player();
    const entry = await list({ list: 'black', kind: 'player', value: playerId });
    const id = await pay(address, 20n);
    expect(await world.follow(id)).toBe('parked');
    // The player hears nothing of a list; staff hear which entry it was.
    expect((await rowOf(id)).reason).toBe('payment-method-unavailable');
    const item = await database.db
      .selectFrom('payments.workItem')
      .select(['kind', 'reason'])
      .where('subject', '=', `crypto-deposit:${id}`)
      .executeTakeFirstOrThrow();
    expect(item).toEqual({
      kind: 'parked-crypto-deposit',
      reason: `payment-method-unavailable, by list-entry:${entry.id}`,
    });
    expect(await world.cash(playerId).catch(() => 0n)).toBe(0n);
    expect(await usesOf(playerId)).toEqual([]);
    await end(entry.id);
    expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId)).toBe(20n * usdt);
    expect(await workItemsOf(database.db, `crypto-deposit:${id}`)).toEqual(['parked-crypto-deposit:closed']);
  });

  test('a sender on a black list is known by the address that the chain tells', async () => {
    const { playerId, address } = await world.player();
    const entry = await list({ list: 'black', kind: 'crypto-address', value: world.anvil.faucet });
    const token = await pay(address, 20n);
    await world.anvil.payCoin(address, '0.25');
    await world.anvil.mine(6);
    const coin = (await world.watch())[0] ?? '';
    for (const id of [token, coin]) {
      expect(await world.follow(id)).toBe('parked');
      expect((await rowOf(id)).sender).toBe(world.anvil.faucet);
    }
    await end(entry.id);
    for (const id of [token, coin]) expect(await world.follow(id)).toBe('credited');
    expect(await world.cash(playerId, 'ETH')).toBe(25n * 10n ** 16n);
  });

  test('grey credits and shows it to a person', async () => {
    const { playerId, address } = await world.player();
    await list({ list: 'grey', kind: 'player', value: playerId });
    const id = await pay(address, 20n);
    expect(await world.follow(id)).toBe('credited');
    const { depositId } = await database.db
      .selectFrom('payments.cryptoCredit')
      .select('depositId')
      .where('cryptoDepositId', '=', id)
      .executeTakeFirstOrThrow();
    expect(await workItemsOf(database.db, `deposit:${depositId}`)).toEqual(['listed-deposit:open']);
    expect(await world.cash(playerId)).toBe(20n * usdt);
  });

  test('an amount above what the brand takes by crypto is parked, and its share of the deposit limit stays free', async () => {
    const { playerId, address } = await world.player(100n);
    const rule = { name: 'crypto-max', measure: 'amount-max', amount: 50n * usdt, asset: 'USDT' } as const;
    let id = '';
    await under(rule, async () => {
      id = await pay(address, 60n);
      expect(await world.deposits.followCryptoDeposit({ cryptoDepositId: id })).toMatchObject({
        state: 'parked',
        isOver: false,
      });
      expect((await rowOf(id)).reason).toBe('amount-above-maximum');
      const other = await pay(address, 50n);
      expect(await world.follow(other)).toBe('credited');
    });
    // The rule is gone, and now it is the player's own limit that says no.
    expect(await world.follow(id)).toBe('parked');
    expect((await rowOf(id)).reason).toBe('deposit-limit-exceeded');
    expect(await world.cash(playerId)).toBe(50n * usdt);
    expect(await usesOf(playerId)).toEqual(['crypto approved 50']);
  });

  test('a sum in a window holds over transfers that are credited at once, and what was parked takes no share', async () => {
    const { playerId, address } = await world.player();
    const rule = {
      name: 'crypto-sum',
      measure: 'sum',
      subject: 'player',
      amount: 50n * usdt,
      asset: 'USDT',
      windowS: 86_400,
    } as const;
    await under(rule, async () => {
      const ids: string[] = [];
      for (let n = 0; n < 4; n += 1) ids.push(await pay(address, 20n));
      const states = await Promise.all(ids.map((id) => world.follow(id)));
      expect(states.toSorted()).toEqual(['credited', 'credited', 'parked', 'parked']);
      expect(await world.cash(playerId)).toBe(40n * usdt);
      expect(await usesOf(playerId)).toEqual(['crypto approved 20', 'crypto approved 20']);
      const small = await pay(address, 10n);
      expect(await world.follow(small)).toBe('credited');
    });
  });

  test('what a reorganisation takes back after its credit counts no more', async () => {
    const { playerId, address } = await world.player();
    const snapshot = await world.anvil.node.snapshot();
    const id = await pay(address, 30n);
    expect(await world.follow(id)).toBe('credited');
    await world.anvil.node.revert({ id: snapshot });
    await world.anvil.mine(12);
    await world.watch();
    expect(await world.follow(id)).toBe('orphaned');
    expect(await usesOf(playerId)).toEqual(['crypto void 30']);
  });

  test('no address is given to a player on a black list, or where crypto is closed or needs an identity', async () => {
    const playerId = await makePlayer(database.db);
    await world.limit(playerId, 'USDT', 100n * usdt);
    const issue = () =>
      issueDepositAddress(database.db, world.offer, { playerId, brand, jurisdiction: 'MT', asset: 'USDT' });
    const entry = await list({ list: 'black', kind: 'player', value: playerId });
    expect(await issue()).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
    await end(entry.id);
    await under({ name: 'no-crypto', measure: 'closed' }, async () => {
      expect(await issue()).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
    });
    await under({ name: 'known-crypto', measure: 'kyc-level', kycLevel: 'L3' }, async () => {
      expect(await issue()).toMatchObject({ failure: { code: 'identity-not-verified' } });
    });
    expect(
      await database.db
        .selectFrom('payments.cryptoAddress')
        .select('address')
        .where('playerId', '=', playerId)
        .execute(),
    ).toEqual([]);
    expect(await issue()).toMatchObject({ ok: true });
  });

  describe('a withdrawal', () => {
    /** A player with 100 USDT from the chain and a place to send them that has rested. */
    async function ready(): Promise<{ playerId: string; instrumentId: string; to: string }> {
      const { playerId, address } = await world.player();
      expect(await world.follow(await pay(address, 100n))).toBe('credited');
      const to = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
      const { instrumentId } = orThrow(
        await addCryptoDestination(database.db, testKeyRing, world.offer, { playerId, address: to }),
      );
      await database.ownerPool.query(
        "update payments.crypto_destination set usable_from = now() - interval '1 second' where instrument_id = $1",
        [instrumentId],
      );
      return { playerId, instrumentId, to };
    }
    const draw = (who: { playerId: string; instrumentId: string }, amount = '10') => {
      const withdrawalId = randomUUID();
      return requestWithdrawal(database.db, {
        ...who,
        withdrawalId,
        brand,
        money: { amount, asset: 'USDT' },
        fingerprint: fingerprintOf(withdrawalId),
      });
    };
    const acts = () => paymentActivities(database.db, new Map()).money;

    test('to an address on a black list is refused when it is asked for, and holds nothing', async () => {
      const who = await ready();
      const entry = await list({ list: 'black', kind: 'crypto-address', value: who.to.toLowerCase() });
      expect(await draw(who)).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
      expect(await world.cash(who.playerId)).toBe(100n * usdt);
      await end(entry.id);
      expect(await draw(who)).toMatchObject({ ok: true });
      expect(await usesOf(who.playerId)).toEqual(['crypto approved 100', 'crypto open 10']);
    });

    test('is asked about again when it is checked, and once more after people have approved it', async () => {
      const who = await ready();
      const { id: withdrawalId } = orThrow(await draw(who));
      const before = await list({ list: 'black', kind: 'crypto-address', value: who.to });
      const { check } = await acts().checkWithdrawal({ withdrawalId });
      expect(check).toEqual({ kind: 'refuse', reason: 'payment-method-unavailable' });
      await end(before.id);
      const later = await list({ list: 'black', kind: 'crypto-address', value: who.to });
      expect(await acts().approveWithdrawal({ withdrawalId, approvals: 0 })).toEqual({
        outcome: 'refused',
        reason: 'payment-method-unavailable',
      });
      await end(later.id);
      expect(await acts().approveWithdrawal({ withdrawalId, approvals: 0 })).toEqual({ outcome: 'approved' });
    });

    test('to an address on a grey list waits for people', async () => {
      const who = await ready();
      const { id: withdrawalId } = orThrow(await draw(who));
      const entry = await list({ list: 'grey', kind: 'crypto-address', value: who.to });
      const { check } = await acts().checkWithdrawal({ withdrawalId });
      expect(check).toMatchObject({ kind: 'pass', reasons: expect.arrayContaining(['grey-list']) });
      await end(entry.id);
    });

    test('obeys the amounts of the method', async () => {
      const who = await ready();
      const rule = {
        name: 'crypto-out-min',
        flow: 'withdrawal',
        measure: 'amount-min',
        amount: 20n * usdt,
        asset: 'USDT',
      } as const;
      await under(rule, async () => {
        expect(await draw(who, '19')).toMatchObject({ failure: { code: 'amount-below-minimum' } });
        expect(await draw(who, '20')).toMatchObject({ ok: true });
      });
    });

    test('to an address that was kept before lists knew addresses is refused until it is kept anew', async () => {
      const who = await ready();
      await database.ownerPool.query('update payments.instrument set list_key = null where id = $1', [
        who.instrumentId,
      ]);
      expect(await draw(who)).toMatchObject({ failure: { code: 'payment-method-unavailable' } });
      orThrow(
        await addCryptoDestination(database.db, testKeyRing, world.offer, {
          playerId: who.playerId,
          address: who.to,
        }),
      );
      expect(await draw(who)).toMatchObject({ ok: true });
    });
  });

  test('the ledger verifies', async () => {
    expect((await verifyLedger(database.db)).flatMap(({ findings }) => findings)).toEqual([]);
  });
});
