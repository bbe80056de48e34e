/** Withdrawals in several legs, with fees, bands and another PSP: on a real ledger under skipped time; PSPs are played. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Client } from '@temporalio/client';
import { addBankAccount } from '#activities/payments/commands/bank-accounts.ts';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { withdrawalInputOf, type WithdrawalRow } from '#activities/payments/payment-rows.ts';
import { planWithdrawal } from '#activities/payments/commands/quote-withdrawal.ts';
import { liftStop } from '#activities/wallet/audit/withdrawal-stop.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import {
  beginWithdrawal,
  cancelWithdrawal,
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
  pending,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  unknown,
} from './payment-world.ts';

// Two players with three payments each take their time on a busy machine.
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

/** Risk accepts at the request, and answers `later` when it is asked again. */
function run<T>(fn: (client: Client) => Promise<T>, later: 'accept' | 'refuse' = 'accept'): Promise<T> {
  const { money, provider } = activities();
  const assessWithdrawal = ({ isRepeat }: { isRepeat?: boolean }) =>
    Promise.resolve({ outcome: isRepeat === true ? later : 'accept', reasons: [], ruleVersion: 'test' });
  return workflows.runWorkflows({ activities: { money: { ...money, assessWithdrawal }, provider } }, fn);
}

/** In two calls: the server that skips time loses the answer of one call when the machine is busy. */
async function begin(client: Client, row: WithdrawalRow) {
  await client.workflow.start<typeof withdrawal>('withdrawal', withdrawalStart(withdrawalInputOf(row)));
  return handleOf(client, row).executeUpdate(beginWithdrawal);
}

const handleOf = (client: Client, row: WithdrawalRow) =>
  client.workflow.getHandle<typeof withdrawal>(withdrawalWorkflowId(row.id));

const keep = (client: Client, row: WithdrawalRow, scenario: string) =>
  workflows.exportHistory(handleOf(client, row), `withdrawal.${scenario}`);

const decide = (client: Client, row: WithdrawalRow, operatorId: string, role = 'payments') =>
  handleOf(client, row).executeUpdate(decideWithdrawal, {
    args: [
      {
        operatorId,
        role,
        decision: 'approve',
        reason: 'as asked',
        payloadHash: row.payloadHash.toString('hex'),
      },
    ],
  });

async function begun(client: Client, row: WithdrawalRow) {
  await begin(client, row);
  await decide(client, row, ann);
  await decide(client, row, ben);
  return handleOf(client, row).result();
}

/** Cash from play. */
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

/** A captured deposit from a card of its own at one PSP; the card has a token at the other one, too. */
async function payIn(
  playerId: string,
  psp: 'alpha' | 'beta',
  amount: string,
  card = randomUUID().slice(0, 8),
): Promise<string> {
  const { db } = database;
  const depositId = randomUUID();
  const order = psp === 'alpha' ? (['alpha', 'beta'] as const) : (['beta', 'alpha'] as const);
  const deposit = orThrow(
    await requestDeposit(db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount, asset: 'EUR' },
      tokens: order.map((name) => ({ psp: name, token: `tok_${name}_${card}` })),
      returnUrl: 'http://shop.test/back',
      fingerprint: fingerprintOf(depositId),
    }),
  );
  const { money, provider } = activities();
  const told = (order: Parameters<typeof approved>[0]): PspOutcome => {
    const answer = approved(order);
    return answer.kind === 'approved'
      ? { ...answer, card: { fingerprint: `card-${card}`, network: 'visa', bin: null, country: null } }
      : answer;
  };
  alpha.play({ authorise: [psp === 'alpha' ? told : declined('generic')], status: [told] });
  beta.play({ authorise: [told], status: [told] });
  let number = 1;
  if (psp === 'beta') {
    await provider.authoriseAttempt({ depositId: deposit.id, number });
    number = 2;
    await provider.startAttempt({ depositId: deposit.id, number, psp: 'beta', stepUp: false });
  }
  await provider.authoriseAttempt({ depositId: deposit.id, number });
  expect(await money.captureDeposit({ depositId: deposit.id, number })).toEqual({ kind: 'captured' });
  const { instrumentId } = await db
    .selectFrom('payments.deposit')
    .select('instrumentId')
    .where('id', '=', deposit.id)
    .executeTakeFirstOrThrow();
  if (instrumentId === null) throw new Error('a captured card has an instrument');
  return instrumentId;
}

type Player = { playerId: string; cards: string[]; account: string };

/** Two cards that paid in 100 and 50 euros, 150 more from play, and an account in the player's name. */
async function player(): Promise<Player> {
  const playerId = await makePlayer(database.db);
  await keyPlayer(database.db, playerId);
  const cards = [await payIn(playerId, 'alpha', '100.00'), await payIn(playerId, 'beta', '50.00')];
  await win(playerId, 150n);
  const { instrumentId } = orThrow(
    await addBankAccount(database.db, testKeyRing, { playerId, iban: 'DE89370400440532013000' }),
  );
  return { playerId, cards, account: instrumentId };
}

/** One card that has paid in 100 euros at one PSP and 50 at the other. */
async function paidInTwice(): Promise<{ playerId: string; card: string }> {
  const playerId = await makePlayer(database.db);
  const name = randomUUID().slice(0, 8);
  const card = await payIn(playerId, 'alpha', '100.00', name);
  await payIn(playerId, 'beta', '50.00', name);
  return { playerId, card };
}

async function ask(playerId: string, instrumentId: string, amount: string): Promise<WithdrawalRow> {
  const withdrawalId = randomUUID();
  return orThrow(
    await requestWithdrawal(database.db, {
      withdrawalId,
      playerId,
      brand,
      money: { amount, asset: 'EUR' },
      instrumentId,
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
}

const legsOf = async (row: WithdrawalRow): Promise<string[]> =>
  (
    await database.db
      .selectFrom('payments.withdrawalLeg as l')
      .innerJoin('payments.instrument as i', 'i.id', 'l.instrumentId')
      .select(['l.leg', 'i.psp', 'l.amount', 'l.fee', 'l.state'])
      .where('withdrawalId', '=', row.id)
      .orderBy('leg')
      .execute()
  ).map(
    (one) =>
      `${one.leg} ${one.psp} ${BigInt(one.amount) / 10n ** 10n}-${BigInt(one.fee) / 10n ** 10n} ${one.state}`,
  );

const payoutsOf = async (row: WithdrawalRow): Promise<string[]> =>
  (
    await database.db
      .selectFrom('payments.payoutAttempt')
      .select(['number', 'psp', 'state'])
      .where('withdrawalId', '=', row.id)
      .orderBy('number')
      .execute()
  ).map((one) => `p${one.number} ${one.psp} ${one.state}`);

const rowOf = (row: WithdrawalRow) =>
  database.db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('id', '=', row.id)
    .executeTakeFirstOrThrow();

const seen: { psp: string; money: string; token: string; reference: string }[] = [];
const noted =
  (psp: string, answer: (order: never) => PspOutcome) =>
  (order: { money: { amount: string }; token: string; reference: string }): PspOutcome => {
    seen.push({ psp, money: order.money.amount, token: order.token, reference: order.reference });
    return answer(order as never);
  };

describeWorkflows('a withdrawal in legs', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);

  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('goes back to each card up to its net deposits, and the rest to the own account, out of one hold', async () => {
    const { playerId, account } = await player();
    const row = await ask(playerId, account, '250.00');
    expect(await legsOf(row)).toEqual([
      '1 alpha 10000-0 planned',
      '2 beta 5000-0 planned',
      '3 sepa 10000-0 planned',
    ]);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 50n, held: 250n });
    seen.length = 0;
    alpha.play({ payout: [noted('alpha', approved)] });
    beta.play({ payout: [noted('beta', approved)] });
    sepa.play({ payout: [noted('sepa', pending)], payoutStatus: [approved] });
    await run(async (client) => {
      expect(await begun(client, row)).toMatchObject({ state: 'paid' });
      await keep(client, row, 'split-paid');
    });
    expect(seen.map(({ psp, money }) => `${psp} ${money}`).toSorted()).toEqual([
      'alpha 100.00',
      'beta 50.00',
      'sepa 100.00',
    ]);
    expect(await payoutsOf(row)).toEqual(['p1 alpha paid', 'p101 beta paid', 'p201 sepa paid']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 50n, held: 0n });
    // What went back is no deposit any more: the next withdrawal is winnings alone.
    expect(await legsOf(await ask(playerId, account, '50.00'))).toEqual(['1 sepa 5000-0 planned']);
  });

  test('of which one leg hangs pays the others, and settles the last when its PSP tells', async () => {
    const { playerId, account } = await player();
    const row = await ask(playerId, account, '150.00');
    let isTold = false;
    alpha.play({ payout: [unknown], payoutStatus: [(order) => (isTold ? approved(order) : unknown())] });
    beta.play({ payout: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann);
      await decide(client, row, ben);
      await expect
        .poll(() => legsOf(row), { timeout: 20_000 })
        .toEqual(['1 alpha 10000-0 planned', '2 beta 5000-0 paid']);
      expect(await balancesOf(database.db, playerId)).toEqual({ cash: 150n, held: 100n });
      isTold = true;
      await handleOf(client, row).signal(payoutNotified);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'split-one-hangs');
    });
    expect(alpha.calls.filter((call) => call === 'payout')).toHaveLength(1);
  });

  test('gives the money of a leg back that nobody pays, and is partly paid', async () => {
    const { playerId, cards } = await player();
    const row = await ask(playerId, cards[0] ?? '', '150.00');
    expect(await legsOf(row)).toEqual(['1 alpha 10000-0 planned', '2 beta 5000-0 planned']);
    alpha.play({ payout: [approved, declined('hard_never')] });
    beta.play({ payout: [declined('hard_never')] });
    await run(async (client) => {
      expect(await begun(client, row)).toMatchObject({ state: 'partly-paid' });
      await keep(client, row, 'partly-paid');
    });
    expect(await legsOf(row)).toEqual(['1 alpha 10000-0 paid', '2 beta 5000-0 released']);
    expect(await rowOf(row)).toMatchObject({
      state: 'partly-paid',
      reason: 'payout-declined',
      paidPsp: 'alpha',
    });
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
    // Limits count what was paid, and no more.
    const uses = database.db
      .selectFrom('payments.paymentUse')
      .select(['state', 'amount'])
      .where('payment', '=', `withdrawal:${row.id}`);
    expect(await uses.execute()).toEqual([{ state: 'approved', amount: (100n * euro).toString() }]);
  });

  test('sends the money of a card that declines to the named account, which was approved with it', async () => {
    const { playerId, account } = await player();
    const row = await ask(playerId, account, '110.00');
    alpha.play({ payout: [declined('hard_never')] });
    beta.play({ payout: [approved] });
    sepa.play({ payout: [approved] });
    await run(async (client) => {
      expect(await begun(client, row)).toMatchObject({ state: 'paid' });
      await keep(client, row, 'leg-rerouted');
    });
    expect(await legsOf(row)).toEqual([
      '1 alpha 10000-0 rerouted',
      '2 beta 1000-0 paid',
      '3 sepa 10000-0 paid',
    ]);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 190n, held: 0n });
  });

  test('asks no other PSP after a decline, although the card has paid in there, too', async () => {
    const { playerId, card } = await paidInTwice();
    const row = await ask(playerId, card, '60.00');
    alpha.play({ payout: [declined('generic')] });
    beta.play({ payout: [approved] });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
    });
    expect(beta.calls).toEqual([]);
    expect(await payoutsOf(row)).toEqual(['p1 alpha declined']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 150n, held: 0n });
  });

  test('asks another PSP once the first has provably sent nothing, with the token of the card there', async () => {
    const { playerId, card } = await paidInTwice();
    const row = await ask(playerId, card, '60.00');
    seen.length = 0;
    alpha.play({ payout: [noted('alpha', notSent)] });
    beta.play({ payout: [noted('beta', approved)] });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'payout-cascade-not-sent');
    });
    expect(await payoutsOf(row)).toEqual(['p1 alpha not_sent', 'p2 beta paid']);
    expect(seen.map(({ token }) => token.slice(0, 9))).toEqual(['tok_alpha', 'tok_beta_']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 90n, held: 0n });
  });

  test('never asks another PSP while the first may have paid', async () => {
    const { playerId, cards } = await player();
    const row = await ask(playerId, cards[0] ?? '', '60.00');
    alpha.play({ payout: [unknown], payoutStatus: [unknown, pending, approved] });
    beta.play({});
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
    });
    expect(beta.calls).toEqual([]);
    expect(await payoutsOf(row)).toEqual(['p1 alpha paid']);
    const { db } = database;
    const second = { withdrawalId: row.id, number: 2, psp: 'beta', reference: `withdrawal:${row.id}:p2` };
    await expect(db.insertInto('payments.payoutAttempt').values(second).execute()).rejects.toThrow(
      /payout_open_or_paid/,
    );
  });

  test('costs what its brand takes, shown before, taken leg by leg, and free as often as promised', async () => {
    const { db } = database;
    await db
      .insertInto('payments.withdrawalFeeTerm')
      .values({
        brand,
        method: 'bank-account',
        asset: 'EUR',
        version: 1,
        bps: 100,
        fixed: (euro / 2n).toString(),
        freePerMonth: 1,
      })
      .execute();
    const { playerId, account } = await player();
    const first = await ask(playerId, account, '30.00');
    expect(first).toMatchObject({ fee: '0', feeWaived: true });
    const quoted = orThrow(
      await planWithdrawal(db, { playerId, brand, asset: 'EUR', amount: 150n * euro, instrumentId: account }),
    );
    expect(quoted).toMatchObject({ fee: 2n * euro, isFeeWaived: false, freeLeft: 0, feeTerm: `${brand} 1` });
    const row = await ask(playerId, account, '150.00');
    expect(row.fee).toBe((2n * euro).toString());
    const legs = await legsOf(row);
    expect(legs).toEqual(['1 alpha 7094-94 planned', '2 beta 5068-68 planned', '3 sepa 2838-38 planned']);
    seen.length = 0;
    alpha.play({ payout: [noted('alpha', approved)] });
    beta.play({ payout: [noted('beta', approved)] });
    sepa.play({ payout: [noted('sepa', declined('hard_never'))] });
    await run(async (client) => {
      expect(await begun(client, row)).toMatchObject({ state: 'partly-paid' });
    });
    expect(seen.map(({ psp, money }) => `${psp} ${money}`).toSorted()).toEqual([
      'alpha 70.00',
      'beta 50.00',
      'sepa 28.00',
    ]);
    // The fee of the leg that was not paid is not taken.
    const { rows } = await database.ownerPool.query<{ units: string }>(
      `select sum(amount)::text as units from wallet.entry where account = 'house:player-fees'`,
    );
    expect(rows[0]?.units).toBe((162n * (euro / 100n)).toString());
    const journals = await db
      .selectFrom('wallet.journal')
      .select(['code', 'externalId'])
      .where('subject', '=', `withdrawal:${row.id}`)
      .orderBy('externalId')
      .execute();
    expect(journals.map(({ externalId }) => externalId.replace(row.id, 'w')).toSorted()).toEqual([
      'withdrawal:w:fee',
      'withdrawal:w:fee:2',
      'withdrawal:w:release:3',
      'withdrawal:w:reserve',
      'withdrawal:w:settle',
      'withdrawal:w:settle:2',
    ]);
  });

  test('needs an approver whose band holds the amount, in the code and in the database', async () => {
    const { playerId, account } = await player();
    await win(playerId, 10_000n);
    const row = await ask(playerId, account, '6000.00');
    alpha.play({ payout: [approved] });
    beta.play({ payout: [approved] });
    sepa.play({ payout: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await expect(decide(client, row, ann)).rejects.toMatchObject({ cause: { type: 'forbidden' } });
      await expect(
        database.db
          .insertInto('payments.withdrawalApproval')
          .values({
            withdrawalId: row.id,
            operatorId: ann,
            decision: 'approve',
            reason: 'forged',
            payloadHash: row.payloadHash,
            role: 'payments',
          })
          .execute(),
      ).rejects.toThrow(/above the band/);
      await decide(client, row, ann, 'payments-lead');
      await decide(client, row, ben, 'admin');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
    });
  });

  test('is refused when risk says no just before the money leaves, or the player is locked by then', async () => {
    const first = await player();
    const judged = await ask(first.playerId, first.account, '120.00');
    [alpha, beta, sepa].forEach((psp) => psp.play({}));
    await run(async (client) => {
      expect(await begun(client, judged)).toMatchObject({ state: 'refused' });
      await keep(client, judged, 'refused-by-risk-asked-again');
    }, 'refuse');
    const second = await player();
    const locked = await ask(second.playerId, second.account, '120.00');
    [alpha, beta, sepa].forEach((psp) => psp.play({}));
    await run(async (client) => {
      await begin(client, locked);
      await database.db
        .updateTable('pam.player')
        .set({ status: 'locked' })
        .where('id', '=', second.playerId)
        .execute();
      await decide(client, locked, ann);
      await decide(client, locked, ben);
      expect(await handleOf(client, locked).result()).toMatchObject({ state: 'refused' });
    });
    expect((await rowOf(locked)).reason).toBe('player-blocked');
    expect([...alpha.calls, ...beta.calls, ...sepa.calls]).toEqual([]);
    expect((await balancesOf(database.db, second.playerId)).held).toBe(0n);
  });

  test('can be taken back while it is approved and nothing has been sent', async () => {
    const { playerId, account } = await player();
    const row = await ask(playerId, account, '20.00');
    const { id } = await database.db
      .insertInto('wallet.auditRun')
      .values({
        kind: 'minute',
        startedAt: new Date(),
        outcome: 'different',
        firstLeaf: 0n,
        nextLeaf: 0n,
        patrolFirst: 0n,
        patrolNext: 0n,
        checks: '[]',
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await database.db
      .insertInto('wallet.withdrawalStop')
      .values({ auditRunId: id, findings: ['one unit'] })
      .execute();
    alpha.play({});
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'approved', isCancellable: true });
      expect(await handleOf(client, row).executeUpdate(cancelWithdrawal)).toMatchObject({
        state: 'cancelled',
      });
      for (const operatorId of [ann, ben])
        await database.db
          .transaction()
          .execute((trx) => liftStop(trx, { operatorId, reason: 'case 12 is closed' }));
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'cancelled' });
      await keep(client, row, 'cancelled-when-approved');
    });
    expect(alpha.calls).toEqual([]);
    expect((await balancesOf(database.db, playerId)).held).toBe(0n);
  });

  test('has legs that the database holds to its amount, its player and its plan', async () => {
    const { playerId, account, cards } = await player();
    const other = await player();
    const row = await ask(playerId, account, '110.00');
    const at = `where withdrawal_id = '${row.id}'`;
    const refused = (statement: string, why: RegExp) =>
      expect(database.ownerPool.query(statement)).rejects.toThrow(why);
    await refused(`update payments.withdrawal_leg set amount = 1 ${at}`, /cannot change/);
    await refused(
      `insert into payments.withdrawal_leg (withdrawal_id, leg, instrument_id, amount, fee)
       values ('${row.id}', 9, '${other.account}', 1, 0)`,
      /its own player/,
    );
    await refused(
      `insert into payments.withdrawal_leg (withdrawal_id, leg, instrument_id, amount, fee)
       values ('${row.id}', 9, '${cards[0]}', 1, 0)`,
      /the legs of withdrawal/,
    );
    await refused(
      `update payments.withdrawal_leg set state = 'rerouted', closed_at = now() ${at} and leg = 1`,
      /the legs of withdrawal/,
    );
  });
});
