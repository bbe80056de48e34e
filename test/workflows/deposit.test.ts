/** The `deposit` workflow on a real ledger under skipped time; only the PSPs are played. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { PlannedDeposit } from '#activities/payments/commands/request-deposit.ts';
import { recordReturn } from '#activities/payments/commands/record-return.ts';
import { depositInputOf, type DepositRow } from '#activities/payments/payment-rows.ts';
import {
  beginDeposit,
  completeAction,
  depositStart,
  depositWorkflowId,
  pspNotified,
} from '#workflows/deposit.contract.ts';
import { depositLateStart } from '#workflows/deposit-late.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import type { depositLate } from '#workflows/deposit-late.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import {
  action,
  approved,
  askDeposit,
  attemptsOf,
  balancesOf,
  declined,
  limitTaken,
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
const beta = scriptedPsp('beta');

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows(
    {
      activities: paymentActivities(
        database.db,
        new Map([
          ['alpha', alpha],
          ['beta', beta],
        ]),
      ),
    },
    fn,
  );

const begin = (client: Client, row: DepositRow) =>
  client.workflow.executeUpdateWithStart(beginDeposit, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>(
      'deposit',
      depositStart(depositInputOf(row)),
    ),
  });

const handleOf = (client: Client, row: DepositRow) =>
  client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));

const keep = (client: Client, row: DepositRow, scenario: string) =>
  workflows.exportHistory(handleOf(client, row), `deposit.${scenario}`);

const factsOf = async (playerId: string): Promise<string[]> =>
  (
    await database.db
      .selectFrom('compliance.outbox')
      .select('type')
      .where('playerId', '=', playerId)
      .orderBy('id')
      .execute()
  )
    .map((row) => row.type)
    .filter((type) => type.startsWith('payments.'));

async function comeBack(row: DepositRow): Promise<void> {
  await recordReturn(database.db, row.id, { playerId: row.playerId }, { redirectResult: 'opaque' });
}

describeWorkflows('a deposit', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);

  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('that is approved is verified by its status and credited once', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'captured', nextAction: { type: 'none' } });
      await handleOf(client, row).result();
      await keep(client, row, 'approved');
    });
    expect(alpha.calls).toEqual(['authorise', 'status']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 50n, held: 0n });
    expect(await factsOf(playerId)).toEqual([
      'payments.deposit.requested',
      'payments.attempt.resolved',
      'payments.deposit.captured',
    ]);
    const instrument = await database.db
      .selectFrom('payments.instrument')
      .selectAll()
      .where('playerId', '=', playerId)
      .executeTakeFirst();
    expect(instrument).toMatchObject({ psp: 'alpha', token: 'tok_alpha', last4: '4242' });
  });

  test('that is declined technically goes on to the next PSP', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [declined('issuer_unavailable')] });
    beta.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'captured' });
      await handleOf(client, row).result();
      await keep(client, row, 'cascade');
    });
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:declined', 'beta:approved']);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
  });

  test('that provably never left goes on to the next PSP', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [notSent] });
    beta.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await handleOf(client, row).result();
    });
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:not_sent', 'beta:approved']);
  });

  test('that no PSP wants fails and gives the limit back', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    expect(await limitTaken(database.db, playerId)).toBe(50n);
    alpha.play({ authorise: [declined('generic')] });
    beta.play({ authorise: [declined('soft_later')] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'failed' });
      await handleOf(client, row).result();
      await keep(client, row, 'declined');
    });
    expect(await limitTaken(database.db, playerId)).toBe(0n);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 0n, held: 0n });
  });

  test('that needs a step-up is tried again at the same PSP with a challenge', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    const asked: boolean[] = [];
    alpha.play({
      authorise: [
        (order) => (asked.push(order.stepUp), declined('sca_required')()),
        (order) => (asked.push(order.stepUp), approved(order)),
      ],
      status: [approved],
    });
    await run(async (client) => {
      await begin(client, row);
      await handleOf(client, row).result();
    });
    expect(asked).toEqual([false, true]);
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:declined', 'alpha:approved']);
  });

  test('with a challenge answers with the redirect, and is credited when the player is back, webhooks or not', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [action], continued: [approved], status: [approved] });
    await run(async (client) => {
      expect(await begin(client, row)).toEqual({
        depositId: row.id,
        state: 'awaiting-action',
        nextAction: { type: 'redirect', url: 'http://bank.test/challenge' },
      });
      await comeBack(row);
      const handle = handleOf(client, row);
      const back = handle.executeUpdate(completeAction);
      await Promise.all([
        handle.signal(pspNotified, { attempt: 1 }),
        handle.signal(pspNotified, { attempt: 1 }),
      ]);
      expect(await back).toMatchObject({ state: 'captured' });
      await handle.result();
      await keep(client, row, 'challenge-passed');
    });
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
    expect((await factsOf(playerId)).filter((type) => type === 'payments.deposit.captured')).toHaveLength(1);
  });

  test('whose player is back before its first task has ended goes on from the row', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [action], continued: [approved], status: [approved] });
    // What a worker does that dies after the charge: the row is committed, its player told, the task never ends.
    const { money } = paymentActivities(database.db, new Map([['alpha', alpha]]));
    await money.authoriseAttempt({ depositId: row.id, number: 1 });
    await comeBack(row);
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await keep(client, row, 'back-before-the-task');
    });
    expect(alpha.calls).toEqual(['authorise', 'continued', 'status']);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
  });

  test('with a challenge that failed ends without money', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [action], continued: [declined('not_authenticated')] });
    await run(async (client) => {
      await begin(client, row);
      await comeBack(row);
      expect(await handleOf(client, row).executeUpdate(completeAction)).toMatchObject({ state: 'failed' });
      await handleOf(client, row).result();
      await keep(client, row, 'challenge-failed');
    });
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:declined']);
  });

  test('whose challenge nobody takes is cancelled at the PSP after its deadline', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [action], cancel: [() => ({ kind: 'cancelled', pspReference: 'psp-1' })] });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'failed' });
      await keep(client, row, 'challenge-expired');
    });
    expect(alpha.calls).toEqual(['authorise', 'cancel']);
    expect(await limitTaken(database.db, playerId)).toBe(0n);
  });

  test('refuses a return that nothing waits for', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    let asked = 0;
    alpha.play({ authorise: [pending], status: [(order) => (++asked > 3 ? approved(order) : pending())] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'processing' });
      await expect(handleOf(client, row).executeUpdate(completeAction)).rejects.toMatchObject({
        cause: { type: 'deposit-not-awaiting-action' },
      });
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
    });
  });

  test('with an unknown outcome is never tried elsewhere, and is credited when the status tells', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [unknown], status: [unknown, unknown, approved] });
    beta.play({});
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'processing' });
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await keep(client, row, 'unknown-then-approved');
    });
    expect(beta.calls).toEqual([]);
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:approved']);
  });

  test('whose call broke in our own process is asked about, not repeated', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({
      authorise: [() => Promise.reject(new Error('the process was shot'))],
      status: [approved],
    });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
    });
    expect(alpha.calls).toEqual(['authorise', 'status']);
  });

  test('that stays unknown for a day is parked with a person, and still credited once when the money shows', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    const seen: string[] = [];
    alpha.play({
      authorise: [unknown],
      // More questions than a day has.
      status: [...Array.from({ length: 60 }, () => unknown), approved],
    });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'captured' });
      await keep(client, row, 'parked-then-approved');
    });
    seen.push(...(await factsOf(playerId)));
    expect(seen).toContain('payments.deposit.parked');
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['parked-deposit:closed']);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
  });

  test('that nobody can explain for a month stays parked: not failed, not credited, its limit taken', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [unknown], status: [unknown] });
    await run(async (client) => {
      await begin(client, row);
      expect(await handleOf(client, row).result()).toMatchObject({ state: 'parked' });
      await keep(client, row, 'parked');
    });
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['parked-deposit:open']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 0n, held: 0n });
    expect(await limitTaken(database.db, playerId)).toBe(50n);
  });

  test.each([
    ['another amount', { processed: { amount: '5.00', asset: 'EUR' } }],
    ['the amount in another currency', { processed: { amount: '50.00', asset: 'GBP' } }],
    ['the amount for another player', { playerId: '0198c0de-0000-4000-8000-0000000000aa' }],
  ])('of which the PSP took %s is parked and not credited', async (_name, wrong) => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    const other = (order: Parameters<typeof approved>[0]) => ({ ...approved(order), ...wrong });
    alpha.play({ authorise: [approved], status: [other] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'parked' });
      await handleOf(client, row).result();
      await keep(client, row, 'amount-mismatch');
    });
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual([
      'amount-mismatch:open',
      'parked-deposit:open',
    ]);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 0n, held: 0n });
  });

  test('that failed and took money after all is credited once by its late workflow', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [declined('fix_data')], status: [approved] });
    await run(async (client) => {
      expect(await begin(client, row)).toMatchObject({ state: 'failed' });
      await handleOf(client, row).result();
      const input = {
        depositId: row.id,
        attempt: 1,
        playerId,
        brand: row.brand,
        jurisdiction: row.jurisdiction,
      };
      const late = await client.workflow.start<typeof depositLate>('depositLate', depositLateStart(input));
      expect(await late.result()).toBe('credited');
      await workflows.exportHistory(late, 'deposit-late.credited');
    });
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:late_approved']);
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['late-approval:closed']);
  });

  test('that was paid twice after a cascade credits one and shows the other to a person', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    alpha.play({ authorise: [declined('generic')], status: [approved] });
    beta.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      await begin(client, row);
      await handleOf(client, row).result();
      const input = {
        depositId: row.id,
        attempt: 1,
        playerId,
        brand: row.brand,
        jurisdiction: row.jurisdiction,
      };
      const late = await client.workflow.start<typeof depositLate>('depositLate', depositLateStart(input));
      expect(await late.result()).toBe('duplicate');
      await workflows.exportHistory(late, 'deposit-late.duplicate');
    });
    expect(await balancesOf(database.db, playerId)).toMatchObject({ cash: 50n });
    expect(await workItemsOf(database.db, `deposit:${row.id}`)).toEqual(['late-approval:open']);
  });

  test('that is begun while its row is being written waits for it, and goes by what was written', async () => {
    const playerId = await makePlayer(database.db);
    await askDeposit(database.db, playerId, '1.00');
    alpha.play({ authorise: [declined('generic')] });
    beta.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      const planned = Promise.withResolvers<PlannedDeposit>();
      const { row, answer } = await database.db
        .transaction()
        .execute(async (trx) => {
          // Whoever takes a share of a limit waits for this table.
          await sql`lock table responsible_gambling.deposit_reservation in share mode`.execute(trx);
          const writing = askDeposit(database.db, playerId, '50.00', 'EUR', { onPlanned: planned.resolve });
          const input = { ...(await planned.promise), psps: ['alpha', 'gamma'] };
          const beginning = client.workflow.executeUpdateWithStart(beginDeposit, {
            startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>(
              'deposit',
              depositStart(input),
            ),
          });
          await delay(500);
          expect(await attemptsOf(database.db, input.depositId)).toEqual([]);
          return { row: writing, answer: beginning };
        })
        .then(async ({ row, answer }) => ({ row: await row, answer: await answer }));
      expect(answer).toMatchObject({ state: 'captured' });
      await keep(client, row, 'begun-ahead');
      expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:declined', 'beta:approved']);
    });
  });

  test('whose row never comes ends by itself, and begins anew when the row came after all', async () => {
    const playerId = await makePlayer(database.db);
    const depositId = randomUUID();
    const input = {
      depositId,
      playerId,
      brand: 'aurora',
      jurisdiction: 'MT',
      money: { amount: '50.00', asset: 'EUR' },
      psps: ['alpha', 'beta'],
    };
    alpha.play({ authorise: [approved], status: [approved] });
    await run(async (client) => {
      const ahead = await client.workflow.start<typeof deposit>('deposit', depositStart(input));
      await expect(ahead.result()).rejects.toMatchObject({ cause: { type: 'not-found' } });
      expect(alpha.calls).toEqual([]);
      await keep(client, { id: depositId } as DepositRow, 'never-written');
      const row = await askDeposit(database.db, playerId, '50.00', 'EUR', { depositId });
      expect(await begin(client, row)).toMatchObject({ state: 'captured' });
    });
  });

  test('that cannot be taken in is refused before anything is begun', async () => {
    const playerId = await makePlayer(database.db);
    let begun = 0;
    const asked = askDeposit(database.db, playerId, '2000.00', 'EUR', { onPlanned: () => (begun += 1) });
    await expect(asked).rejects.toMatchObject({ failure: { code: 'deposit-limit-exceeded' } });
    expect(begun).toBe(0);
  });
});
