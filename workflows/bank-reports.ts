/** Fetches the bank's reports for ever: a bank that is away is asked again, a report that cannot be applied yet too. */
import { ActivityFailure, continueAsNew, proxyActivities, sleep } from '@temporalio/workflow';
import type { createBankReportActivities } from '#activities/payments/sepa/bank-reports.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { providerRead } from './retry-profiles.ts';

const { importReports } = proxyActivities<ReturnType<typeof createBankReportActivities>>({
  ...providerRead,
  taskQueue: taskQueues.provider,
});

const pauseMs = 30_000;
const roundsMax = 250;

export async function bankReports(): Promise<never> {
  for (let round = 0; round < roundsMax; round += 1) {
    const { hasMore } = await importReports().catch((error: unknown) => {
      if (!(error instanceof ActivityFailure)) throw error;
      return { hasMore: false };
    });
    if (!hasMore) await sleep(pauseMs);
  }
  return continueAsNew<typeof bankReports>();
}
