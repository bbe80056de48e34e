/** Withdrawals to wallets: back by the charges that paid in, on a real ledger under skipped time; PSPs are played. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Client } from '@temporalio/client';
import { addBankAccount } from '#activities/payments/commands/bank-accounts.ts';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { requestRefund } from '#activities/payments/commands/request-refund.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { withdrawalInputOf, type WithdrawalRow } from '#activities/payments/payment-rows.ts';
import { readSources } from '#activities/payments/payout-sources.ts';
import { readWithdrawalMethods } from '#activities/payments/withdrawal-methods.ts';
import type { RefundOrder } from '#activities/payments/connectors.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { payoutReturnStart } from '#workflows/payout-return.contract.ts';
import type { payoutReturn } from '#workflows/payout-return.ts';
import {
  beginWithdrawal,
  decideWithdrawal,
  payoutNotified,
  withdrawalStart,
  withdrawalWorkflowId,
} from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import {
  approved,
  balancesOf,
  brand,
  declined,
  euro,
  fingerprintOf,
  keyPlayer,
  makePlayer,
  notSent,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  unknown,
  workItemsOf,
} from './payment-world.ts';

vi.setConfig({ testTimeout: 180_000 });

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const [alpha, beta, sepa] = [scriptedPsp('alpha'), scriptedPsp('beta'), scriptedPsp('sepa')];
const [ann, ben] = [randomUUID(), randomUUID()];

const activities = () =>
  paymentActivities(
    database.db,
    new Map([
      ['alpha', alpha],
      ['beta', beta],
      ['sepa', sepa],
    ]),
  );

function run<T>(fn: (client: Client) => Promise<T>): Promise<T> {
  const { money, provider } = activities();
  const assessWithdrawal = () => Promise.resolve({ outcome: 'accept', reasons: [], ruleVersion: 'test' });
  return workflows.runWorkflows({ activities: { money: { ...money, assessWithdrawal }, provider } }, fn);
}

const handleOf = (client: Client, row: WithdrawalRow) =>
  client.workflow.getHandle<typeof withdrawal>(withdrawalWorkflowId(row.id));

const keep = (client: Client, row: WithdrawalRow, scenario: string) =>
  workflows.exportHistory(handleOf(client, row), `withdrawal.${scenario}`);

/** Starts, and lets two people allow it where they are asked. */
async function begun(client: Client, row: WithdrawalRow) {
  await client.workflow.start<typeof withdrawal>('withdrawal', withdrawalStart(withdrawalInputOf(row)));
  const handle = handleOf(client, row);
  const { state } = await handle.executeUpdate(beginWithdrawal);
  if (state !== 'awaiting-approval') return handle;
  for (const operatorId of [ann, ben])
    await handle.executeUpdate(decideWithdrawal, {
      args: [
        {
          operatorId,
          role: 'payments',
          decision: 'approve',
          reason: 'as asked',
          payloadHash: row.payloadHash.toString('hex'),
        },
      ],
    });
  return handle;
}

const refunded = (order: RefundOrder): PspOutcome => ({
  kind: 'approved',
  pspReference: `re-${order.reference}`,
  processed: order.money,
  instrument: null,
});

/** A captured deposit by PayPal at alpha; `account` null where the PSP tells none. */
async function payIn(playerId: string, amount: string, account: string | null): Promise<string> {
  const depositId = randomUUID();
  const deposit = orThrow(
    await requestDeposit(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount, asset: 'EUR' },
      method: 'e-wallet',
      wallet: 'paypal',
      tokens: [],
      returnUrl: 'http://shop.test/back',
      fingerprint: fingerprintOf(depositId),
    }),
  );
  const { money, provider } = activities();
  const told = (order: Parameters<typeof approved>[0]): PspOutcome =>
    ({ ...approved(order), instrument: null, walletAccount: account }) as PspOutcome;
  alpha.play({ authorise: [told], status: [told] });
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  expect(await money.captureDeposit({ depositId: deposit.id, number: 1 })).toEqual({ kind: 'captured' });
  return deposit.id;
}

/** 60 and 40 euros by one account of a wallet, 100 from play, and a bank account. */
async function player() {
  const playerId = await makePlayer(database.db);
  await keyPlayer(database.db, playerId);
  const account = randomUUID().slice(0, 13).toUpperCase();
  const deposits = [await payIn(playerId, '60.00', account), await payIn(playerId, '40.00', account)];
  await win(playerId, 100n);
  const bank = orThrow(
    await addBankAccount(database.db, testKeyRing, { playerId, iban: 'DE89370400440532013000' }),
  ).instrumentId;
  const { id: wallet } = await database.db
    .selectFrom('payments.instrument')
    .select('id')
    .where('playerId', '=', playerId)
    .where('kind', '=', 'e-wallet')
    .executeTakeFirstOrThrow();
  [alpha, beta, sepa].forEach((psp) => psp.play({}));
  return { playerId, account, deposits, bank, wallet };
}

const win = (playerId: string, euros: bigint) =>
  database.db.transaction().execute(async (trx) =>
    orThrow(
      await postTransfer(trx, {
        key: `win:${randomUUID()}`,
        playerId,
        asset: 'EUR',
        amount: euros * euro,
        subject: `test:${playerId}`,
        transfer: { code: 'adjustment.post', direction: 'credit', mayOwe: false },
      }),
    ),
  );

const asked = (playerId: string, instrumentId: string, amount: string) => {
  const withdrawalId = randomUUID();
  return requestWithdrawal(database.db, {
    withdrawalId,
    playerId,
    brand,
    money: { amount, asset: 'EUR' },
    instrumentId,
    fingerprint: fingerprintOf(withdrawalId),
  });
};
const ask = async (...args: Parameters<typeof asked>): Promise<WithdrawalRow> =>
  orThrow(await asked(...args));

const legsOf = async (row: WithdrawalRow): Promise<string[]> =>
  (
    await database.db
      .selectFrom('payments.withdrawalLeg as l')
      .innerJoin('payments.instrument as i', 'i.id', 'l.instrumentId')
      .select(['l.leg', 'i.kind', 'l.amount', 'l.state', 'l.depositId'])
      .where('withdrawalId', '=', row.id)
      .orderBy('leg')
      .execute()
  ).map(
    (one) =>
      `${one.leg} ${one.kind}${one.depositId === null ? '' : ' by its charge'} ${BigInt(one.amount) / euro} ${one.state}`,
  );

const journalsOf = async (row: WithdrawalRow): Promise<string[]> =>
  (
    await database.db
      .selectFrom('wallet.journal')
      .select('externalId')
      .where('subject', '=', `withdrawal:${row.id}`)
      .execute()
  )
    .map(({ externalId }) => externalId.replace(row.id, 'w'))
    .toSorted();

const refundOf = (depositId: string, amount: string) => {
  const refundId = randomUUID();
  return database.db.transaction().execute((trx) =>
    requestRefund(trx, testKeyRing, {
      refundId,
      depositId,
      money: { amount, asset: 'EUR' },
      reason: 'asked for it',
      operatorId: ann,
      roles: ['payments-lead'],
      fingerprint: fingerprintOf(refundId),
    }),
  );
};

describeWorkflows('a withdrawal to a wallet', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
    await seedWorld(database.db);
    workflows = await createWorkflowEnvironment();
  });
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('goes back by the charges that paid in, each up to its own, and the rest to the bank', async () => {
    const { playerId, deposits, bank } = await player();
    const row = await ask(playerId, bank, '130.00');
    expect(await legsOf(row)).toEqual([
      '1 e-wallet by its charge 60 planned',
      '2 e-wallet by its charge 40 planned',
      '3 bank-account 30 planned',
    ]);
    const seen: string[] = [];
    alpha.play({
      refund: [
        (order) => {
          seen.push(
            `${order.reference.replace(row.id, 'w')} of ${order.chargeReference} ${order.money.amount}`,
          );
          return refunded(order);
        },
      ],
    });
    sepa.play({ payout: [approved] });
    await run(async (client) => {
      expect(await (await begun(client, row)).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'wallet-by-its-charges');
    });
    expect(seen.toSorted()).toEqual([
      `withdrawal:w:p1 of psp-deposit:${deposits[0]}:a1 60.00`,
      `withdrawal:w:p101 of psp-deposit:${deposits[1]}:a1 40.00`,
    ]);
    expect(await journalsOf(row)).toEqual([
      'withdrawal:w:reserve',
      'withdrawal:w:settle',
      'withdrawal:w:settle:2',
      'withdrawal:w:settle:3',
    ]);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 70n, held: 0n });
    // Nothing is left to go back by either charge.
    const sources = await readSources(database.db, { playerId, asset: 'EUR', named: bank, except: null });
    expect(sources.map(({ net }) => net)).toEqual([0n, 0n]);
  });

  test('keeps its hold while the answer is lost, asks by our own reference, and sends nothing twice', async () => {
    const { playerId, wallet } = await player();
    const row = await ask(playerId, wallet, '60.00');
    let isTold = false;
    alpha.play({ refund: [unknown], refundStatus: [(order) => (isTold ? refunded(order) : unknown())] });
    await run(async (client) => {
      const handle = await begun(client, row);
      await expect.poll(() => alpha.calls.includes('refundStatus'), { timeout: 20_000 }).toBe(true);
      expect(await balancesOf(database.db, playerId)).toEqual({ cash: 140n, held: 60n });
      isTold = true;
      await handle.signal(payoutNotified);
      expect(await handle.result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'wallet-answer-lost');
    });
    expect(alpha.calls.filter((call) => call === 'refund')).toHaveLength(1);
    expect(beta.calls).toEqual([]);
  });

  test('goes to the named bank where the wallet declines, and is offered again where nothing was sent', async () => {
    const { playerId, bank } = await player();
    const row = await ask(playerId, bank, '100.00');
    alpha.play({ refund: [declined('hard_never'), notSent, refunded] });
    sepa.play({ payout: [approved] });
    await run(async (client) => {
      expect(await (await begun(client, row)).result()).toMatchObject({ state: 'paid' });
    });
    const legs = await legsOf(row);
    expect(legs.filter((leg) => leg.endsWith('rerouted'))).toHaveLength(1);
    expect(legs.filter((leg) => leg.startsWith('3 bank-account'))).toHaveLength(1);
    expect(alpha.calls).toEqual(['refund', 'refund', 'refund']);
    expect((await balancesOf(database.db, playerId)).held).toBe(0n);
  });

  test('that comes back after it was paid is the player’s again, once, and a person is told', async () => {
    const { playerId, wallet } = await player();
    const row = await ask(playerId, wallet, '60.00');
    alpha.play({ refund: [refunded], refundStatus: [unknown, declined('generic')] });
    await run(async (client) => {
      expect(await (await begun(client, row)).result()).toMatchObject({ state: 'paid' });
      const input = { withdrawalId: row.id, number: 1, playerId, brand, jurisdiction: 'MT' };
      for (const reopened of [0, 1]) {
        const handle = await client.workflow.start<typeof payoutReturn>(
          'payoutReturn',
          payoutReturnStart({ ...input, reopened }),
        );
        expect(await handle.result()).toEqual({ outcome: 'returned' });
        if (reopened === 0) await workflows.exportHistory(handle, 'payout-return.returned');
      }
    });
    expect(await legsOf(row)).toEqual(['1 e-wallet by its charge 60 returned']);
    expect((await journalsOf(row)).filter((key) => key.endsWith(':return'))).toHaveLength(1);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['returned-payout:open']);
    // The charge can give it back once more.
    expect(await legsOf(await ask(playerId, wallet, '60.00'))).toEqual([
      '1 e-wallet by its charge 60 planned',
    ]);
  });

  test('stays paid where its PSP stands by it, whatever a notice says', async () => {
    const { playerId, wallet } = await player();
    const row = await ask(playerId, wallet, '60.00');
    alpha.play({ refund: [refunded], refundStatus: [refunded] });
    await run(async (client) => {
      expect(await (await begun(client, row)).result()).toMatchObject({ state: 'paid' });
      const handle = await client.workflow.start<typeof payoutReturn>(
        'payoutReturn',
        payoutReturnStart({
          withdrawalId: row.id,
          number: 1,
          playerId,
          brand,
          jurisdiction: 'MT',
          reopened: 0,
        }),
      );
      expect(await handle.result()).toEqual({ outcome: 'stands' });
      await workflows.exportHistory(handle, 'payout-return.stands');
    });
    expect(await legsOf(row)).toEqual(['1 e-wallet by its charge 60 paid']);
  });

  test('takes no more than it paid in, and the list of methods says so before', async () => {
    const { playerId, wallet, bank } = await player();
    expect(await asked(playerId, wallet, '100.01')).toMatchObject({
      ok: false,
      failure: { code: 'amount-above-maximum' },
    });
    const methods = await readWithdrawalMethods(database.db, { playerId, brand, jurisdiction: 'MT' });
    expect(
      methods.map(({ instrument, returnable, takesRest }) => [instrument.id, returnable, takesRest]),
    ).toEqual([
      [bank, 0n, true],
      [wallet, 100n * euro, false],
    ]);
    expect(await legsOf(await ask(playerId, wallet, '100.00'))).toEqual([
      '1 e-wallet by its charge 60 planned',
      '2 e-wallet by its charge 40 planned',
    ]);
    expect(
      (await readWithdrawalMethods(database.db, { playerId, brand, jurisdiction: 'MT' })).map(
        ({ instrument }) => instrument.id,
      ),
    ).toEqual([bank]);
  });

  test('shares its charges with refunds: what one has asked for, the other does not get', async () => {
    const { playerId, deposits, bank } = await player();
    const [first = '', second = ''] = deposits;
    orThrow(await refundOf(first, '45.00'));
    const row = await ask(playerId, bank, '100.00');
    expect(await legsOf(row)).toEqual([
      '1 e-wallet by its charge 15 planned',
      '2 e-wallet by its charge 40 planned',
      '3 bank-account 45 planned',
    ]);
    expect(await refundOf(second, '0.01')).toMatchObject({
      ok: false,
      failure: { code: 'exceeds-captured' },
    });
    await expect(
      database.ownerPool.query(
        `insert into payments.refund (id, deposit_id, player_id, brand, jurisdiction, asset, amount, psp, reference,
           charge_reference, reason, requested_by, fingerprint, payload_hash, needs_approval)
         select gen_random_uuid(), d.id, d.player_id, d.brand, d.jurisdiction, d.asset, 1, d.captured_psp, 'refund:x', 'x', 'forged',
           gen_random_uuid(), '\\x00', d.fingerprint, false from payments.deposit d where d.id = '${second}'`,
      ),
    ).rejects.toThrow(/more would go back/);
  });

  test('needs the charge named in its leg, of its own wallet, by the database too', async () => {
    const { playerId, wallet, bank, deposits } = await player();
    const other = await player();
    const row = await ask(playerId, bank, '10.00');
    const insert = (instrument: string, deposit: string | null) =>
      database.ownerPool.query(
        `insert into payments.withdrawal_leg (withdrawal_id, leg, instrument_id, deposit_id, amount, fee)
         values ($1, 9, $2, $3, 1, 0)`,
        [row.id, instrument, deposit],
      );
    await expect(insert(wallet, null)).rejects.toThrow(/by which charge/);
    await expect(insert(bank, deposits[0] ?? '')).rejects.toThrow(/by which charge/);
    await expect(insert(wallet, other.deposits[0] ?? '')).rejects.toThrow(/does not fit/);
    await expect(
      database.ownerPool.query(
        `update payments.withdrawal_leg set deposit_id = '${deposits[1]}' where withdrawal_id = '${row.id}'`,
      ),
    ).rejects.toThrow(/cannot change/);
  });

  test('leaves an account out that has paid for two players, and a person looks at the rest', async () => {
    const { playerId, account, bank } = await player();
    const stranger = await makePlayer(database.db);
    await payIn(stranger, '20.00', account);
    const row = await ask(playerId, bank, '50.00');
    expect(await legsOf(row)).toEqual(['1 bank-account 50 planned']);
    const { money } = activities();
    expect(await money.checkWithdrawal({ withdrawalId: row.id })).toMatchObject({
      check: { kind: 'pass', reasons: expect.arrayContaining(['closed-loop']) },
    });
  });

  test('goes back by the charge of a wallet whose account no PSP has told', async () => {
    const playerId = await makePlayer(database.db);
    const deposit = await payIn(playerId, '25.00', null);
    const { id, token } = await database.db
      .selectFrom('payments.instrument')
      .select(['id', 'token'])
      .where('playerId', '=', playerId)
      .executeTakeFirstOrThrow();
    expect(token).toBe(`paypal:deposit:${deposit}`);
    expect(await legsOf(await ask(playerId, id, '25.00'))).toEqual(['1 e-wallet by its charge 25 planned']);
  });
});
