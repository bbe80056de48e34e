/** What becomes of a `withdrawal` whose player is on a list, may be on one, or cannot be asked about; the vendor is played. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { KycVendor } from '#activities/kyc/vendor.ts';
import { decideHeldMoney, proposeHeldMoney } from '#activities/payments/commands/held-money.ts';
import { decideMatch } from '#activities/payments/commands/decide-screening.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { withdrawalInputOf, type WithdrawalRow } from '#activities/payments/payment-rows.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import {
  beginWithdrawal,
  cancelWithdrawal,
  decideWithdrawal,
  screeningDecided,
  withdrawalStart,
  withdrawalWorkflowId,
} from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import { eventRoutes } from '#workers/event-routes.ts';
import { redrivePayments } from '#workers/redrive-payments.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import {
  approved,
  askDeposit,
  balancesOf,
  brand,
  declined,
  fingerprintOf,
  makePlayer,
  onNoList,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
  workItemsOf,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
const [cleo, ann, ben] = [randomUUID(), randomUUID(), randomUUID()];

type Word = 'clear' | 'hit' | 'away';
/** What the vendor says next; the last word stays. */
let words: Word[] = [];
const questions: string[] = [];

const vendor: KycVendor = {
  ...onNoList,
  screen: ({ externalUserId, requestId }) => {
    questions.push(requestId);
    const word = words.length > 1 ? words.shift() : words[0];
    if (word === 'away')
      return Promise.reject(new FailureError(fail('dependency-unavailable', 'no answer').failure));
    const hits = word === 'hit' ? [{ id: `hit-${externalUserId}`, list: 'sanctions' }] : [];
    return Promise.resolve({ listVersion: `list-${questions.length}`, hits });
  },
};

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> => {
  const { money, provider } = paymentActivities(
    database.db,
    new Map([['alpha', alpha]]),
    'http://api.test',
    vendor,
  );
  const assessWithdrawal = () => Promise.resolve({ outcome: 'accept', reasons: [], ruleVersion: 'test' });
  return workflows.runWorkflows({ activities: { money: { ...money, assessWithdrawal }, provider } }, fn);
};

const begin = (client: Client, row: WithdrawalRow) =>
  client.workflow.executeUpdateWithStart(beginWithdrawal, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof withdrawal>(
      'withdrawal',
      withdrawalStart(withdrawalInputOf(row)),
    ),
  });
const handleOf = (client: Client, row: WithdrawalRow) =>
  client.workflow.getHandle<typeof withdrawal>(withdrawalWorkflowId(row.id));
const keep = (client: Client, row: WithdrawalRow, scenario: string) =>
  workflows.exportHistory(handleOf(client, row), `withdrawal.${scenario}`);
const approve = (client: Client, row: WithdrawalRow, operatorId: string) =>
  handleOf(client, row).executeUpdate(decideWithdrawal, {
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

/** A withdrawal of `amount` by a player who has deposited 200. */
async function asked(amount: string, ofPlayer?: string): Promise<WithdrawalRow> {
  const { db } = database;
  const playerId = ofPlayer ?? (await makePlayer(db));
  if (ofPlayer === undefined) {
    const deposit = await askDeposit(db, playerId, '200.00');
    alpha.play({ authorise: [approved], status: [approved] });
    const { money } = paymentActivities(db, new Map([['alpha', alpha]]));
    await money.authoriseAttempt({ depositId: deposit.id, number: 1 });
    await money.captureDeposit({ depositId: deposit.id, number: 1 });
  }
  const { id: instrumentId } = await db
    .selectFrom('payments.instrument')
    .select('id')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  const withdrawalId = randomUUID();
  alpha.play({ payout: [approved] });
  return orThrow(
    await requestWithdrawal(db, {
      withdrawalId,
      playerId,
      brand,
      money: { amount, asset: 'EUR' },
      instrumentId,
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
}

const screeningsOf = (row: WithdrawalRow) =>
  database.db
    .selectFrom('kyc.screening')
    .selectAll()
    .where('subject', '=', `withdrawal:${row.id}`)
    .orderBy('number')
    .execute();
const statesOf = async (row: WithdrawalRow) => (await screeningsOf(row)).map(({ state }) => state);

async function decide(
  client: Client,
  row: WithdrawalRow,
  state: 'cleared' | 'confirmed',
  operatorId: string = cleo,
): Promise<void> {
  const open = (await screeningsOf(row)).find((one) => one.state === 'hit');
  await database.db
    .transaction()
    .execute(async (trx) =>
      orThrow(await decideMatch(trx, open?.id ?? '', { state, operatorId, reason: 'looked at the papers' })),
    );
  await handleOf(client, row).signal(screeningDecided);
}

type Wish = Pick<Parameters<typeof proposeHeldMoney>[2], 'decision' | 'reasonCode' | 'reference'>;

/** One person of compliance proposes, another one approves; answers with the fact that the relay carries. */
async function decideTogether(row: WithdrawalRow, wish: Wish) {
  const { db } = database;
  const proposal = await db.transaction().execute(async (trx) =>
    orThrow(
      await proposeHeldMoney(trx, testKeyRing, {
        ...wish,
        proposalId: randomUUID(),
        withdrawalId: row.id,
        note: 'see the case file',
        operatorId: cleo,
        fingerprint: fingerprintOf(row.id),
      }),
    ),
  );
  const decided = await db.transaction().execute(async (trx) =>
    orThrow(
      await decideHeldMoney(trx, testKeyRing, {
        proposalId: proposal.id,
        decision: 'approve',
        payloadHash: proposal.payloadHash.toString('hex'),
        reason: 'read and agreed',
        operatorId: ann,
        key: { id: randomUUID(), fingerprint: fingerprintOf(proposal.id) },
      }),
    ),
  );
  const { event_id: eventId, payload } = (
    await database.ownerPool.query(
      `select event_id, payload from compliance.outbox where type = 'payments.held-money.approved'
         and payload ->> 'proposalId' = $1`,
      [decided.id],
    )
  ).rows[0] as { event_id: string; payload: never };
  return {
    eventId,
    type: 'payments.held-money.approved',
    version: 1,
    brand: row.brand,
    playerId: row.playerId,
    payload,
  } as const;
}

/** A withdrawal whose match was confirmed, parked by a run that has ended. */
async function parked(client: Client, row: WithdrawalRow): Promise<void> {
  words = ['hit'];
  await begin(client, row);
  await decide(client, row, 'confirmed');
  expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
}

describeWorkflows('a withdrawal whose player is screened', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);
  beforeEach(() => {
    words = ['clear'];
    questions.length = 0;
  });
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('and is on no list is paid, asked about once, with the version of the lists kept', async () => {
    const row = await asked('20.00');
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'screened-clear');
    });
    expect(await screeningsOf(row)).toMatchObject([
      { state: 'clear', listVersion: 'list-1', answeredAt: expect.any(Date), hitIds: [] },
    ]);
    expect(questions).toHaveLength(1);
    const events = await database.db
      .selectFrom('compliance.audit')
      .select('action')
      .where('subject', '=', `withdrawal:${row.id}`)
      .where('action', 'like', 'kyc.%')
      .execute();
    expect(events).toEqual([{ action: 'kyc.screening.answered' }]);
  });

  test('and is on one waits with its hold until compliance has cleared the match, and is then paid', async () => {
    const row = await asked('20.00');
    words = ['hit'];
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'checking' });
      expect(alpha.calls).toEqual([]);
      expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['screening-hit:open']);
      expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 20n });
      await expect(decide(client, row, 'cleared', row.playerId)).rejects.toMatchObject({
        failure: { code: 'own-approval' },
      });
      await decide(client, row, 'cleared');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'screened-hit-cleared');
    });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['screening-hit:closed']);
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 0n });
    // The same match again is no news: the next withdrawal of this player needs nobody.
    const next = await asked('10.00', row.playerId);
    await run(async (client) => {
      await begin(client, next);
      expect(await handleOf(client, next).result()).toMatchObject({ state: 'paid' });
    });
    expect(await screeningsOf(next)).toMatchObject([{ state: 'clear', lists: ['sanctions'] }]);
  });

  test('and is confirmed to be on one keeps its hold: nothing is paid, nothing is given back', async () => {
    const row = await asked('20.00');
    words = ['hit'];
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, 'confirmed');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked', isCancellable: false });
      await keep(client, row, 'screened-hit-confirmed');
    });
    expect(alpha.calls).toEqual([]);
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 20n });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual([
      'screening-hit:closed',
      'parked-withdrawal:open',
    ]);
  });

  test('and takes it back in the moment in which the match is confirmed gets nothing: the money stays held', async () => {
    const row = await asked('20.00');
    words = ['hit'];
    await run(async (client) => {
      await begin(client, row);
      const { id } = (await screeningsOf(row))[0] ?? { id: '' };
      await database.db
        .transaction()
        .execute(async (trx) =>
          orThrow(await decideMatch(trx, id, { state: 'confirmed', operatorId: cleo, reason: 'the same' })),
        );
      // The workflow has not been told yet.
      await handleOf(client, row).executeUpdate(cancelWithdrawal);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
      await keep(client, row, 'cancelled-after-confirmed');
    });
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 20n });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toContain('parked-withdrawal:open');
  });

  test('and is confirmed to be on one is paid once two people have said so, though the account is locked', async () => {
    const row = await asked('20.00');
    await run(async (client) => {
      await parked(client, row);
      await database.ownerPool.query(`update pam.player set status = 'locked' where id = $1`, [row.playerId]);
      const fact = await decideTogether(row, {
        decision: 'pay',
        reasonCode: 'payment-licensed',
        reference: 'SMB/2026/12',
      });
      await eventRoutes['payments.held-money.approved']?.(client, fact);
      // Told twice, it finds the run.
      await eventRoutes['payments.held-money.approved']?.(client, fact);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid', isCancellable: false });
      await keep(client, row, 'held-money-paid');
      await eventRoutes['payments.held-money.approved']?.(client, fact);
      await handleOf(client, row).result();
    });
    expect(alpha.calls.filter((call) => call === 'payout')).toHaveLength(1);
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 0n });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual([
      'screening-hit:closed',
      'parked-withdrawal:closed',
    ]);
  });

  test('and whose allowed payment is declined keeps its hold, for another decision', async () => {
    const row = await asked('20.00');
    alpha.play({ payout: [declined('generic')] });
    await run(async (client) => {
      await parked(client, row);
      await decideTogether(row, { decision: 'pay', reasonCode: 'delisted', reference: 'OJ L 2026/9' });
      // Where the relay has told nobody, the sweep finds the row.
      await database.ownerPool.query(
        `update payments.withdrawal set requested_at = requested_at - interval '1 minute' where id = $1`,
        [row.id],
      );
      await redrivePayments(client, database.db);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
      await keep(client, row, 'held-money-declined');
    });
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 20n });
    await decideTogether(row, {
      decision: 'forfeit',
      reasonCode: 'authority-order',
      reference: 'FIAU 4/2026',
    });
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 180n, held: 0n });
  });

  test('while the vendor is away waits, says so, asks under the same name again, and never passes by itself', async () => {
    const row = await asked('20.00');
    words = ['away'];
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'checking' });
      expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['screening-unavailable:open']);
      expect(alpha.calls).toEqual([]);
      words = ['away', 'away', 'clear'];
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'screening-unavailable');
    });
    expect(questions.length).toBeGreaterThanOrEqual(4);
    expect(new Set(questions).size).toBe(1);
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['screening-unavailable:closed']);
  });

  test('can be taken back while the vendor is away', async () => {
    const row = await asked('20.00');
    words = ['away'];
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ isCancellable: true });
      expect(await handleOf(client, row).executeUpdate(cancelWithdrawal)).toMatchObject({
        state: 'cancelled',
      });
      await handleOf(client, row).result();
      await keep(client, row, 'cancelled-while-screened');
    });
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('is asked about again when days lie between, and a match then stops what people had approved', async () => {
    const row = await asked('150.00');
    words = ['clear', 'hit'];
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'awaiting-approval' });
      await approve(client, row, ann);
      // As a day later: the database's clock decides, and it is not skipped.
      await database.ownerPool.query(
        `update kyc.screening set answered_at = answered_at - interval '25 hours' where subject = $1`,
        [`withdrawal:${row.id}`],
      );
      await approve(client, row, ben);
      await expect.poll(() => statesOf(row), { timeout: 20_000 }).toEqual(['clear', 'hit']);
      expect(alpha.calls).toEqual([]);
      await decide(client, row, 'confirmed');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
      await keep(client, row, 'screened-again-before-payout');
    });
    expect(await balancesOf(database.db, row.playerId)).toEqual({ cash: 50n, held: 150n });
  });

  test('cannot be cleared past the database', async () => {
    const row = await asked('20.00');
    const { money, provider } = paymentActivities(database.db, new Map(), 'http://api.test', vendor);
    await money.checkWithdrawal({ withdrawalId: row.id });
    words = ['hit'];
    expect(await provider.screenWithdrawal({ withdrawalId: row.id })).toEqual({ outcome: 'hit' });
    const change = (set: string) =>
      database.ownerPool.query(`update kyc.screening set ${set} where subject = $1`, [
        `withdrawal:${row.id}`,
      ]);
    await expect(change(`state = 'clear'`)).rejects.toThrow(/cannot go from/);
    await expect(change(`state = 'cleared'`)).rejects.toThrow(/check/);
    await expect(
      change(`state = 'cleared', decided_by = player_id, decided_at = now(), reason = 'myself'`),
    ).rejects.toThrow(/check/);
    await expect(change(`subject = 'withdrawal:x'`)).rejects.toThrow(/cannot change/);
  });
});
