/** The continuous audit of the ledger: a run every minute and a scan of everything every night, by the relay that leads. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { isFullAuditDue } from '#activities/wallet/audit/audit-progress.ts';
import { auditFull, auditMinute, type AuditRun } from '#activities/wallet/audit/run-audit.ts';
import { isWithdrawalStopped } from '#activities/wallet/audit/withdrawal-stop.ts';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import type { Config } from './config.ts';
import type { Metrics } from './metrics.ts';

export type AuditLoopDeps = {
  readonly config: Config;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly metrics: Metrics;
  readonly log: Logger;
};

const everyMs = 60_000;
const askForFullMs = 10_000;

/** Runs until `signal` aborts; a run that fails is tried again at its next turn. */
export async function runAudits(deps: AuditLoopDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([
    repeat(everyMs, signal, deps.log, () => minuteRun(deps)),
    repeat(askForFullMs, signal, deps.log, () => fullRun(deps)),
  ]);
}

async function minuteRun({ config, db, clickhouse, metrics, log }: AuditLoopDeps): Promise<void> {
  const startedMs = performance.now();
  const run = await auditMinute({ db, clickhouse, stopsWithdrawals: config.audit.stopsWithdrawals });
  publish(run, performance.now() - startedMs, { metrics, log });
  metrics.withdrawalsStopped.set((await isWithdrawalStopped(db)) ? 1 : 0);
}

async function fullRun({ config, db, metrics, log }: AuditLoopDeps): Promise<void> {
  if (!(await isFullAuditDue(db, config.audit.fullScanHour))) return;
  const startedMs = performance.now();
  // Its statements read everything; those of the relay's own pool are cut off long before.
  const pool = openPool({
    url: config.database.writerUrl.reveal(),
    applicationName: 'pitboss-audit',
    connectionsMax: 1,
    statementTimeoutMs: 0,
  });
  try {
    const run = await auditFull({
      db: createDatabase(pool),
      stopsWithdrawals: config.audit.stopsWithdrawals,
    });
    publish(run, performance.now() - startedMs, { metrics, log });
  } finally {
    await pool.end();
  }
}

function publish(
  run: AuditRun,
  durationMs: number,
  { metrics, log }: Pick<AuditLoopDeps, 'metrics' | 'log'>,
): void {
  for (const { name, outcome } of run.checks)
    metrics.ledgerAuditDifference.labels(`${run.kind}: ${name}`).set(outcome === 'different' ? 1 : 0);
  metrics.ledgerAuditFinishedAtS.labels(run.kind).set(Date.now() / 1_000);
  metrics.ledgerAuditDurationS.labels(run.kind).set(durationMs / 1_000);
  const said = { auditId: String(run.id), kind: run.kind, durationMs: Math.round(durationMs) };
  if (run.outcome === 'different') {
    const findings = run.checks.flatMap((check) => check.findings);
    log.error(
      { ...said, findings, hasStopped: run.hasStopped },
      'the audit found a difference in the ledger',
    );
  } else if (run.outcome === 'incomplete') {
    const unseen = run.checks.filter((check) => check.outcome === 'unseen');
    log.warn(
      { ...said, unseen: unseen.map(({ name, covered }) => `${name}: ${covered}`) },
      'the audit could not look at everything',
    );
  } else {
    log.debug(said, 'the audit found the ledger clean');
  }
}

async function repeat(
  pauseMs: number,
  signal: AbortSignal,
  log: Logger,
  run: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const startedMs = performance.now();
    await run().catch((error: unknown) => log.error({ error }, 'an audit of the ledger could not be run'));
    const restMs = Math.max(1_000, pauseMs - (performance.now() - startedMs));
    await delay(restMs, undefined, { signal }).catch(() => {});
  }
}
