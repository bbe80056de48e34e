/** Starts the reconciliation of each PSP's last days; a day that was begun is left alone. */
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { settlingPsps } from '#domain/payments/settlement.ts';
import { reconciliationStart } from '#workflows/reconciliation.contract.ts';
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
  for (const { psp, day } of rows) {
    await startOnce(
      client.workflow.start<typeof reconciliation>(
        'reconciliation',
        reconciliationStart({ psp, day, asked: 0 }),
      ),
    );
  }
  return rows.length;
}
