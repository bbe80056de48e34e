/** The `reconciliation` workflow under skipped time; the PSP's file is played, its reader is the real one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { createPspConnectors, type PspConnector } from '#activities/payments/connectors.ts';
import { reconciliationStart } from '#workflows/reconciliation.contract.ts';
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
});
