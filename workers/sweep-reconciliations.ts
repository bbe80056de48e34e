/** Starts the reconciliation of each PSP's last days, and again, with growing pauses, of days whose file cannot be read. */
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { unreconciledDays } from '#activities/payments/settlement-reading.ts';
import type { Database } from '#db/connect.ts';
import { settlingPsps } from '#domain/payments/settlement.ts';
import { lastRefetchDueMs } from '#domain/payments/settlement-refetch.ts';
import { reconciliationStart, type ReconciliationInput } from '#workflows/reconciliation.contract.ts';
import type { reconciliation } from '#workflows/reconciliation.ts';
import { startOnce } from './event-routes.ts';

/** A relay that was away over a weekend catches up. */
const daysBack = 4;

/** A day's file is looked for from two hours after its end (UTC), by the database's clock. */
export async function sweepReconciliations(client: Client, db: Database): Promise<number> {
  const { rows } = await sql<{ psp: string; day: string }>`
    select p.psp, d.day::date::text as day
    from (select distinct psp from payments.attempt where psp = any(${[...settlingPsps]})) p,
      generate_series(((now() - interval '26 hours') at time zone 'UTC')::date - ${daysBack}::int + 1,
        ((now() - interval '26 hours') at time zone 'UTC')::date, interval '1 day') as d(day)
    where not exists (select 1 from payments.settlement_file f where f.psp = p.psp and f.day = d.day::date)`.execute(
    db,
  );
  const due = [...rows.map((one) => ({ ...one, asked: 0 })), ...(await daysToFetchAgain(db))];
  for (const input of due) {
    await startOnce(
      client.workflow.start<typeof reconciliation>('reconciliation', reconciliationStart(input)),
    );
  }
  return due.length;
}

/** A run is named by when it was due, so that each is started once however often this looks. */
async function daysToFetchAgain(db: Database): Promise<readonly ReconciliationInput[]> {
  const days = await unreconciledDays(db);
  return days.flatMap(({ psp, day, sinceMs, nowMs }) => {
    const asked = lastRefetchDueMs(sinceMs, nowMs);
    return asked === null ? [] : [{ psp, day, asked }];
  });
}
