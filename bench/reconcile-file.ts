/** One reconciliation in a process of its own, as a worker would run it, with its resident memory watched. */
import { setInterval } from 'node:timers';
import { pino } from 'pino';
import { createPspConnectors } from '#activities/payments/connectors.ts';
import { createReconciliationActivities } from '#activities/payments/reconciliation.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { pspAccounts } from '#workers/activity-deps.ts';
import { loadConfig } from '#workers/config.ts';

export type ReconcileOrder = { readonly fileId: string; readonly psp: string };

export type Reconciliation = {
  readonly lines: number;
  readonly openBreaks: number;
  readonly tookS: number;
  readonly beforeMiB: number;
  readonly peakMiB: number;
};

const residentMiB = (): number => process.memoryUsage.rss() / 2 ** 20;

process.once('message', (order: ReconcileOrder) => void reconcile(order));

async function reconcile({ fileId }: ReconcileOrder): Promise<void> {
  const config = loadConfig();
  const pool = openPool({
    url: config.database.writerUrl.reveal(),
    applicationName: 'pitboss-bench',
    connectionsMax: 2,
  });
  const db = createDatabase(pool);
  const activities = createReconciliationActivities({
    db,
    psps: createPspConnectors(pspAccounts(config)),
    log: pino({ level: 'silent' }),
  });
  await pool.query('select 1');
  globalThis.gc?.();
  const beforeMiB = residentMiB();
  let peakMiB = beforeMiB;
  const watch = setInterval(() => {
    peakMiB = Math.max(peakMiB, residentMiB());
  }, 20);
  const startedAt = performance.now();
  const { lines, openBreaks } = await activities.matchSettlement({ fileId });
  const tookS = (performance.now() - startedAt) / 1_000;
  clearInterval(watch);
  await db.destroy();
  const result: Reconciliation = { lines, openBreaks, tookS, beforeMiB, peakMiB };
  process.once('message', () => process.disconnect());
  process.send?.(result);
}
