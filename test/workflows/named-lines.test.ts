/** Calls whose answers and notices were all lost, until a settlement file names them: the payment asks again and settles. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { createPspConnectors, type PspConnector } from '#activities/payments/connectors.ts';
import { depositInputOf, withdrawalInputOf } from '#activities/payments/payment-rows.ts';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { sweepNamedBreaks } from '#workers/sweep-named-breaks.ts';
import { depositStart, depositWorkflowId } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import { depositLateWorkflowId } from '#workflows/deposit-late.contract.ts';
import { withdrawalStart } from '#workflows/withdrawal.contract.ts';
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
  attemptsOf,
  balancesOf,
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  unknown,
  workItemsOf,
} from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const scripted = scriptedPsp('alpha');

const header =
  'balance_transaction_id,currency,gross,fee,reporting_category,source_id,payment_intent_id,payment_metadata[reference]\r\n';

/** The real reader of Stripe's file over a played PSP. */
function alpha(): PspConnector {
  const real = createPspConnectors({
    alpha: { url: 'http://127.0.0.1:9', apiKey: 'sk', webhookSecret: 'whsec' },
  }).get('alpha');
  if (!real?.settlement || !scripted.settlement) throw new Error('alpha is configured');
  return {
    ...scripted,
    settlement: { ...real.settlement, settlementFile: scripted.settlement.settlementFile },
  };
}

const activities = () => {
  const { money, provider } = paymentActivities(database.db, new Map([['alpha', alpha()]]));
  const assessWithdrawal = () =>
    Promise.resolve({ outcome: 'accept' as const, reasons: [], ruleVersion: 'test' });
  return { money: { ...money, assessWithdrawal }, provider };
};

const run = (fn: (client: Client) => Promise<void>): Promise<void> =>
  workflows.runWorkflows({ activities: activities() }, fn);

/** A status that knows nothing before it is asked by the PSP's own name, which only the file tells. */
const once =
  (pspReference: string, before: () => PspOutcome) =>
  (order: Parameters<typeof approved>[0] & { readonly pspReference: string | null }): PspOutcome =>
    order.pspReference === pspReference ? ({ ...approved(order), pspReference } as PspOutcome) : before();

const gone = (): PspOutcome => ({ kind: 'not_found', authoritative: true });

/** Takes the file of a day in, as the workflow does it. */
async function takeFile(day: string, line: string) {
  const { fetchSettlement, matchSettlement } = activities().provider;
  scripted.play({
    ...lastScript,
    settlementFile: [() => ({ kind: 'file', name: `${day}.csv`, content: `${header}${line}\r\n` })],
  });
  const { fileId } = await fetchSettlement({ psp: 'alpha', day });
  return matchSettlement({ fileId });
}
let lastScript: Parameters<typeof scripted.play>[0] = {};
const play = (script: typeof lastScript): void => {
  lastScript = script;
  scripted.play(script);
};

const breakOf = (naturalKey: string) =>
  database.db
    .selectFrom('payments.reconciliationBreak')
    .select(['id', 'kind', 'subject', 'attempt', 'proofKind', 'proofReference'])
    .where('naturalKey', '=', naturalKey)
    .execute();

const feeOfLines = async (): Promise<string[]> => {
  const { rows } = await database.ownerPool.query<{ units: string }>(
    `select sum(e.amount)::text as units from wallet.entry e join wallet.journal j on j.id = e.journal_id
     where j.code = 'psp.fee' and e.account = 'psp:alpha:clearing' group by j.id order by min(j.occurred_at)`,
  );
  return rows.map(({ units }) => units);
};

async function sweepUntilClosed(client: Client, naturalKey: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await sweepNamedBreaks(client, database.db);
        return (await breakOf(naturalKey))[0]?.proofKind;
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBe('movement');
}

describeWorkflows('a settlement line that names', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);

  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('a charge that nobody could tell of for a month makes its deposit ask again, and is matched once it is credited', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    const subject = `deposit:${row.id}`;
    play({ authorise: [unknown], status: [once('pi_lost', unknown)] });
    await run(async (client) => {
      const handle = await client.workflow.start<typeof deposit>(
        'deposit',
        depositStart(depositInputOf(row)),
      );
      expect(await handle.result()).toMatchObject({ state: 'parked' });
      const line = `txn_lost,eur,50.00,0.95,charge,ch_1,pi_lost,${subject}:a1`;
      expect(await takeFile('2026-11-20', line)).toEqual({ lines: 1, openBreaks: 1 });
      const [named] = await breakOf('txn_lost');
      expect(named).toMatchObject({ kind: 'extra', subject, attempt: 1, proofKind: null });
      expect(await balancesOf(database.db, playerId)).toEqual({ cash: 0n, held: 0n });

      await sweepUntilClosed(client, 'txn_lost');
      await workflows.exportHistory(
        client.workflow.getHandle(depositLateWorkflowId(row.id, 1)),
        'deposit-late.named-by-file',
      );
      expect(await workItemsOf(database.db, `break:${named?.id}`)).toEqual(['reconciliation-break:closed']);
    });
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:approved']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 50n, held: 0n });
    expect(await workItemsOf(database.db, subject)).toEqual(['parked-deposit:closed']);
    expect(await breakOf('txn_lost')).toMatchObject([{ proofReference: subject }]);
    // The fee left with the charge and is booked with it, once, whatever is told again.
    expect(await feeOfLines()).toEqual(['950000000000']);
    expect(
      await takeFile('2026-11-20', `txn_lost,eur,50.00,0.95,charge,ch_1,pi_lost,${subject}:a1\r\n`),
    ).toMatchObject({ lines: 1 });
    expect(await feeOfLines()).toEqual(['950000000000']);
  }, 120_000);

  test('a charge that was closed as never sent makes its deposit ask again, and the late success is credited', async () => {
    const playerId = await makePlayer(database.db);
    const row = await askDeposit(database.db, playerId);
    play({ authorise: [unknown], status: [once('pi_closed', gone)] });
    await run(async (client) => {
      const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
      await client.workflow.start<typeof deposit>('deposit', {
        ...depositStart({ ...depositInputOf(row), psps: ['alpha'] }),
      });
      expect(await handle.result()).toMatchObject({ state: 'failed' });
      await takeFile('2026-11-19', `txn_closed,eur,50.00,0.95,charge,ch_2,pi_closed,deposit:${row.id}:a1`);
      await sweepUntilClosed(client, 'txn_closed');
    });
    expect(await attemptsOf(database.db, row.id)).toEqual(['alpha:late_approved', 'beta:not_sent']);
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 50n, held: 0n });
  }, 120_000);

  test('a payout whose answer was lost makes its withdrawal ask again, and the hold is paid', async () => {
    const playerId = await makePlayer(database.db);
    const paidIn = await askDeposit(database.db, playerId, '200.00');
    play({ authorise: [approved], status: [approved] });
    const { money, provider } = activities();
    await provider.authoriseAttempt({ depositId: paidIn.id, number: 1 });
    await money.captureDeposit({ depositId: paidIn.id, number: 1 });
    const { id: instrumentId } = await database.db
      .selectFrom('payments.instrument')
      .select('id')
      .where('playerId', '=', playerId)
      .executeTakeFirstOrThrow();
    const withdrawalId = randomUUID();
    const row = orThrow(
      await requestWithdrawal(database.db, {
        withdrawalId,
        playerId,
        brand,
        money: { amount: '20.00', asset: 'EUR' },
        instrumentId,
        fingerprint: fingerprintOf(withdrawalId),
      }),
    );
    play({ payout: [unknown], payoutStatus: [once('po_lost', unknown)] });
    await run(async (client) => {
      const handle = await client.workflow.start<typeof withdrawal>(
        'withdrawal',
        withdrawalStart(withdrawalInputOf(row)),
      );
      await expect.poll(() => scripted.calls, { timeout: 20_000 }).toContain('payout');
      expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 20n });
      await takeFile('2026-11-18', `txn_po,eur,-20.00,0.25,payout,po_lost,,withdrawal:${row.id}:p1`);
      expect(await breakOf('txn_po')).toMatchObject([
        { kind: 'extra', subject: `withdrawal:${row.id}`, attempt: 1, proofKind: null },
      ]);
      await sweepUntilClosed(client, 'txn_po');
      expect(await handle.result()).toMatchObject({ state: 'paid' });
      await workflows.exportHistory(handle, 'withdrawal.named-by-file');
    });
    expect(await balancesOf(database.db, playerId)).toEqual({ cash: 180n, held: 0n });
  }, 120_000);

  test('a payment that is not ours, or was never tried at this PSP, stays a line of nobody', async () => {
    await takeFile('2026-11-17', `txn_none,eur,50.00,0.95,charge,ch_3,pi_none,deposit:${randomUUID()}:a1`);
    await takeFile('2026-11-16', `txn_form,eur,50.00,0.95,charge,ch_4,pi_form,deposit:${'-'.repeat(36)}:a1`);
    for (const key of ['txn_none', 'txn_form'])
      expect(await breakOf(key)).toMatchObject([{ kind: 'extra', subject: null, attempt: null }]);
  });
});
