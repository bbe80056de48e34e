/** The `reconciliation` workflow under skipped time; the PSP's file is played, its reader is the real one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { createPspConnectors, type PspConnector } from '#activities/payments/connectors.ts';
import { unreconciledDays } from '#activities/payments/settlement-reading.ts';
import { lastRefetchDueMs } from '#domain/payments/settlement-refetch.ts';
import { sweepReconciliations } from '#workers/sweep-reconciliations.ts';
import { reconciliationStart, reconciliationWorkflowId } from '#workflows/reconciliation.contract.ts';
import type { reconciliation } from '#workflows/reconciliation.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { paymentActivities, scriptedPsp, seedWorld } from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
const scripted = scriptedPsp('alpha');
const day = '2026-11-24';

const header =
  'balance_transaction_id,currency,gross,fee,reporting_category,source_id,payment_intent_id,payment_metadata[reference]\r\n';
const file = (content: string) => () => ({ kind: 'file' as const, name: `${day}.csv`, content });

/** The real reader of Stripe's file over a played download. */
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

const run = (fn: (client: Client) => Promise<void>): Promise<void> =>
  workflows.runWorkflows({ activities: paymentActivities(database.db, new Map([['alpha', alpha()]])) }, fn);

const start = (client: Client, asked: number) =>
  client.workflow.start<typeof reconciliation>(
    'reconciliation',
    reconciliationStart({ psp: 'alpha', day, asked }),
  );

describeWorkflows('a reconciliation', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedWorld(database.db);
  }, 60_000);

  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('waits until the PSP has the file, keeps it, and opens a break for a line that is nobody’s', async () => {
    scripted.play({
      settlementFile: [
        () => ({ kind: 'unavailable', reason: 'not yet' }),
        () => ({ kind: 'unavailable', reason: 'not yet' }),
        file(`${header}txn_1,eur,12.34,0.42,charge,ch_1,pi_stray,somebody-else\r\n`),
      ],
    });
    await run(async (client) => {
      const handle = await start(client, 0);
      expect(await handle.result()).toEqual({ lines: 1, openBreaks: 1 });
      await workflows.exportHistory(handle, 'reconciliation.with-breaks');
    });
    const rows = await database.db
      .selectFrom('payments.reconciliationBreak')
      .select(['kind', 'naturalKey'])
      .execute();
    expect(rows).toEqual([{ kind: 'extra', naturalKey: 'txn_1' }]);
  });

  test('of the same file again changes nothing; of another one says that the day was restated', async () => {
    const same = file(`${header}txn_1,eur,12.34,0.42,charge,ch_1,pi_stray,somebody-else\r\n`);
    scripted.play({ settlementFile: [same, file(header)] });
    await run(async (client) => {
      expect(await (await start(client, 1)).result()).toEqual({ lines: 1, openBreaks: 1 });
      const handle = await start(client, 2);
      expect(await handle.result()).toEqual({ lines: 0, openBreaks: 2 });
      await workflows.exportHistory(handle, 'reconciliation.restated');
    });
    const versions = await database.db
      .selectFrom('payments.settlementFile')
      .select('version')
      .orderBy('version')
      .execute();
    expect(versions).toEqual([{ version: 1 }, { version: 2 }]);
  });

  test('of a day whose file is cut short ends as unreadable, and the sweep fetches the day until the whole file came', async () => {
    const cutDay = '2026-11-23';
    const line = 'txn_9,eur,12.34,0.42,charge,ch_9,pi_nobody,somebody-else\r\n';
    const whole = `${header}${line}`;
    const cut = file(whole.slice(0, -30));
    scripted.play({ settlementFile: [cut, cut, file(whole)] });
    const stateOfDay = async () => {
      const rows = await database.db
        .selectFrom('payments.settlementFile')
        .select(['version', 'state'])
        .where('day', '=', sql<Date>`${cutDay}::date`)
        .orderBy('version')
        .execute();
      const items = await database.db
        .selectFrom('payments.workItem')
        .select(sql<boolean>`closed_at is null`.as('isOpen'))
        .where('kind', '=', 'unreadable-settlement')
        .execute();
      return { files: rows.map(({ state }) => state), items: items.map(({ isOpen }) => isOpen) };
    };
    const agesBy = (hours: number) =>
      // Of an item nothing may change, not even for its owner: time is let pass underneath.
      database.ownerPool.query(
        `set session_replication_role = replica;
         update payments.work_item set opened_at = now() - interval '${hours} hours' where kind = 'unreadable-settlement';
         set session_replication_role = origin`,
      );
    /** The run that the sweep has started last. */
    const lastRun = async (client: Client) => {
      const [open] = await unreconciledDays(database.db);
      if (open === undefined) throw new Error('no day is open');
      const asked = lastRefetchDueMs(open.sinceMs, open.nowMs) ?? 0;
      return client.workflow.getHandle(reconciliationWorkflowId({ ...open, asked }));
    };
    await run(async (client) => {
      const first = await client.workflow.start<typeof reconciliation>(
        'reconciliation',
        reconciliationStart({ psp: 'alpha', day: cutDay, asked: 0 }),
      );
      expect(await first.result()).toEqual({ lines: 0, openBreaks: 0, isUnreadable: true });
      await workflows.exportHistory(first, 'reconciliation.unreadable');
      expect(await stateOfDay()).toEqual({ files: ['unreadable'], items: [true] });

      // Nothing is due in the first half hour.
      expect(await sweepReconciliations(client, database.db)).toBe(0);
      await agesBy(1);
      expect(await sweepReconciliations(client, database.db)).toBe(1);
      await expect.poll(() => scripted.calls.length, { timeout: 20_000 }).toBe(2);
      // The same run, however often the sweep looks.
      await sweepReconciliations(client, database.db);
      expect(await (await lastRun(client)).result()).toMatchObject({ isUnreadable: true });
      expect(scripted.calls).toHaveLength(2);
      expect(await stateOfDay()).toEqual({ files: ['unreadable'], items: [true] });

      await agesBy(3);
      expect(await sweepReconciliations(client, database.db)).toBe(1);
      await expect.poll(stateOfDay, { timeout: 20_000 }).toEqual({
        files: ['unreadable', 'reconciled'],
        items: [false],
      });
      // The day was told for the first time: its stray line is a break, and nothing was restated.
      const kinds = await database.db
        .selectFrom('payments.reconciliationBreak')
        .select('kind')
        .where('day', '=', sql<Date>`${cutDay}::date`)
        .execute();
      expect(kinds).toEqual([{ kind: 'extra' }]);
      await agesBy(3);
      expect(await sweepReconciliations(client, database.db)).toBe(0);
    });
  });
});
