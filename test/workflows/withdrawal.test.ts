/** The `withdrawal` workflow on a real ledger under skipped time; only the PSP is played. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { withdrawalInputOf, type WithdrawalRow } from '#activities/payments/payment-rows.ts';
import { tellPayment } from '#api/payments/tell-payment.ts';
import { liftStop } from '#activities/wallet/audit/withdrawal-stop.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
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
  askDeposit,
  balancesOf,
  brand,
  declined,
  euro,
  fingerprintOf,
  makePlayer,
  notSent,
  paymentActivities,
  pending,
  scriptedPsp,
  seedWorld,
  unknown,
  workItemsOf,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const alpha = scriptedPsp('alpha');
const [ann, ben] = [randomUUID(), randomUUID()];

const activities = () => paymentActivities(database.db, new Map([['alpha', alpha]]));

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: activities() }, fn);

/** As `run`, with a verdict of risk instead of the rules, which would have to be fed with a month of play. */
function runJudged<T>(outcome: 'accept' | 'refuse', fn: (client: Client) => Promise<T>): Promise<T> {
  const { money, provider } = activities();
  const assessWithdrawal = () => Promise.resolve({ outcome, reasons: [], ruleVersion: 'test' });
  return workflows.runWorkflows({ activities: { money: { ...money, assessWithdrawal }, provider } }, fn);
}

const begin = (client: Client, row: WithdrawalRow) =>
  client.workflow.executeUpdateWithStart(beginWithdrawal, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof withdrawal>(
      'withdrawal',
      withdrawalStart(withdrawalInputOf(row)),
    ),
  });

const handleOf = (client: Client, row: WithdrawalRow) =>
  client.workflow.getHandle<typeof withdrawal>(withdrawalWorkflowId(row.id));

/** As after Temporal has lost its data: the row is there, and its workflow begins anew. */
async function startAgain(client: Client, row: WithdrawalRow): Promise<void> {
  await handleOf(client, row)
    .terminate('lost')
    .catch(() => {});
  await client.workflow.start<typeof withdrawal>('withdrawal', {
    ...withdrawalStart(withdrawalInputOf(row)),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
  await handleOf(client, row).executeUpdate(beginWithdrawal);
}

const keep = (client: Client, row: WithdrawalRow, scenario: string) =>
  workflows.exportHistory(handleOf(client, row), `withdrawal.${scenario}`);

const decide = (
  client: Client,
  row: WithdrawalRow,
  operatorId: string,
  decision: 'approve' | 'refuse',
  hash = row.payloadHash,
) =>
  handleOf(client, row).executeUpdate(decideWithdrawal, {
    args: [{ operatorId, role: 'payments', decision, reason: 'as asked', payloadHash: hash.toString('hex') }],
  });

/** A player whose deposit of 200 from one card was captured and played through. */
async function richPlayer(
  jurisdiction: 'MT' | 'GB' = 'MT',
): Promise<{ playerId: string; instrumentId: string }> {
  const { db } = database;
  const asset = jurisdiction === 'MT' ? 'EUR' : 'GBP';
  const playerId = await makePlayer(db, jurisdiction);
  const deposit = await askDeposit(db, playerId, '200.00', asset);
  alpha.play({ authorise: [approved], status: [approved] });
  const { money, provider } = paymentActivities(db, new Map([['alpha', alpha]]));
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  expect(await money.captureDeposit({ depositId: deposit.id, number: 1 })).toEqual({ kind: 'captured' });
  const { id } = await db
    .selectFrom('payments.instrument')
    .select('id')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  return { playerId, instrumentId: id };
}

async function ask(
  player: { playerId: string; instrumentId: string },
  amount: string,
  asset = 'EUR',
): Promise<WithdrawalRow> {
  const withdrawalId = randomUUID();
  return orThrow(
    await requestWithdrawal(database.db, {
      withdrawalId,
      playerId: player.playerId,
      brand,
      money: { amount, asset },
      instrumentId: player.instrumentId,
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
}

const stateOf = async (row: WithdrawalRow): Promise<string> =>
  (
    await database.db
      .selectFrom('payments.withdrawal')
      .select('state')
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow()
  ).state;

describeWorkflows('a withdrawal', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);

  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('above the band waits for two different people and is then paid and settled', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 150n });
    alpha.play({ payout: [pending], payoutStatus: [approved] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({
        state: 'awaiting-approval',
        approvalsRequired: 2,
        approvals: 0,
      });
      await expect(decide(client, row, ann, 'approve', Buffer.alloc(32))).rejects.toMatchObject({
        cause: { type: 'withdrawal-not-pending' },
      });
      expect(await decide(client, row, ann, 'approve')).toMatchObject({
        state: 'awaiting-approval',
        approvals: 1,
      });
      await expect(decide(client, row, ann, 'approve')).rejects.toMatchObject({
        cause: { type: 'already-decided' },
      });
      expect(alpha.calls).toEqual([]);
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid', approvals: 2 });
      await keep(client, row, 'approved-by-two');
    });
    expect(alpha.calls).toEqual(['payout', 'payoutStatus']);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
    const journals = await database.db
      .selectFrom('wallet.journal')
      .select('code')
      .where('subject', '=', `withdrawal:${row.id}`)
      .orderBy('id')
      .execute();
    expect(journals.map(({ code }) => code).toSorted()).toEqual(['withdrawal.reserve', 'withdrawal.settle']);
  });

  test('inside the band of an unsuspicious player needs nobody', async () => {
    const player = await richPlayer();
    const row = await ask(player, '20.00');
    alpha.play({ payout: [pending], payoutStatus: [approved] });
    await runJudged('accept', async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid', approvalsRequired: 0 });
      await keep(client, row, 'auto-approved');
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 180n, held: 0n });
  });

  test('that risk refuses gives the money back, and nobody is asked', async () => {
    const player = await richPlayer();
    const row = await ask(player, '20.00');
    alpha.play({});
    await runJudged('refuse', async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'refused' });
      await handleOf(client, row).result();
      await keep(client, row, 'refused-by-risk');
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('that one person refuses gives the money back', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    alpha.play({});
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'refuse');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
      await keep(client, row, 'refused-by-operator');
    });
    expect(alpha.calls).toEqual([]);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('may be taken back by the player until it is sent, where the jurisdiction allows it', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ isCancellable: true });
      expect(await handleOf(client, row).executeUpdate(cancelWithdrawal)).toMatchObject({
        state: 'cancelled',
      });
      await handleOf(client, row).result();
      await keep(client, row, 'cancelled');
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('cannot be taken back in Great Britain', async () => {
    const player = await richPlayer('GB');
    const row = await ask(player, '150.00', 'GBP');
    alpha.play({});
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ isCancellable: false });
      await expect(handleOf(client, row).executeUpdate(cancelWithdrawal)).rejects.toMatchObject({
        cause: { type: 'withdrawal-not-pending' },
      });
      await decide(client, row, ann, 'refuse');
      await handleOf(client, row).result();
    });
  });

  test('whose payout is unknown keeps its hold until the PSP tells, and is paid once', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    let isTold = false;
    alpha.play({ payout: [unknown], payoutStatus: [(order) => (isTold ? approved(order) : unknown())] });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'approve');
      expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 150n });
      isTold = true;
      await handleOf(client, row).signal(payoutNotified);
      await handleOf(client, row).signal(payoutNotified);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'payout-unknown');
    });
    expect(alpha.calls.filter((call) => call === 'payout')).toHaveLength(1);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
  });

  test('whose payout nobody can explain is parked with its hold, and settled when the money shows', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    alpha.play({
      payout: [unknown],
      // More questions than a day has.
      payoutStatus: [...Array.from({ length: 60 }, () => unknown), approved],
    });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'payout-parked');
    });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['parked-withdrawal:closed']);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
  });

  test('whose payout is told of after its workflow has given up is asked about again, by its true age, and settled', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    const ages: number[] = [];
    let isPaid = false;
    alpha.play({
      payout: [unknown],
      payoutStatus: [(order) => (ages.push(order.ageMs), isPaid ? approved(order) : unknown())],
    });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
      // Time was skipped for the workflow alone; the row has not aged with it.
      await database.ownerPool.query(
        `alter table payments.payout_attempt disable trigger user;
         update payments.payout_attempt set sent_at = sent_at - interval '31 days', started_at = started_at - interval '31 days'
         where withdrawal_id = '${row.id}';
         alter table payments.payout_attempt enable trigger user`,
      );
      isPaid = true;
      ages.length = 0;
      const notice = { kind: 'withdrawal', id: row.id, attempt: 1, saysApproved: true } as const;
      expect(await tellPayment(client, database.db, notice)).toBe('told');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'told-after-parked');
    });
    // A young age would let a connector repeat a call whose key the PSP has forgotten.
    expect(Math.min(...ages)).toBeGreaterThan(30 * 24 * 3_600_000);
    expect(alpha.calls.filter((call) => call === 'payout')).toHaveLength(1);
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual(['parked-withdrawal:closed']);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
  }, 120_000);

  test('whose payout the PSP declines gives the money back', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    alpha.play({ payout: [pending], payoutStatus: [declined('generic')] });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'refused' });
      await keep(client, row, 'payout-declined');
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 200n, held: 0n });
  });

  test('whose payout meets a stop of withdrawals waits with its hold, and is paid by itself when the stop is lifted', async () => {
    const player = await richPlayer();
    const row = await ask(player, '20.00');
    const none = { firstLeaf: 0n, nextLeaf: 0n, patrolFirst: 0n, patrolNext: 0n, checks: '[]' };
    const { id: auditRunId } = await database.db
      .insertInto('wallet.auditRun')
      .values({ kind: 'minute', startedAt: new Date(), outcome: 'different', ...none })
      .returning('id')
      .executeTakeFirstOrThrow();
    await database.db
      .insertInto('wallet.withdrawalStop')
      .values({ auditRunId, findings: ['one unit'] })
      .execute();
    alpha.play({ payout: [approved] });
    await runJudged('accept', async (client) => {
      await begin(client, row);
      expect(await stateOf(row)).toBe('approved');
      // Time is skipped from here on: minutes of waiting and asking again pass.
      const ended = handleOf(client, row).result();
      await delay(2_000);
      expect(alpha.calls).toEqual([]);
      expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 180n, held: 20n });
      for (const operatorId of [ann, ben])
        await database.db
          .transaction()
          .execute((trx) => liftStop(trx, { operatorId, reason: 'case 12 is closed' }));
      expect(await ended).toMatchObject({ state: 'paid' });
    });
    expect(alpha.calls).toEqual(['payout']);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 180n, held: 0n });
  });

  test('whose payout provably never left is offered again under a new key', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    const references: string[] = [];
    alpha.play({
      payout: [
        (order) => (references.push(order.reference), notSent()),
        (order) => (references.push(order.reference), approved(order)),
      ],
    });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'payout-not-sent');
    });
    expect(references).toEqual([`withdrawal:${row.id}:p1`, `withdrawal:${row.id}:p2`]);
  });

  test('of which the PSP paid another amount is parked, its hold untouched', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    alpha.play({
      payout: [(order) => ({ ...approved(order), processed: { amount: '15.00', asset: 'EUR' } })],
    });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
    });
    expect(await workItemsOf(database.db, `withdrawal:${row.id}`)).toEqual([
      'amount-mismatch:open',
      'parked-withdrawal:open',
    ]);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 150n });
  });

  test('is refused at once without money, with a foreign card, and with wagering open', async () => {
    const player = await richPlayer();
    const other = await richPlayer();
    const asked = (instrumentId: string, amount: string) => {
      const withdrawalId = randomUUID();
      return requestWithdrawal(database.db, {
        withdrawalId,
        playerId: player.playerId,
        brand,
        money: { amount, asset: 'EUR' },
        instrumentId,
        fingerprint: fingerprintOf(withdrawalId),
      });
    };
    expect(await asked(player.instrumentId, '200.01')).toMatchObject({
      failure: { code: 'insufficient-funds' },
    });
    expect(await asked(other.instrumentId, '10.00')).toMatchObject({
      failure: { code: 'payment-method-unavailable' },
    });
    await database.db.transaction().execute(async (trx) => {
      orThrow(
        await postTransfer(trx, {
          key: `bonus:${player.playerId}:award`,
          playerId: player.playerId,
          asset: 'EUR',
          amount: 10n * euro,
          subject: 'bonus:test',
          transfer: {
            code: 'bonus.award',
            awardId: randomUUID(),
            wagering: 100n * euro,
            betMax: null,
            expiresAtMs: Date.now() + 86_400_000,
          },
        }),
      );
    });
    expect(await asked(player.instrumentId, '10.00')).toMatchObject({
      failure: { code: 'withdrawal-pending-wagering' },
    });
    expect(await balancesOf(database.db, player.playerId)).toMatchObject({ cash: 200n, held: 0n });
  });

  test('asked for twice with one key is one withdrawal; with other content it is refused', async () => {
    const player = await richPlayer();
    const first = await ask(player, '150.00');
    const again = (amount: string, fingerprint: Buffer) =>
      requestWithdrawal(database.db, {
        withdrawalId: first.id,
        playerId: player.playerId,
        brand,
        money: { amount, asset: 'EUR' },
        instrumentId: player.instrumentId,
        fingerprint,
      });
    expect(await again('150.00', first.fingerprint)).toMatchObject({ ok: true, value: { id: first.id } });
    expect(await again('10.00', fingerprintOf('other'))).toMatchObject({
      failure: { code: 'idempotency-key-reused' },
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 150n });
    expect(await stateOf(first)).toBe('requested');
  });

  test('whose history is lost while it waits keeps its approvals', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    alpha.play({ payout: [pending], payoutStatus: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await decide(client, row, ann, 'approve');
      await startAgain(client, row);
      await decide(client, row, ben, 'approve');
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid', approvals: 2 });
      await keep(client, row, 'resumed-at-approval');
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
  });

  test('whose history is lost after it was sent is neither checked, sent nor released again', async () => {
    const player = await richPlayer();
    const row = await ask(player, '20.00');
    alpha.play({ payout: [unknown], payoutStatus: [unknown, unknown, approved] });
    await runJudged('accept', async (client) => {
      await begin(client, row);
      await expect.poll(() => stateOf(row)).toBe('submitted');
      await expect.poll(() => alpha.calls).toContain('payout');
      await handleOf(client, row).terminate('lost');
    });
    // Risk would refuse it by now, and the hold would be given back while the payout is on its way.
    await runJudged('refuse', async (client) => {
      await startAgain(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'paid' });
      await keep(client, row, 'resumed-at-payout');
    });
    expect(alpha.calls.filter((call) => call === 'payout')).toHaveLength(1);
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 180n, held: 0n });
  });

  test('cannot be released while a payout may be on its way', async () => {
    const player = await richPlayer();
    const row = await ask(player, '20.00');
    alpha.play({ payout: [unknown], payoutStatus: [unknown] });
    await runJudged('accept', async (client) => {
      await begin(client, row);
      await expect.poll(() => alpha.calls).toContain('payout');
      await handleOf(client, row).terminate('lost');
    });
    const { releaseWithdrawal } = activities().money;
    const release = releaseWithdrawal({ withdrawalId: row.id, state: 'refused', reason: 'by mistake' });
    await expect(release).rejects.toMatchObject({ failure: { code: 'withdrawal-not-pending' } });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 180n, held: 20n });
  });

  test('cannot be approved past the database', async () => {
    const player = await richPlayer();
    const row = await ask(player, '150.00');
    const { db } = database;
    const approval = (operatorId: string, hash: Buffer) =>
      db
        .insertInto('payments.withdrawalApproval')
        .values({
          withdrawalId: row.id,
          operatorId,
          decision: 'approve',
          reason: 'forged',
          payloadHash: hash,
          role: 'payments',
        })
        .execute();
    await expect(approval(ann, row.payloadHash)).rejects.toThrow(/is requested/);
    await db.updateTable('payments.withdrawal').set({ state: 'checking' }).where('id', '=', row.id).execute();
    await db
      .updateTable('payments.withdrawal')
      .set({ state: 'awaiting-approval', approvalsRequired: 2 })
      .where('id', '=', row.id)
      .execute();
    await expect(approval(ann, Buffer.alloc(32))).rejects.toThrow(/not what was approved/);
    await expect(approval(player.playerId, row.payloadHash)).rejects.toThrow(/to himself/);
    await approval(ann, row.payloadHash);
    await expect(approval(ann, row.payloadHash)).rejects.toThrow(/unique|duplicate/);
    const approve = db.updateTable('payments.withdrawal').set({ state: 'approved' }).where('id', '=', row.id);
    await expect(approve.execute()).rejects.toThrow(/lacks approvals/);
    await expect(
      db.updateTable('payments.withdrawal').set({ amount: '1' }).where('id', '=', row.id).execute(),
    ).rejects.toThrow(/cannot change/);
    await expect(
      db.updateTable('payments.withdrawal').set({ state: 'requested' }).where('id', '=', row.id).execute(),
    ).rejects.toThrow(/cannot go from/);
  });
});
