/** A payout that we queue by ourselves against a question that finds nothing of it: whichever comes first, it is paid once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedAssets } from '#activities/wallet/assets.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { testXpub } from '#test/support/crypto-world.ts';
import { playersIban } from '#test/workflows/bank-world.ts';
import {
  brand,
  keyPlayer,
  makePlayer,
  paymentActivities,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { fundPlayer, startWithdrawal } from '#test/workflows/payout-acts.ts';
import { addBankAccount } from './commands/bank-accounts.ts';
import { addCryptoDestination } from './commands/crypto-addresses.ts';
import type { PspConnector } from './connectors.ts';
import { createEvmConnector } from './connectors/evm.ts';
import { createSepaConnector } from './connectors/sepa.ts';
import { queueTransfer } from './evm/chain-transfers.ts';
import { openEvm } from './evm/evm-deps.ts';

const offer = {
  chain: 'ethereum',
  chainId: 31_337,
  rpcUrl: 'http://node.invalid',
  xpub: testXpub,
  tokens: [{ asset: 'USDT', contract: '0xdAC17F958D2ee523a2206206994597C13D831ec7' }],
} as const;
const evm = openEvm({ ...offer, signer: null });
const payee = '0x52908400098527886E0F7030069857D2E4169EE7';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  await seedAssets(database.db);
  await seedWorld(database.db);
  // So that destinations need not rest for a day.
  await database.ownerPool.query('alter table payments.crypto_destination disable trigger all');
});
afterAll(() => database?.drop());

/** Passed once `open` was called. */
function gate() {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** A connector whose call, or whose answer to a question, waits to be let through. */
function stalling(real: PspConnector) {
  const called = gate();
  const calls = gate();
  const asked = gate();
  const answers = gate();
  return {
    called,
    calls,
    asked,
    answers,
    connector: {
      ...real,
      payout: async (order): ReturnType<PspConnector['payout']> => {
        called.open();
        await calls.passed;
        return real.payout(order);
      },
      payoutStatus: async (order): ReturnType<PspConnector['payoutStatus']> => {
        const answer = await real.payoutStatus(order);
        asked.open();
        await answers.passed;
        return answer;
      },
    } satisfies PspConnector,
  };
}

describe.each([
  { name: 'a bank', psp: 'sepa', asset: 'EUR', table: 'payments.bankTransfer' },
  { name: 'a chain', psp: 'evm', asset: 'USDT', table: 'payments.chainTransfer' },
] as const)('a payout in the queue of $name', ({ psp, asset, table }) => {
  const real = () =>
    psp === 'sepa' ? createSepaConnector(database.db) : createEvmConnector(database.db, evm);

  async function destination(playerId: string): Promise<string> {
    if (psp === 'sepa')
      return orThrow(await addBankAccount(database.db, testKeyRing, { playerId, iban: playersIban }))
        .instrumentId;
    const added = orThrow(
      await addCryptoDestination(database.db, testKeyRing, offer, { playerId, address: payee }),
    );
    await database.ownerPool.query(
      "update payments.crypto_destination set usable_from = now() - interval '1 second'",
    );
    return added.instrumentId;
  }

  /** Written at its PSP and not sent yet. */
  async function started(connector: PspConnector) {
    const { db } = database;
    const payments = paymentActivities(db, new Map([[psp, connector]]));
    const playerId = await makePlayer(db);
    await keyPlayer(db, playerId);
    await db.transaction().execute(async (trx) => {
      await openWallet(trx, { playerId, asset, brand, jurisdiction: 'MT' });
    });
    await fundPlayer(db, playerId, { psp, asset });
    const instrumentId = await destination(playerId);
    const at = await startWithdrawal(db, payments, { playerId, instrumentId, amount: '20.00', asset });
    return { ...payments.provider, at };
  }

  const queued = (withdrawalId: string) =>
    database.db
      .selectFrom(table)
      .select('reference')
      .where('reference', 'like', `withdrawal:${withdrawalId}:%`)
      .execute();

  test('is refused once a question has found nothing, and what is paid is the next attempt', async () => {
    const { connector, called, calls, answers } = stalling(real());
    answers.open();
    const { at, ...payouts } = await started(connector);
    const sending = payouts.sendPayout(at);
    await called.passed;
    expect(await payouts.refreshPayout(at)).toMatchObject({ state: 'not_sent' });
    const next = { ...at, number: 2 };
    await payouts.startPayout(next);
    calls.open();
    expect(await sending).toMatchObject({ state: 'not_sent' });
    expect(await queued(at.withdrawalId)).toEqual([]);
    expect(await payouts.sendPayout(next)).toMatchObject({ state: 'pending' });
    expect(await queued(at.withdrawalId)).toEqual([{ reference: `withdrawal:${at.withdrawalId}:p2` }]);
  });

  test('stays open when it came between a question and its answer, and no other attempt can begin', async () => {
    const { connector, called, calls, asked, answers } = stalling(real());
    const { at, ...payouts } = await started(connector);
    const sending = payouts.sendPayout(at);
    await called.passed;
    const asking = payouts.refreshPayout(at);
    await asked.passed;
    calls.open();
    expect(await sending).toMatchObject({ state: 'pending' });
    answers.open();
    expect((await asking).state).toBe('pending');
    expect(await payouts.refreshPayout(at)).toMatchObject({ state: 'pending' });
    await expect(payouts.startPayout({ ...at, number: 2 })).rejects.toThrow(/has a PSP to go to/);
    expect(await queued(at.withdrawalId)).toHaveLength(1);
  });

  test('stays open when the question is answered while it is queued and not yet told', async () => {
    const { connector: one, called, calls, asked, answers } = stalling(real());
    const queuedNow = gate();
    const told = gate();
    const connector: PspConnector = {
      ...one,
      payout: async (order) => {
        const answer = await one.payout(order);
        queuedNow.open();
        await told.passed;
        return answer;
      },
    };
    const { at, ...payouts } = await started(connector);
    const sending = payouts.sendPayout(at);
    await called.passed;
    const asking = payouts.refreshPayout(at);
    await asked.passed;
    calls.open();
    await queuedNow.passed;
    answers.open();
    // The answer is older than the queue: nothing is proven, and the next question finds the row.
    expect(['started', 'unknown']).toContain((await asking).state);
    expect(await payouts.refreshPayout(at)).toMatchObject({ state: 'pending' });
    told.open();
    expect(await sending).toMatchObject({ state: 'pending' });
  });

  test('is never without an attempt that was sent', async () => {
    const { at } = await started(real());
    const reference = `withdrawal:${at.withdrawalId}:p${at.number}`;
    for (const asked of [reference, `withdrawal:${randomUUID()}:p1`])
      await expect(
        psp === 'sepa'
          ? database.db
              .insertInto('payments.bankTransfer')
              .values({
                reference: asked,
                withdrawalId: at.withdrawalId,
                endToEndId: randomUUID().slice(0, 30),
                amount: '1',
              })
              .execute()
          : queueTransfer(database.db, evm, {
              reference: asked,
              purpose: 'payout',
              fromAddress: evm.hotWallet,
              derivationIndex: null,
              toAddress: payee,
              asset,
              raw: 1n,
            }),
      ).rejects.toThrow(/cannot be queued/);
  });
});
